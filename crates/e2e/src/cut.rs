//! Cutting a container off from Redis, in its own network namespace.

use std::process::Command;

use crate::docker;

const REDIS: &str = "6379";

/// The network as one container has it. What is done to it goes with the container's process.
pub struct Network {
    pid: String,
}

impl Network {
    /// Of a container that runs.
    pub fn of(container: &str) -> Self {
        Self { pid: docker(&["inspect", "--format", "{{.State.Pid}}", container]).unwrap() }
    }

    /// The kernel's number of the container's first process.
    pub fn pid(&self) -> &str {
        &self.pid
    }

    fn run(&self, arguments: &[&str]) -> String {
        let output = Command::new("nsenter").args(["-t", &self.pid, "-n"]).args(arguments).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        text.into_owned()
    }

    /// Takes its interface down, or up again.
    pub fn set_up(&self, up: bool) {
        self.run(&["ip", "link", "set", "eth0", if up { "up" } else { "down" }]);
    }

    /// Everything between it and Redis is lost from now on.
    pub fn lose_redis(&self) {
        self.lose("");
    }

    /// The connections to Redis that it has lead nowhere from now on. Neither side is told, and new ones work.
    pub fn lose_connections_to_redis(&self) {
        let filter = format!("dport = :{REDIS}");
        let open = self.run(&["ss", "-Htn", "state", "established", &filter]);
        let port = |line: &str| Some(line.split_whitespace().nth(2)?.rsplit_once(':')?.1.to_owned());
        let ports: Vec<_> = open.lines().filter_map(port).collect();
        assert!(!ports.is_empty(), "it has no connection to Redis: {open}");
        self.lose(&ports.join(", "));
    }

    fn lose(&self, ports: &str) {
        let of = |side: &str| {
            if ports.is_empty() { String::new() } else { format!("tcp {side} {{ {ports} }} ") }
        };
        let rules = format!(
            "table inet cut {{
               chain out {{ type filter hook output priority 0; tcp dport {REDIS} {}drop; }}
               chain in {{ type filter hook input priority 0; tcp sport {REDIS} {}drop; }}
             }}",
            of("sport"),
            of("dport")
        );
        self.run(&["nft", &rules]);
    }

    /// Nothing more is lost.
    pub fn heal(&self) {
        self.run(&["nft", "delete", "table", "inet", "cut"]);
    }
}
