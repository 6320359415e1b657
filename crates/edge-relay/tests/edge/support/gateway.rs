//! A gateway, as far as the edge asks it anything.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use common::id::RecordId;
use edge::{Route, Snapshot};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;

use super::TOKEN;

pub struct Gateway {
    pub address: SocketAddr,
    /// `None` while it is away.
    tells: Mutex<Option<Snapshot>>,
    last: Mutex<Snapshot>,
}

impl Gateway {
    pub async fn start(routes: Vec<Route>) -> Arc<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let snapshot = Snapshot { record: RecordId::generate(), routes, left: Vec::new() };
        let gateway = Arc::new(Self {
            address: listener.local_addr().unwrap(),
            tells: Mutex::new(Some(snapshot.clone())),
            last: Mutex::new(snapshot),
        });
        let router = Router::new().route("/edge/routes.json", get(tell)).with_state(Arc::clone(&gateway));
        #[expect(clippy::disallowed_methods, reason = "a test has no service to track its tasks")]
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        gateway
    }

    /// Tells these routes from now on.
    pub fn publish(&self, routes: Vec<Route>) {
        self.last.lock().unwrap().routes = routes;
        self.returns();
    }

    pub fn goes_away(&self) {
        *self.tells.lock().unwrap() = None;
    }

    pub fn returns(&self) {
        *self.tells.lock().unwrap() = Some(self.last.lock().unwrap().clone());
    }

    /// Works on another record from now on, a new one.
    pub fn forgets_everything(&self) {
        *self.tells.lock().unwrap() =
            Some(Snapshot { record: RecordId::generate(), routes: Vec::new(), left: Vec::new() });
    }
}

async fn tell(State(gateway): State<Arc<Gateway>>, headers: HeaderMap) -> Response {
    if headers.get(header::AUTHORIZATION).is_none_or(|shown| *shown != format!("Bearer {TOKEN}")) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let Some(snapshot) = gateway.tells.lock().unwrap().clone() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let body = serde_json::to_vec(&snapshot).unwrap();
    let tag = format!("\"{}\"", hex::encode(Sha256::digest(&body)));
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| *known == *tag) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    ([(header::ETAG, tag)], body).into_response()
}
