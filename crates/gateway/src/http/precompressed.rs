//! A text that is the same for as long as this process runs, compressed once and not for everybody who asks: some need no token, and
//! packing a megabyte takes a core some fifty milliseconds.

use std::io::Write as _;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use tokio::sync::OnceCell;

/// Proxies keep the two forms apart.
const VARY: (HeaderName, HeaderValue) = (header::VARY, HeaderValue::from_static("accept-encoding"));
const GZIP: (HeaderName, HeaderValue) = (header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));

/// The text, and what was made of it.
#[derive(Debug)]
pub struct Precompressed {
    plain: Bytes,
    gzip: OnceCell<Option<Bytes>>,
}

impl Precompressed {
    /// A text that is compressed when somebody first takes it so.
    pub fn new(plain: impl Into<Bytes>) -> Self {
        Self { plain: plain.into(), gzip: OnceCell::new() }
    }

    /// The text itself.
    pub fn plain(&self) -> &Bytes {
        &self.plain
    }

    /// The text in the form that whoever sent these headers takes.
    pub async fn answer(&self, asked: &HeaderMap) -> Response {
        let precompressed = if takes_gzip(asked) { self.gzip().await } else { None };
        match precompressed {
            Some(gzip) => ([VARY, GZIP], gzip).into_response(),
            None => ([VARY], self.plain.clone()).into_response(),
        }
    }

    async fn gzip(&self) -> Option<Bytes> {
        let pack = async || {
            let plain = self.plain.clone();
            let precompressed = tokio::task::spawn_blocking(move || pack(&plain)).await;
            precompressed.ok().and_then(Result::ok).map(Bytes::from)
        };
        self.gzip.get_or_init(pack).await.clone()
    }
}

fn pack(plain: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain)?;
    encoder.finish()
}

/// Whether `gzip` is among what is accepted, or everything is (RFC 9110, 12.5.3).
fn takes_gzip(asked: &HeaderMap) -> bool {
    let ranges = asked.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let ranges = ranges.flat_map(|ranges| ranges.split(',')).map(|range| {
        let (coding, weight) = range.split_once(';').unwrap_or((range, ""));
        let refused = weight.trim().strip_prefix("q=").and_then(|q| q.parse().ok()) == Some(0.0_f32);
        (coding.trim().to_ascii_lowercase(), !refused)
    });
    let said: Vec<_> = ranges.collect();
    let of = |coding: &str| said.iter().find(|(name, _)| name == coding).map(|(_, taken)| *taken);
    of("gzip").or(of("*")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(accepted: &[&'static str]) -> HeaderMap {
        accepted.iter().map(|text| (header::ACCEPT_ENCODING, HeaderValue::from_static(text))).collect()
    }

    #[test]
    fn gzip_is_taken_by_those_who_say_so() {
        for accepted in [&["gzip"][..], &["br, GZIP;q=0.5"], &["br", "gzip"], &["*"], &["gzip;q=1.0, *;q=0"]]
        {
            assert!(takes_gzip(&asking(accepted)), "{accepted:?}");
        }
        for accepted in
            [&[][..], &[""], &["br"], &["gzip;q=0"], &["gzip; q=0.000, *"], &["*;q=0"], &["identity"]]
        {
            assert!(!takes_gzip(&asking(accepted)), "{accepted:?}");
        }
    }

    #[tokio::test]
    async fn it_is_packed_once_for_all() {
        let text = Precompressed::new("the same again and again. ".repeat(1_000));
        let first = text.gzip().await.unwrap();
        assert!(first.len() * 20 < text.plain().len());
        assert_eq!(first.as_ptr(), text.gzip().await.unwrap().as_ptr());
        let precompressed = text.answer(&asking(&["gzip"])).await;
        assert_eq!(precompressed.headers()["content-encoding"], "gzip");
        let plain = text.answer(&asking(&[])).await;
        assert!(!plain.headers().contains_key("content-encoding"));
        assert_eq!((&plain.headers()["vary"], &precompressed.headers()["vary"]), (&VARY.1, &VARY.1));
    }
}
