//! A server that answers what it is told to, and notes what it was asked.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    extract::{Request, State},
    response::IntoResponse,
};
use common::{
    config::{Env, Secrets},
    secrets::{BackendConfig, BackendError},
};
use http::StatusCode;

type Answer = Box<dyn Fn(&str) -> (u16, String) + Send + Sync>;

#[derive(Clone)]
pub struct Recorded(Arc<Parts>);

struct Parts {
    answer: Answer,
    /// Path with query, and what it was asked with.
    asked: Mutex<Vec<(String, String)>>,
}

impl Recorded {
    /// Answers each path with what this says. Returns its address too.
    pub async fn start(answer: impl Fn(&str) -> (u16, String) + Send + Sync + 'static) -> (Self, String) {
        let recorded = Self(Arc::new(Parts { answer: Box::new(answer), asked: Mutex::default() }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new().fallback(answered).with_state(recorded.clone());
        #[expect(clippy::disallowed_methods, reason = "it ends with the test")]
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        (recorded, address)
    }

    pub fn asked(&self) -> Vec<(String, String)> {
        self.0.asked.lock().unwrap().clone()
    }
}

async fn answered(State(recorded): State<Recorded>, request: Request) -> impl IntoResponse {
    let target = request.uri().path_and_query().unwrap().to_string();
    let shown = request.headers().get("authorization").map_or("", |value| value.to_str().unwrap()).to_owned();
    let (status, body) = (recorded.0.answer)(&target);
    recorded.0.asked.lock().unwrap().push((target, shown));
    (StatusCode::from_u16(status).unwrap(), [("content-type", "application/json")], body)
}

/// What such settings lead to.
pub async fn read(settings: &[(&str, &str)]) -> Result<Secrets, BackendError> {
    let config: BackendConfig = Env::of(settings.iter().copied()).load().unwrap();
    assert!(!format!("{config:?}").contains("hunter2"), "{config:?}");
    config.open("gateway").unwrap().read().await
}

/// What is wrong with them.
pub fn problem(settings: &[(&str, &str)]) -> String {
    Env::of(settings.iter().copied()).load::<BackendConfig>().unwrap_err().to_string()
}
