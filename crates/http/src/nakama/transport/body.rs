//! The request body: bytes off the wire, as they were before they were encoded.

use std::future::poll_fn;
use std::io::Read as _;
use std::pin::Pin;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, HeaderValue, header};
use flate2::bufread::MultiGzDecoder;
use flate2::{Decompress, FlushDecompress, Status};

use super::error::ApiError;

/// The most bytes a body may have as sent.
pub(crate) const BODY_LIMIT: usize = 262_144;

/// The most bytes a body may have once inflated: a small body must not become a big one.
const INFLATED_LIMIT: usize = 1024 * 1024;

/// How much of a body that is too large is read and thrown away. A connection closed with
/// unread bytes in it may be reset, and then the client never sees the answer.
const DRAIN_LIMIT: usize = 4 * 1024 * 1024;

const TOO_LARGE: &str = "http: request body too large";

/// Reads the whole body and undoes its encoding.
pub(crate) async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, ApiError> {
    check_content_type(headers)?;
    let sent = collect(body, limit).await?;
    match headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        Some(b"gzip") => gunzip(&sent),
        Some(b"deflate") => inflate(&sent),
        _ => Ok(sent),
    }
}

/// Joins the frames of a body, as long as there are not more than `limit` bytes.
pub(crate) async fn collect(mut body: Body, limit: usize) -> Result<Bytes, ApiError> {
    let mut first = Bytes::new();
    let mut joined = Vec::new();
    let mut seen = 0_usize;
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let frame = frame.map_err(|_| ApiError::invalid("request body could not be read"))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        seen = seen.saturating_add(data.len());
        if seen > limit.saturating_add(DRAIN_LIMIT) {
            break;
        }
        if seen > limit {
            joined = Vec::new();
        } else if first.is_empty() {
            // Nearly every body is one frame, and one frame needs no copy.
            first = data;
        } else {
            if joined.is_empty() {
                joined.extend_from_slice(&first);
            }
            joined.extend_from_slice(&data);
        }
    }
    if seen > limit {
        Err(ApiError::invalid(TOO_LARGE))
    } else if joined.is_empty() {
        Ok(first)
    } else {
        Ok(joined.into())
    }
}

fn gunzip(sent: &[u8]) -> Result<Bytes, ApiError> {
    let mut plain = Vec::new();
    MultiGzDecoder::new(sent)
        .take(INFLATED_LIMIT as u64 + 1)
        .read_to_end(&mut plain)
        .map_err(|_| ApiError::invalid("gzip: invalid data"))?;
    if plain.len() > INFLATED_LIMIT {
        return Err(ApiError::invalid(TOO_LARGE));
    }
    Ok(plain.into())
}

/// Undoes raw DEFLATE. The stream must come to its own end, or a cut one would pass as short.
fn inflate(sent: &[u8]) -> Result<Bytes, ApiError> {
    let invalid = || ApiError::invalid("flate: invalid data");
    let mut stream = Decompress::new(false);
    let mut plain = Vec::new();
    loop {
        plain.reserve(sent.len().max(1024));
        let before = (stream.total_in(), plain.len());
        let read = usize::try_from(before.0).map_err(|_| invalid())?;
        let rest = sent.get(read..).unwrap_or_default();
        let status = stream
            .decompress_vec(rest, &mut plain, FlushDecompress::None)
            .map_err(|_| invalid())?;
        if plain.len() > INFLATED_LIMIT {
            return Err(ApiError::invalid(TOO_LARGE));
        }
        if status == Status::StreamEnd {
            return Ok(plain.into());
        }
        // There was room for more, so a stream that stands still has been cut.
        if (stream.total_in(), plain.len()) == before {
            return Err(invalid());
        }
    }
}

/// The media type is not used, but it must be one: `type` or `type/subtype`, then anything
/// after a `;`.
fn check_content_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Ok(());
    };
    let value = value.as_bytes();
    let essence = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let mut names = essence.split(|byte| *byte == b'/');
    let is_token = |name: &[u8]| !name.is_empty() && name.iter().copied().all(is_token_byte);
    if value.is_empty() || (names.by_ref().take(2).all(is_token) && names.next().is_none()) {
        Ok(())
    } else {
        Err(ApiError::invalid("mime: no media type"))
    }
}

