//! Which answers are compressed: large ones without secrets, for those who take gzip.

use http::{HeaderMap, header};
use tower_http::compression::{
    CompressionLayer,
    predicate::{And, DefaultPredicate, Predicate, SizeAbove},
};

/// Below this an answer is one packet either way.
const LARGE: u64 = 1_024;

/// Streams of events and pictures are left alone by the library's own predicate. How well a secret compresses together with what a stranger
/// sent would tell of it (BREACH), and what holds one may not be stored either: `no-store` says so.
pub fn compressed() -> CompressionLayer<And<And<DefaultPredicate, SizeAbove>, NoSecret>> {
    let predicate = DefaultPredicate::new().and(SizeAbove::new(LARGE)).and(NoSecret);
    CompressionLayer::new().compress_when(predicate)
}

/// Not for answers that nobody may store.
#[derive(Debug, Clone, Copy)]
pub struct NoSecret;

impl Predicate for NoSecret {
    fn should_compress<B: hyper::body::Body>(&self, response: &http::Response<B>) -> bool {
        !holds_a_secret(response.headers())
    }
}

fn holds_a_secret(headers: &HeaderMap) -> bool {
    headers.get(header::CACHE_CONTROL).is_some_and(|said| said == "no-store")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn what_nobody_may_store_is_not_compressed() {
        let mut answer = http::Response::new(axum::body::Body::from(vec![b'x'; 4_096]));
        assert!(NoSecret.should_compress(&answer));
        answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        assert!(!NoSecret.should_compress(&answer));
    }
}
