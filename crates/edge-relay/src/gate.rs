//! Holds a proxy's ports until the proxy can answer on them.
//!
//! Traefik takes calls some milliseconds before it has any configuration, and answers them with 404, whatever it is told. So it is
//! started from here. And as soon as it is told to stop it takes no more of them, though it goes on for as long as calls that it has take: nobody
//! would listen meanwhile. The kernel gives a connection to the more particular of two sockets that share a port: ours, for IPv4 alone,
//! goes before Traefik's, for both families, as long as ours is open. Where there is no IPv6 the two take queue, and half of those
//! calls meet Traefik as if there were no gate.

use std::{
    ffi::OsString,
    net::{Ipv4Addr, SocketAddr},
    os::unix::process::ExitStatusExt as _,
    process::{ExitCode, ExitStatus},
    time::Duration,
};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpSocket, TcpStream},
    process::{Child, Command},
    signal::unix::{SignalKind, signal},
};

use crate::waiting;

/// The time in which a proxy that is ready answers nobody.
const ASK_EVERY: Duration = Duration::from_millis(10);

/// Connections that wait to be taken, of the many that come while a proxy restarts.
const BACKLOG: u32 = 1024;

/// `PORT[,PORT…] PING_PORT PROGRAM ARGUMENT…`: runs the program, and answers on its first port with the waiting page until `/ping` says that
/// it is ready, and again from when it is told to stop. Its other ports are for TLS, which nobody speaks before: who calls there waits, and is hung up
/// on; once it stops they are refused. Ends as the program does.
pub async fn gate(mut arguments: impl Iterator<Item = OsString>) -> anyhow::Result<ExitCode> {
    let mut number = || arguments.next()?.into_string().ok();
    let (ports, ping) = (number(), number().and_then(|ping| ping.parse::<u16>().ok()));
    let ports =
        ports.and_then(|ports| ports.split(',').map(|port| port.parse().ok()).collect::<Option<Vec<u16>>>());
    let (Some(ports), Some(ping)) = (ports, ping) else {
        bail!("usage: edge-relay gate PORT[,PORT…] PING_PORT PROGRAM [ARGUMENT…]");
    };
    let program = arguments.next().context("which program are the ports held for?")?;
    let answers_on = *ports.first().context("which port is held?")?;
    // First, so that the program never listens alone before it is ready.
    let held: std::io::Result<Vec<_>> = ports.into_iter().map(hold).collect();
    let mut held = held.context("a port cannot be held")?.into_iter();
    let (answered, silent) = (held.next().context("which port is held?")?, held.collect::<Vec<_>>());
    let program = Command::new(program).args(arguments).spawn().context("the program does not start")?;
    let ready = async move {
        is_ready(ping).await;
        drop(silent);
    };
    let answers = async {
        axum::serve(answered, waiting::page(None)).with_graceful_shutdown(ready).await?;
        // From here on there is only the program.
        std::future::pending::<anyhow::Result<ExitStatus>>().await
    };
    let status = tokio::select! { status = run(program, answers_on) => status?, failed = answers => failed? };
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    Ok(u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from))
}

fn hold(port: u16) -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)))?;
    socket.listen(BACKLOG)
}

/// Until it ends. It is told to stop when we are, and from just before that on its port is answered on here.
async fn run(mut program: Child, port: u16) -> anyhow::Result<ExitStatus> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut told =
        async || tokio::select! { _ = terminate.recv() => Signal::TERM, _ = interrupt.recv() => Signal::INT };
    let first = tokio::select! { status = program.wait() => return Ok(status?), first = told() => first };
    let held = hold(port);
    tell(&program, first)?;
    let answers = async {
        match held {
            Ok(held) => axum::serve(held, waiting::page(None)).await,
            Err(error) => {
                tracing::warn!(%error, "nobody answers while the program stops");
                std::future::pending().await
            }
        }
    };
    let ends = async {
        loop {
            tokio::select! { status = program.wait() => return Ok(status?), again = told() => tell(&program, again)? }
        }
    };
    tokio::select! { status = ends => status, failed = answers => { failed?; bail!("the port is not answered on any more") } }
}

fn tell(program: &Child, what: Signal) -> anyhow::Result<()> {
    let id = program.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    id.map_or(Ok(()), |id| Ok(kill_process(id, what)?))
}

async fn is_ready(ping: u16) {
    let mut ticks = tokio::time::interval(ASK_EVERY);
    loop {
        ticks.tick().await;
        if ask(ping).await.is_ok_and(|answer| answer.starts_with("HTTP/1.0 200")) {
            return;
        }
    }
}

async fn ask(ping: u16) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, ping)).await?;
    stream.write_all(b"GET /ping HTTP/1.0\r\nHost: localhost\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
