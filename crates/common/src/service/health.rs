//! `<service> healthcheck`: asks the service in the same container whether it is ready, for images without curl.

use std::{net::SocketAddr, process::ExitCode, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::config::{Env, Section};

struct OpsPort(u16);

impl Section for OpsPort {
    fn read(env: &mut Env) -> Option<Self> {
        env.or("OPS_BIND", SocketAddr::from(([0, 0, 0, 0], 9090))).map(|bind| Self(bind.port()))
    }
}

/// Success when `/ready` answers 200 within three seconds.
pub async fn check() -> ExitCode {
    let Ok(OpsPort(port)) = Env::of_process().load() else {
        return ExitCode::FAILURE;
    };
    match tokio::time::timeout(Duration::from_secs(3), ask(port)).await {
        Ok(Ok(answer)) if answer.starts_with("HTTP/1.0 200") || answer.starts_with("HTTP/1.1 200") => {
            ExitCode::SUCCESS
        }
        Ok(Ok(answer)) => {
            eprintln!("{}", answer.lines().last().unwrap_or("no answer"));
            ExitCode::FAILURE
        }
        _ => ExitCode::FAILURE,
    }
}

async fn ask(port: u16) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(b"GET /ready HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
