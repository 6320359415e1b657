//! What the real n8n says.

use std::time::{Duration, Instant};

use reqwest::{RequestBuilder, Response, StatusCode};

/// What n8n says of a request once it looks at it: while the question that it asks its database every other second is slow, it refuses whatever
/// comes with 503.
pub async fn answered(request: RequestBuilder) -> Response {
    let began = Instant::now();
    loop {
        let said = request.try_clone().expect("it can be sent again").send().await.unwrap();
        if said.status() != StatusCode::SERVICE_UNAVAILABLE {
            return said;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{said:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
