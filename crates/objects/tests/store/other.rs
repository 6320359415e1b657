//! A store over a folder, of another maker.

use std::process::Stdio;

use objects::{StoreLogin, StoreSettings};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::support::variable;

const PORT: u16 = 25_071;

pub struct Other {
    _process: Child,
    _folder: TempDir,
}

/// Answers as soon as it is returned.
pub async fn start() -> Other {
    let folder = tempfile::tempdir().unwrap();
    let process = Command::new(variable("TEST_S3_OTHER"))
        .args(["--port", &format!("127.0.0.1:{PORT}"), "posix"])
        .arg(folder.path())
        .envs([("ROOT_ACCESS_KEY", "other"), ("ROOT_SECRET_KEY", "other-secret")])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(50));
    let up = async {
        while tokio::net::TcpStream::connect(("127.0.0.1", PORT)).await.is_err() {
            ticks.tick().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), up).await.expect("the other store comes up");
    Other { _process: process, _folder: folder }
}

impl Other {
    pub fn settings(&self) -> StoreSettings {
        StoreSettings {
            endpoint: Some(format!("http://127.0.0.1:{PORT}").parse().unwrap()),
            region: "us-east-1".into(),
            bucket: "rp9-objects".into(),
            path_style: true,
            login: StoreLogin { access_key_id: "other".into(), secret_access_key: "other-secret".into() },
        }
    }
}