const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    use axum::extract::Request;
    use axum::http::HeaderName;
    use axum::response::IntoResponse;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    async fn read_with(
        pairs: &[(HeaderName, &'static str)],
        body: impl Into<Body>,
    ) -> Result<Bytes, ApiError> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(name, HeaderValue::from_static(value));
        }
        read(&headers, body.into(), BODY_LIMIT).await
    }

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn deflate(plain: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    #[track_caller]
    fn refused_with(result: Result<Bytes, ApiError>, text: &str) {
        assert_eq!(result.unwrap_err(), ApiError::invalid(text.to_owned()));
    }

    /// Sends a body in chunks of the given sizes over a socket; gives the status and, as text,
    /// the size that was read or the error.
    async fn send_chunks(sizes: &'static [usize]) -> (u16, String) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = axum::Router::new().fallback(async |request: Request| {
            let (parts, body) = request.into_parts();
            match read(&parts.headers, body, BODY_LIMIT).await {
                Ok(body) => body.len().to_string().into_response(),
                Err(error) => error.into_response(),
            }
        });
        let server = tokio::spawn(async { axum::serve(listener, app).await });
        let client = tokio::task::spawn_blocking(move || {
            let mut socket = std::net::TcpStream::connect(address).unwrap();
            let head = "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
                        Transfer-Encoding: chunked\r\n\r\n";
            socket.write_all(head.as_bytes()).unwrap();
            for size in sizes {
                let chunk = format!("{size:x}\r\n{}\r\n", "x".repeat(*size));
                socket.write_all(chunk.as_bytes()).unwrap();
            }
            socket.write_all(b"0\r\n\r\n").unwrap();
            let mut answer = String::new();
            socket.read_to_string(&mut answer).unwrap();
            answer
        });
        let answer = client.await.unwrap();
        server.abort();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    #[tokio::test]
    async fn nakama_1_3_exactly_the_limit_passes_and_one_more_byte_does_not() {
        assert_eq!(read_with(&[], vec![b'x'; 262_144]).await.unwrap().len(), 262_144);
        refused_with(read_with(&[], vec![b'x'; 262_145]).await, TOO_LARGE);
    }

    #[tokio::test]
    async fn nakama_1_3_the_limit_is_counted_over_all_chunks() {
        assert_eq!(send_chunks(&[]).await, (200, "0".to_owned()));
        assert_eq!(send_chunks(&[7, 5]).await, (200, "12".to_owned()));
        assert_eq!(send_chunks(&[1, 262_142, 1]).await, (200, "262144".to_owned()));
        let (status, text) = send_chunks(&[1, 262_143, 1]).await;
        assert!(status == 400 && text.contains(TOO_LARGE));
    }

    #[tokio::test]
    async fn nakama_x1_the_refusal_of_a_large_body_reaches_a_client_that_sends_it_all() {
        let (status, text) = send_chunks(&[262_144; 8]).await;
        assert!(status == 400 && text.contains(TOO_LARGE));
    }

    #[tokio::test]
    async fn nakama_1_3_gzip_and_raw_deflate_are_decoded() {
        let plain = br#"{"id":"some device id"}"#;
        let gzipped = read_with(&[(header::CONTENT_ENCODING, "gzip")], gzip(plain)).await;
        assert_eq!(gzipped.unwrap(), &plain[..]);
        let deflated = read_with(&[(header::CONTENT_ENCODING, "deflate")], deflate(plain)).await;
        assert_eq!(deflated.unwrap(), &plain[..]);
    }

    #[tokio::test]
    async fn nakama_1_3_zlib_wrapped_deflate_is_refused() {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(b"{}").unwrap();
        let wrapped = encoder.finish().unwrap();
        assert!(read_with(&[(header::CONTENT_ENCODING, "deflate")], wrapped).await.is_err());
    }

    #[tokio::test]
    async fn cut_or_false_encodings_are_refused() {
        for (name, whole) in [("gzip", gzip(b"{}")), ("deflate", deflate(b"{}"))] {
            for cut in 0..whole.len() {
                let sent = whole[..cut].to_vec();
                let read = read_with(&[(header::CONTENT_ENCODING, name)], sent).await;
                assert_eq!(read.unwrap_err().code, 3, "{name} cut to {cut}");
            }
            assert!(read_with(&[(header::CONTENT_ENCODING, name)], "{}").await.is_err());
        }
    }

    #[tokio::test]
    async fn nakama_1_3_other_encodings_are_ignored() {
        for name in ["GZIP", "Deflate", "br", "identity", "", "gzip, deflate"] {
            let read = read_with(&[(header::CONTENT_ENCODING, name)], "{}").await;
            assert_eq!(read.unwrap(), "{}", "{name}");
        }
    }

    #[tokio::test]
    async fn nakama_1_3_the_limit_counts_the_bytes_as_sent_not_those_inflated() {
        let plain = vec![b' '; 262_145];
        let read = read_with(&[(header::CONTENT_ENCODING, "gzip")], gzip(&plain)).await;
        assert_eq!(read.unwrap().len(), plain.len());
        let read = read_with(&[(header::CONTENT_ENCODING, "deflate")], deflate(&plain)).await;
        assert_eq!(read.unwrap().len(), plain.len());
    }

    #[tokio::test]
    async fn a_small_body_cannot_inflate_without_bound() {
        let full = vec![b' '; INFLATED_LIMIT];
        let over = vec![b' '; INFLATED_LIMIT + 1];
        for (name, encode) in [("gzip", gzip as fn(&[u8]) -> _), ("deflate", deflate)] {
            let header = [(header::CONTENT_ENCODING, name)];
            assert_eq!(read_with(&header, encode(&full)).await.unwrap().len(), INFLATED_LIMIT);
            refused_with(read_with(&header, encode(&over)).await, TOO_LARGE);
        }
    }

    #[tokio::test]
    async fn nakama_1_2_the_content_type_is_ignored() {
        for value in [
            "",
            "application/json",
            "application/x-www-form-urlencoded",
            "text/plain; charset=x",
            "JSON",
            "text",
            "a/b;;;",
            " a/b ",
            "multipart/form-data",
        ] {
            let read = read_with(&[(header::CONTENT_TYPE, value)], "{}").await;
            assert_eq!(read.unwrap(), "{}", "{value}");
        }
    }

    #[tokio::test]
    async fn nakama_1_2_a_content_type_that_is_no_media_type_is_refused() {
        for value in [";;;", ";", " ", "/", "/json", "a/", "a/b/c", "a b", "a, b", "a/b c", "(a)"] {
            let read = read_with(&[(header::CONTENT_TYPE, value)], "{}").await;
            refused_with(read, "mime: no media type");
        }
    }
}
