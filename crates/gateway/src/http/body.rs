//! Bodies: JSON, small, and read in bounded time.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use http::{HeaderMap, header};

use crate::problem::{Code, Problem};

/// No request of this API comes near it.
pub const MAX_BYTES: usize = 64 * 1024;
/// Less than a whole request may take, so that a slow sender is told so.
const ARRIVES_WITHIN: Duration = Duration::from_secs(8);

/// JSON by name, curl's default for a body, or nothing: all are read as JSON.
pub fn check_content_type(headers: &HeaderMap) -> Result<(), Problem> {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let Some(value) = values.next() else { return Ok(()) };
    let text = value.to_str().unwrap_or_default();
    let (media_type, parameters) = text.split_once(';').unwrap_or((text, ""));
    let known = ["application/json", "application/x-www-form-urlencoded"];
    let known = known.iter().any(|known| media_type.trim().eq_ignore_ascii_case(known));
    let parameters = parameters.trim().to_ascii_lowercase();
    let utf8 = matches!(parameters.as_str(), "" | "charset=utf-8" | "charset=\"utf-8\"");
    if known && utf8 && values.next().is_none() {
        Ok(())
    } else {
        Err(Problem::new(Code::UnsupportedMediaType))
    }
}

/// The whole body. One that announces too much is refused unread.
pub async fn collect(headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > MAX_BYTES as u64) {
        return Err(Problem::new(Code::BodyTooLarge));
    }
    let collected = tokio::time::timeout(ARRIVES_WITHIN, bounded(body)).await;
    collected.map_err(|_| Problem::new(Code::RequestTimeout))?
}

async fn bounded(body: Body) -> Result<Bytes, Problem> {
    let mut chunks = body.into_data_stream();
    let mut collected = BytesMut::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| {
            Problem::new(Code::InvalidRequest).detail("The body ended before it was complete.")
        })?;
        if collected.len() + chunk.len() > MAX_BYTES {
            return Err(Problem::new(Code::BodyTooLarge));
        }
        collected.extend_from_slice(&chunk);
    }
    Ok(collected.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn content_type(values: &[&str]) -> Result<(), Code> {
        let pairs = values.iter().map(|v| (header::CONTENT_TYPE, HeaderValue::from_str(v).unwrap()));
        check_content_type(&pairs.collect()).map_err(|problem| problem.code())
    }

    #[test]
    fn json_curls_default_and_nothing_are_read_as_json() {
        for good in [&[][..], &["application/json"], &["Application/JSON; charset=UTF-8"]] {
            assert_eq!(content_type(good), Ok(()), "{good:?}");
        }
        assert_eq!(content_type(&["application/x-www-form-urlencoded"]), Ok(()));
    }

    #[test]
    fn every_other_type_is_refused() {
        let twice = ["application/json", "application/json"];
        for bad in [
            &[""][..],
            &["text/plain"],
            &["application/json; charset=utf-16"],
            &["application/jsonp"],
            &twice,
        ] {
            assert_eq!(content_type(bad), Err(Code::UnsupportedMediaType), "{bad:?}");
        }
    }

    #[tokio::test]
    async fn a_body_of_unknown_length_is_cut_off_at_the_limit() {
        let chunk = Bytes::from(vec![b'x'; MAX_BYTES]);
        let stream = |chunks: Vec<Bytes>| {
            Body::from_stream(futures::stream::iter(chunks.into_iter().map(Ok::<_, std::io::Error>)))
        };
        let fits = collect(&HeaderMap::new(), stream(vec![chunk.clone()])).await.unwrap();
        assert_eq!(fits.len(), MAX_BYTES);
        let more = stream(vec![chunk, Bytes::from_static(b"x")]);
        assert_eq!(collect(&HeaderMap::new(), more).await.unwrap_err().code(), Code::BodyTooLarge);
    }
}
