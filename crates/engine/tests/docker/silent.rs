//! An engine that lists its containers and says nothing more about some of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::error::{Classify as _, Kind};
use common::id::OperationId;
use engine::docker::{Docker, DockerOptions};
use engine::{Containers as _, Selection};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

/// Listens as an engine that has so many containers, and counts how many it was asked about. Returns where.
fn listen(containers: usize, asked: Arc<AtomicUsize>) -> String {
    let path = std::env::temp_dir().join(format!("rp9-mute-{}.sock", OperationId::generate().digits()));
    let listener = UnixListener::bind(&path).unwrap();
    detach(async move {
        while let Ok((client, _)) = listener.accept().await {
            detach(serve(client, containers, Arc::clone(&asked)));
        }
    });
    format!("unix://{}", path.display())
}

#[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
fn detach(task: impl Future<Output = ()> + Send + 'static) {
    drop(tokio::spawn(task));
}

async fn serve(mut client: UnixStream, containers: usize, asked: Arc<AtomicUsize>) {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if client.read_buf(&mut head).await.unwrap_or_default() == 0 {
            return;
        }
    }
    let head = String::from_utf8_lossy(&head);
    let line = head.lines().next().unwrap_or_default();
    let body = if line.contains("/containers/json") {
        json!((0..containers).map(listed).collect::<Vec<_>>())
    } else if line.contains("/networks") {
        json!([])
    } else if line.contains("/volumes") {
        json!({ "Volumes": [], "Warnings": [] })
    } else {
        asked.fetch_add(1, Ordering::Relaxed);
        return std::future::pending().await;
    };
    let body = body.to_string();
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    drop(client.write_all(answer.as_bytes()).await);
}

fn listed(number: usize) -> serde_json::Value {
    json!({
        "Id": format!("{number:064x}"), "Names": [format!("/silent-{number}")], "State": "running",
        "Labels": {
            "io.rp9.cluster": "silent", "io.rp9.tenant": "ten_0198c0de0000700080000000000000aa", "io.rp9.role": "main",
            "io.rp9.color": "blue", "io.rp9.generation": "1",
        },
    })
}

fn docker(containers: usize, asked: &Arc<AtomicUsize>) -> Docker {
    let host = listen(containers, Arc::clone(asked));
    let options = DockerOptions { look_timeout: Duration::from_millis(200), ..DockerOptions::default() };
    Docker::connect_with(&host, options).unwrap()
}

#[tokio::test]
async fn a_few_that_it_is_silent_about_are_named_after_a_short_while() {
    let docker = docker(3, &Arc::default());
    let cluster = "silent".parse().unwrap();
    let looked = docker.observe(&cluster, Selection::ALL);
    let inventory = tokio::time::timeout(Duration::from_secs(10), looked).await.unwrap().unwrap();
    assert!(inventory.containers.is_empty());
    assert!(inventory.unknown.into_iter().eq(["silent-0", "silent-1", "silent-2"]));
}

#[tokio::test]
async fn one_that_is_silent_about_most_is_not_waited_for_again_and_again() {
    let asked = Arc::default();
    let docker = docker(500, &asked);
    let error = docker.observe(&"silent".parse().unwrap(), Selection::ALL).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Timeout);
    let asked = asked.load(Ordering::Relaxed);
    assert!(asked < 50, "asked about {asked}");
}
