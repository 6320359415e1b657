//! The world's port.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use common::service::Tasks;

use super::{Call, Object, Refusal, World};

/// An effect takes up to this long before it happens, and as long again until it is answered: whoever is killed meanwhile
/// has asked for something and does not know what became of it.
const SLOWEST_MS: u64 = 10;

#[derive(Clone)]
struct Server {
    world: Arc<World>,
    random: Arc<Mutex<fastrand::Rng>>,
}

/// Answers on this port of 127.0.0.1 until the storm is over.
pub async fn serve(tasks: &Tasks, world: Arc<World>, port: u16, random: fastrand::Rng) -> anyhow::Result<()> {
    let server = Server { world, random: Arc::new(Mutex::new(random)) };
    let routes = Router::new().route("/call", post(call)).route("/woken", post(woken)).with_state(server);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let stopping = tasks.stopping();
    tasks.spawn("world", async move {
        let served = axum::serve(listener, routes).with_graceful_shutdown(stopping.cancelled_owned());
        if let Err(error) = served.await {
            eprintln!("the world is closed: {error}");
        }
    });
    Ok(())
}

async fn call(State(server): State<Server>, Json(call): Json<Call>) -> Result<Json<Vec<Object>>, StatusCode> {
    let acts = !call.verb.only_looks();
    if acts {
        server.dawdle().await;
    }
    let done = server.world.call(&call);
    if acts {
        server.dawdle().await;
    }
    done.map(Json).map_err(|refusal| match refusal {
        Refusal::Stale => StatusCode::CONFLICT,
        Refusal::Absent => StatusCode::NOT_FOUND,
    })
}

async fn woken(State(server): State<Server>) {
    server.world.woken.notify_waiters();
}

impl Server {
    async fn dawdle(&self) {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner).fork();
        tokio::time::sleep(Duration::from_millis(random.u64(..=SLOWEST_MS))).await;
    }
}
