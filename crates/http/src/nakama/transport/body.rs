//! The request body: bytes off the wire, then one JSON object.

use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::io::Read as _;
use std::pin::Pin;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, HeaderValue, header};
use flate2::bufread::MultiGzDecoder;
use flate2::{Decompress, FlushDecompress, Status};
use serde::de::{DeserializeOwned, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::error::ApiError;

/// The most bytes a body may have as sent.
pub(crate) const BODY_LIMIT: usize = 262_144;

/// The most bytes a body may have once inflated: a small body must not become a big one.
const INFLATED_LIMIT: usize = 1024 * 1024;

/// The most vars that are read. The engine takes fewer; this keeps a stranger from filling memory before it is asked.
const MOST_VARS: usize = 2048;

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

/// Reads the first JSON value of the body, which must be an object. An empty body is `{}`.
pub(crate) fn parse<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, ApiError> {
    if body.is_empty() {
        return Ok(T::default());
    }
    // serde would fill a struct from an array, too.
    let first = body.iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
    if first != Some(&b'{') {
        return Err(ApiError::invalid("request body is not a JSON object"));
    }
    let mut values = serde_json::Deserializer::from_slice(body).into_iter::<T>();
    let value = values.next().transpose().map_err(|error| refusal(&error))?.unwrap_or_default();
    check_skipped(body.get(..values.byte_offset()).unwrap_or(body))?;
    Ok(value)
}

/// What was skipped, the values of unknown fields, has not been looked at closely yet.
fn check_skipped(json: &[u8]) -> Result<(), ApiError> {
    if str::from_utf8(json).is_err() {
        return Err(ApiError::invalid("request body is not UTF-8"));
    }
    if has_lone_surrogate(json) {
        return Err(ApiError::invalid("request body has a lone surrogate"));
    }
    Ok(())
}

/// Looks at the escapes of well-formed JSON. It builds nothing, so a body cannot make it big.
fn has_lone_surrogate(mut json: &[u8]) -> bool {
    let mut after_high = false;
    loop {
        let (high, low, rest) = match json {
            [b'\\', b'u', b'd' | b'D', digit, _, _, rest @ ..] => match digit {
                b'8' | b'9' | b'a' | b'b' | b'A' | b'B' => (true, false, rest),
                b'c'..=b'f' | b'C'..=b'F' => (false, true, rest),
                _ => (false, false, rest),
            },
            [b'\\', _, rest @ ..] | [_, rest @ ..] => (false, false, rest),
            [] => return after_high,
        };
        if after_high != low {
            return true;
        }
        after_high = high;
        json = rest;
    }
}

/// Says where, but not what: the text of the parser may quote a password.
fn refusal(error: &serde_json::Error) -> ApiError {
    let what = if error.is_data() { "an unexpected value" } else { "a syntax error" };
    ApiError::invalid(format!(
        "request body has {what} at line {} column {}",
        error.line(),
        error.column()
    ))
}

/// The `vars` of a request. As `Option<Vars>` with a default, `null` is the same as absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Vars(pub(crate) BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Vars {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;

        impl<'de> Visitor<'de> for Texts {
            type Value = Vars;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vars, A::Error> {
                let mut vars = BTreeMap::new();
                while let Some((key, value)) = map.next_entry()? {
                    if vars.insert(key, value).is_some() {
                        return Err(A::Error::custom("a key twice"));
                    }
                    if vars.len() > MOST_VARS {
                        return Err(A::Error::custom("too many vars"));
                    }
                }
                Ok(Vars(vars))
            }
        }

        deserializer.deserialize_map(Texts)
    }
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

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Login {
        id: Option<String>,
        #[serde(alias = "signedPlayerInfo")]
        signed_player_info: Option<String>,
        sync: Option<bool>,
        vars: Option<Vars>,
    }

    fn login(json: impl AsRef<[u8]>) -> Login {
        parse(json.as_ref()).unwrap()
    }

    #[track_caller]
    fn refused(json: impl AsRef<[u8]>) {
        let error = parse::<Login>(json.as_ref()).unwrap_err();
        assert_eq!((error.code, error.status().as_u16()), (3, 400));
    }

    fn id(text: &str) -> Login {
        Login { id: Some(text.to_owned()), ..Login::default() }
    }

    #[test]
    fn nakama_1_3_an_empty_body_is_an_empty_object() {
        assert_eq!(login(""), Login::default());
        assert_eq!(login("{}"), Login::default());
        assert_eq!(login(" \t\r\n{ } "), Login::default());
    }

    #[test]
    fn nakama_1_3_a_body_of_white_space_only_is_refused() {
        for json in [" ", "\n", "\t\r\n "] {
            refused(json);
        }
    }

    #[test]
    fn nakama_1_3_an_unknown_field_is_ignored_also_twice() {
        assert_eq!(login(r#"{"x":1,"x":[{"id":2}],"ID":3,"id":"a","Id":null}"#), id("a"));
    }

    #[test]
    fn nakama_1_3_both_spellings_are_accepted() {
        for name in ["signed_player_info", "signedPlayerInfo"] {
            let read = login(format!(r#"{{"{name}":"s"}}"#));
            assert_eq!(read.signed_player_info.as_deref(), Some("s"));
        }
    }

    #[test]
    fn nakama_1_3_null_for_a_field_is_the_same_as_absent() {
        let json = r#"{"id":null,"sync":null,"vars":null}"#;
        assert_eq!(login(json), Login::default());
    }

    #[test]
    fn nakama_1_3_a_wrong_json_type_is_refused() {
        for json in [
            r#"{"id":1}"#,
            r#"{"id":{}}"#,
            r#"{"id":["a"]}"#,
            r#"{"id":true}"#,
            r#"{"sync":"true"}"#,
            r#"{"sync":1}"#,
            r#"{"vars":[]}"#,
            r#"{"vars":"x"}"#,
        ] {
            refused(json);
        }
    }

    #[test]
    fn nakama_1_3_an_array_null_or_boolean_as_the_whole_body_is_refused() {
        for json in ["[]", r#"["a"]"#, "null", "true", "false", "1", r#""a""#] {
            refused(json);
        }
    }

    #[test]
    fn nakama_1_3_a_known_field_twice_is_refused() {
        refused(r#"{"id":"a","id":"a"}"#);
        refused(r#"{"id":null,"id":"a"}"#);
        refused(r#"{"id":"a","\u0069d":"a"}"#);
    }

    #[test]
    fn nakama_1_3_a_known_field_once_in_each_spelling_is_refused() {
        refused(r#"{"signed_player_info":"a","signedPlayerInfo":"a"}"#);
    }

    #[test]
    fn more_vars_than_any_engine_takes_are_refused_while_reading() {
        let vars = |count: usize| {
            let entries: Vec<_> = (0..count).map(|number| format!(r#""{number}":"""#)).collect();
            format!(r#"{{"vars":{{{}}}}}"#, entries.join(","))
        };
        assert_eq!(login(vars(MOST_VARS)).vars.unwrap().0.len(), MOST_VARS);
        refused(vars(MOST_VARS + 1));
    }

    #[test]
    fn nakama_1_3_truncated_json_is_refused() {
        for json in ["{", r#"{"id"#, r#"{"id":"#, r#"{"id":"a""#, r#"{"id":"a","#, r#"{"x":[1}"#] {
            refused(json);
        }
    }

    #[test]
    fn nakama_1_3_a_byte_order_mark_is_refused() {
        refused("\u{feff}{}");
        refused(b"\xff\xfe{\0}\0");
    }

    #[test]
    fn nakama_1_3_a_lone_surrogate_is_refused_in_unknown_fields_too() {
        for json in [
            r#"{"id":"\ud800"}"#,
            r#"{"id":"\udc00"}"#,
            r#"{"id":"\ud800\u0041"}"#,
            r#"{"\ud800":1}"#,
            r#"{"x":"\ud800"}"#,
            r#"{"x":{"y":["\uDC00"]}}"#,
            r#"{"vars":{"\uD83D":"x"}}"#,
        ] {
            refused(json);
        }
        assert_eq!(login(r#"{"x":"\ud83d\ude00","id":"\uD83D\uDE00"}"#), id("\u{1f600}"));
        assert_eq!(login(r#"{"x":"\\ud800\ud7ff\"\u00dc"}"#), Login::default());
        refused(r#"{"x":"\ud83d\ud83d\ude00"}"#);
        refused(r#"{"x":"\ud83d\ude00\ude00"}"#);
        refused(r#"{"x":["\ud83d","\ude00"]}"#);
    }

    #[test]
    fn nakama_1_3_bytes_that_are_not_utf_8_are_refused_in_unknown_fields_too() {
        refused(b"{\"id\":\"\xff\"}");
        refused(b"{\"x\":\"\xc3\"}");
        refused(b"{\"\xff\":1}");
        refused(b"{\"x\":\"\xed\xa0\x80\"}");
    }

    #[test]
    fn nakama_1_3_bytes_after_the_first_value_are_ignored() {
        for json in [r#"{"id":"a"}x"#, r#"{"id":"a"} {"id":"b"}"#, r#"{"id":"a"}}]"#] {
            assert_eq!(login(json), id("a"));
        }
        assert_eq!(login(b"{\"id\":\"a\"}\xff\0"), id("a"));
        assert_eq!(login(r#"{"id":"a"}"\ud800""#), id("a"));
    }

    #[test]
    fn deep_nesting_is_not_followed() {
        let (open, close) = ("[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(login(format!(r#"{{"x":{open}{close}}}"#)), Login::default());
        refused(format!(r#"{{"x":{open}"#));
        refused(format!(r#"{{"id":{open}{close}}}"#));
    }

    #[test]
    fn a_refusal_never_quotes_the_body() {
        let error = parse::<Login>(br#"{"sync":"hunter2"}"#).unwrap_err();
        assert!(!error.message.contains("hunter2"));
    }

    #[test]
    fn nakama_5_2_vars_are_an_object_of_texts() {
        let vars = login(r#"{"vars":{"a":"1","b":""}}"#).vars.unwrap();
        assert_eq!(
            vars.0.into_iter().collect::<Vec<_>>(),
            [("a".to_owned(), "1".to_owned()), ("b".to_owned(), String::new())]
        );
        assert_eq!(login(r#"{"vars":{}}"#).vars, Some(Vars::default()));
    }

    #[test]
    fn nakama_1_3_a_key_of_vars_twice_is_refused() {
        refused(r#"{"vars":{"a":"1","a":"1"}}"#);
        refused(r#"{"vars":{"a":"1","\u0061":"1"}}"#);
    }

    #[test]
    fn nakama_a11_vars_of_non_texts_are_refused_null_vars_are_absent() {
        for value in ["1", "true", "null", "{}", "[]"] {
            refused(format!(r#"{{"vars":{{"a":{value}}}}}"#));
        }
        assert_eq!(login(r#"{"vars":null}"#).vars, None);
    }

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
