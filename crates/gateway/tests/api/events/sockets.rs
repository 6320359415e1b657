//! Events over real connections.

use std::net::SocketAddr;

use futures::{SinkExt, StreamExt};
use serde_json::Value;
use sqlx::PgPool;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest, protocol::frame::coding::CloseCode},
};

use super::{accepted, turn};
use crate::support::{Call, Claims, Platform};

/// One gateway on a socket; its connections end with the platform's tasks.
async fn served(platform: &Platform) -> SocketAddr {
    platform.listen(platform.tasks(), &[]).await
}

async fn connect(
    address: SocketAddr,
    target: &str,
    headers: &[(&'static str, String)],
) -> Result<(WebSocketStream<TcpStream>, Option<String>), Error> {
    let mut request = format!("ws://{address}{target}").into_client_request()?;
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let stream = TcpStream::connect(address).await.unwrap();
    let (socket, answer) = client_async(request, stream).await?;
    let protocol = answer.headers().get("sec-websocket-protocol").map(|p| p.to_str().unwrap().to_owned());
    Ok((socket, protocol))
}

/// The next event; pings are answered on the way.
async fn next(socket: &mut WebSocketStream<TcpStream>) -> Value {
    loop {
        if let Message::Text(text) = socket.next().await.unwrap().unwrap() {
            return serde_json::from_str(&text).unwrap();
        }
    }
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_socket_tells_an_owner_what_is_theirs_and_says_goodbye(database: PgPool) {
    let platform = Platform::telling(database.clone()).await;
    let address = served(&platform).await;
    let (mine, _) = accepted(&platform, "mine").await;
    let (theirs, _) = accepted(&platform, "theirs").await;
    let token = Claims::owner(&[&mine]).sign();
    let header = [("authorization", format!("Bearer {token}"))];
    let (mut plain, _) = connect(address, "/ws?since=0&kind=tenant", &header).await.unwrap();
    let offer = [("sec-websocket-protocol", format!("bearer, {token}"))];
    let (mut browser, protocol) = connect(address, "/ws?since=0&kind=tenant", &offer).await.unwrap();
    assert_eq!(protocol.as_deref(), Some("bearer"), "the token is not said back");
    turn(&database, &theirs, "active").await;
    turn(&database, &mine, "active").await;
    for socket in [&mut plain, &mut browser] {
        assert_eq!(next(socket).await["position"], 0);
        for kind in ["tenant.provisioning", "tenant.active"] {
            let event = next(socket).await;
            assert_eq!(
                (event["kind"].as_str(), event["tenant_id"].as_str()),
                (Some(kind), Some(mine.as_str()))
            );
        }
        socket.send(Message::Text("ignored".into())).await.unwrap();
    }
    let stop = platform.stop();
    let goodbye = async {
        loop {
            match plain.next().await {
                Some(Ok(Message::Close(frame))) => return frame.unwrap(),
                Some(Ok(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    };
    let (frame, ()) = futures::join!(goodbye, stop);
    assert_eq!((frame.code, frame.reason.as_str()), (CloseCode::Away, "stopping"));
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn nobody_gets_a_socket_without_a_token_or_a_handshake(database: PgPool) {
    let platform = Platform::telling(database).await;
    let address = served(&platform).await;
    let refused = async |headers: &[(&'static str, String)]| match connect(address, "/ws", headers).await {
        Err(Error::Http(answer)) => answer.status().as_u16(),
        other => panic!("{:?}", other.map(|_| "a socket")),
    };
    assert_eq!(refused(&[]).await, 401);
    for offer in ["bearer", "bearer, x.y.z", "other"] {
        assert_eq!(refused(&[("sec-websocket-protocol", offer.to_owned())]).await, 401, "{offer}");
    }
    let plain = platform.send(Call::get("/ws").by_a("admin")).await;
    plain.assert_problem(400, "invalid_request");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn an_open_stream_does_not_keep_the_process_from_stopping(database: PgPool) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let platform = Platform::telling(database).await;
    let address = served(&platform).await;
    let token = Claims::of("admin").sign();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    platform.stop().await;
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await.unwrap();
    assert!(rest.contains("event: end") && rest.contains("stopping"), "{rest}");
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_socket_at_a_position_from_the_future_is_told_to_start_anew_and_goes_on(database: PgPool) {
    let platform = Platform::telling(database.clone()).await;
    let address = served(&platform).await;
    let header = [("authorization", format!("Bearer {}", Claims::of("admin").sign()))];
    let (mut socket, _) = connect(address, "/ws?since=1000", &header).await.unwrap();
    assert_eq!(next(&mut socket).await, serde_json::json!({ "position": 0, "reset": "unknown_event" }));
    super::write_many(&database, 1).await;
    assert_eq!(next(&mut socket).await["kind"], "tenant.active");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_socket_that_was_opened_with_a_key_ends_with_it(database: PgPool) {
    let platform = Platform::telling(database).await;
    let address = served(&platform).await;
    let body = serde_json::json!({ "name": "Page", "role": "service", "scopes": ["events:read"] });
    let made = platform.send(Call::post("/keys", &body).by_a("admin").signed()).await.json();
    let offer = [("sec-websocket-protocol", format!("bearer, {}", made["key"].as_str().unwrap()))];
    let (mut socket, protocol) = connect(address, "/ws", &offer).await.unwrap();
    assert_eq!(protocol.as_deref(), Some("bearer"), "the key is not said back");
    assert!(next(&mut socket).await["position"].is_number());
    let revoke = Call::delete(&format!("/keys/{}", made["data"]["id"].as_str().unwrap()));
    assert_eq!(platform.send_to(1, revoke.by_a("admin").signed()).await.status, 200);
    let goodbye = loop {
        if let Message::Close(frame) = socket.next().await.unwrap().unwrap() {
            break frame.unwrap();
        }
    };
    assert_eq!((goodbye.code, goodbye.reason.as_str()), (CloseCode::Policy, "key_revoked"));
    assert!(connect(address, "/ws", &offer).await.is_err());
    platform.stop().await;
}
