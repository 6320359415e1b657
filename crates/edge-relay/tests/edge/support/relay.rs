//! The relay's own process, with a folder that outlives it.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command},
};

use uuid::Uuid;

use super::{Answer, Ports, TOKEN, ask};

pub struct Relay {
    ports: Ports,
    variables: Vec<(String, String)>,
    folder: PathBuf,
    log: PathBuf,
    running: Option<Child>,
}

impl Relay {
    pub fn new(ports: Ports, gateway: SocketAddr, more: &[(&str, &str)]) -> Self {
        let folder = std::env::temp_dir().join(format!("rp9-edge-relay-{}", Uuid::now_v7()));
        let here = |port: u16| format!("127.0.0.1:{port}");
        let usual = [
            ("OPS_BIND", here(ports.ops)),
            ("EDGE_BIND", here(ports.relay)),
            ("WAITING_BIND", here(ports.waiting)),
            ("ROUTES_URL", format!("http://{gateway}/edge/routes.json")),
            ("WAITING_URL", format!("http://{}", here(ports.waiting))),
            ("EDGE_PROBE_URL", format!("http://{}", here(ports.probe))),
            ("EDGE_TOKEN", TOKEN.to_owned()),
            ("TENANT_SUBNETS", "10.201.0.0/16".to_owned()),
            ("STATE_DIR", folder.display().to_string()),
        ];
        let more = more.iter().map(|(name, value)| (*name, (*value).to_owned()));
        let variables = usual.into_iter().chain(more).map(|(name, value)| (name.to_owned(), value)).collect();
        let log = folder.with_extension("log");
        Self { ports, variables, folder, log, running: None }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_edge-relay"));
        let log = File::options().create(true).append(true).open(&self.log).unwrap();
        command.env_clear().envs(self.variables.iter().cloned()).stdout(log);
        command
    }

    pub fn start(&mut self) {
        self.running = Some(self.command().spawn().unwrap());
    }

    /// As a crash would.
    pub fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.kill().unwrap();
            running.wait().unwrap();
        }
    }

    /// What a person does who has looked at what was refused.
    pub fn accept(&self) {
        assert!(self.command().arg("accept").status().unwrap().success());
    }

    pub fn logs(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    pub async fn metrics(&self) -> Answer {
        ask(self.ports.ops, "localhost", "/metrics").await
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.kill();
        drop(fs::remove_dir_all(&self.folder));
        drop(fs::remove_file(&self.log));
    }
}
