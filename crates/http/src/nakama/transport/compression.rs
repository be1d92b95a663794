//! Smaller answers for those who ask.

use std::cell::RefCell;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use flate2::{Compress, CompressError, Compression, Crc, FlushCompress, Status};

use super::body::collect;
use super::error::ApiError;

thread_local! {
    // A compressor is some 300 KiB that must be cleared: making one anew for each small answer
    // would cost more than the answer.
    static DEFLATER: RefCell<Compress> = RefCell::new(Compress::new(Compression::fast(), false));
}

/// The fixed head of a gzip member: deflate, no name, no time, unknown system.
const GZIP_HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Gzip,
    Deflate,
}

/// The first of the two encodings the client names. Weights and other spellings do not count.
pub(crate) fn choose(headers: &HeaderMap) -> Option<Encoding> {
    let asked = headers.get(header::ACCEPT_ENCODING)?.as_bytes();
    asked.split(|byte| *byte == b',').find_map(|name| match name.trim_ascii() {
        b"gzip" => Some(Encoding::Gzip),
        b"deflate" => Some(Encoding::Deflate),
        _ => None,
    })
}

/// Compresses an answer. Answers are small and whole, so there is nothing to stream.
pub(crate) async fn compress(response: Response, encoding: Option<Encoding>) -> Response {
    let Some(encoding) = encoding else {
        return response;
    };
    let (mut parts, body) = response.into_parts();
    let Ok(plain) = collect(body, usize::MAX).await else {
        return ApiError::internal().into_response();
    };
    if plain.is_empty() {
        return Response::from_parts(parts, Body::empty());
    }
    let (name, packed) = match encoding {
        Encoding::Gzip => ("gzip", gzip(&plain)),
        Encoding::Deflate => ("deflate", deflate(&plain, Vec::new())),
    };
    let Ok(packed) = packed else {
        return Response::from_parts(parts, Body::from(plain));
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    Response::from_parts(parts, Body::from(packed))
}

fn gzip(plain: &[u8]) -> Result<Vec<u8>, CompressError> {
    let mut crc = Crc::new();
    crc.update(plain);
    let mut packed = deflate(plain, GZIP_HEAD.to_vec())?;
    packed.extend_from_slice(&crc.sum().to_le_bytes());
    packed.extend_from_slice(&crc.amount().to_le_bytes());
    Ok(packed)
}

/// Appends raw DEFLATE of `plain` to `packed`.
fn deflate(plain: &[u8], mut packed: Vec<u8>) -> Result<Vec<u8>, CompressError> {
    DEFLATER.with_borrow_mut(|stream| {
        stream.reset();
        loop {
            packed.reserve(plain.len() / 2 + 64);
            let read = usize::try_from(stream.total_in()).unwrap_or(usize::MAX);
            let rest = plain.get(read..).unwrap_or_default();
            if stream.compress_vec(rest, &mut packed, FlushCompress::Finish)? == Status::StreamEnd {
                return Ok(packed);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    use flate2::read::{DeflateDecoder, GzDecoder};

    fn asked(value: &'static str) -> Option<Encoding> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
        choose(&headers)
    }

    #[test]
    fn nakama_1_5_the_first_of_the_two_named_wins() {
        assert_eq!(asked("gzip"), Some(Encoding::Gzip));
        assert_eq!(asked("gzip, deflate, br"), Some(Encoding::Gzip));
        assert_eq!(asked("br,deflate ,gzip"), Some(Encoding::Deflate));
    }

    #[test]
    fn nakama_1_5_only_lower_case_is_understood() {
        assert_eq!(choose(&HeaderMap::new()), None);
        for value in ["", "GZIP", "Deflate", "br", "identity", "*", "x-gzip"] {
            assert_eq!(asked(value), None, "{value}");
        }
    }

    fn texts() -> [Vec<u8>; 4] {
        // Bytes without any pattern grow when packed: the buffer has to grow with them.
        let noise = (0..100_000_u32).map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()[3]);
        [b"{}".to_vec(), vec![b'x'; 1_000_000], noise.collect(), b"{\"token\":\"abc\"}".to_vec()]
    }

    async fn packed(plain: &[u8], encoding: Encoding) -> (Response, Vec<u8>) {
        let mut response = Response::new(Body::from(plain.to_vec()));
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(plain.len()));
        let (parts, body) = compress(response, Some(encoding)).await.into_parts();
        assert!(!parts.headers.contains_key(header::CONTENT_LENGTH));
        let bytes = collect(body, usize::MAX).await.unwrap().to_vec();
        (Response::from_parts(parts, Body::empty()), bytes)
    }

    #[tokio::test]
    async fn nakama_1_5_gzip_can_be_unpacked_again_and_again() {
        for text in texts() {
            let (response, bytes) = packed(&text, Encoding::Gzip).await;
            assert_eq!(response.headers()[header::CONTENT_ENCODING], "gzip");
            let mut plain = Vec::new();
            GzDecoder::new(&bytes[..]).read_to_end(&mut plain).unwrap();
            assert!(plain == text);
        }
    }

    #[tokio::test]
    async fn nakama_1_5_deflate_is_raw_and_can_be_unpacked() {
        for text in texts() {
            let (response, bytes) = packed(&text, Encoding::Deflate).await;
            assert_eq!(response.headers()[header::CONTENT_ENCODING], "deflate");
            let mut plain = Vec::new();
            DeflateDecoder::new(&bytes[..]).read_to_end(&mut plain).unwrap();
            assert!(plain == text);
        }
    }

    #[tokio::test]
    async fn an_answer_is_left_alone_unless_asked_and_when_empty() {
        let plain = compress(Response::new(Body::from("{}")), None).await;
        assert!(plain.headers().is_empty());
        assert_eq!(collect(plain.into_body(), usize::MAX).await.unwrap(), "{}");
        let empty = compress(Response::new(Body::empty()), Some(Encoding::Gzip)).await;
        assert!(empty.headers().is_empty());
    }
}
