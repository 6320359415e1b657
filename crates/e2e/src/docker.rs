//! The engine, by its command line: to damage things and to count what is left.

use std::{collections::BTreeSet, process::Command};

use common::config::{Env, Section};

/// Runs `docker` with these arguments; its standard output and error.
pub fn docker(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("docker").args(arguments).output().expect("docker can be run");
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(text.trim().to_owned()) } else { Err(text) }
}

/// Names of everything of this kind (`container`, `network`, `volume`) that carries the tenant's label.
pub fn labelled(kind: &str, tenant: &str) -> Vec<String> {
    let filter = format!("label=io.rp9.tenant={tenant}");
    let format = if kind == "container" { "{{.Names}}" } else { "{{.Name}}" };
    let mut arguments = vec![kind, "ls", "--filter", &filter, "--format", format];
    if kind == "container" {
        arguments.push("--all");
    }
    docker(&arguments).unwrap().lines().map(str::to_owned).collect()
}

/// Asks Redis as its administrator; the password stays in the container.
pub fn redis(command: &str) -> Result<String, String> {
    let script = format!(
        "REDISCLI_AUTH=\"$(cat /run/secrets/redis_password)\" redis-cli --user rp9 --no-auth-warning {command}"
    );
    docker(&["exec", Service::of("redis").name(), "sh", "-c", &script])
}

/// The main of a dedicated tenant, or of an n8n that tenants share.
pub fn main_of(tenant: &str) -> String {
    labelled("container", tenant)
        .into_iter()
        .find(|name| name.ends_with("-main"))
        .unwrap_or_else(|| panic!("{tenant} has no main"))
}

/// Which releases of n8n a tenant's containers run, by their images' tags: where those were pulled from is the platform's setting.
pub fn releases(tenant: &str) -> BTreeSet<String> {
    let image = |name: String| docker(&["inspect", "--format", "{{.Config.Image}}", &name]).unwrap();
    let release =
        |image: String| image.rsplit_once("n8nio/n8n:").unwrap_or_else(|| panic!("{image}")).1.to_owned();
    labelled("container", tenant).into_iter().map(image).map(release).collect()
}

/// Whether calls are held that a tenant cannot take: as the edge was told when it was brought up, whatever this environment says.
pub fn holds_calls() -> bool {
    let edge = Service::of("edge-relay");
    let format = "{{range .Config.Env}}{{println .}}{{end}}";
    let told = docker(&["inspect", "--format", format, edge.name()]).unwrap();
    !told.lines().any(|line| ["HOLDER=off", "HOLDER=false", "HOLDER=0"].contains(&line))
}

/// One of the platform's own containers.
pub struct Service(String);

struct Project(String);

impl Section for Project {
    fn read(env: &mut Env) -> Option<Self> {
        env.or("RP9_PROJECT", "rp9".to_owned()).map(Self)
    }
}

impl Service {
    /// The container of this compose service.
    pub fn of(service: &str) -> Self {
        let Project(project) = Env::of_process().load().unwrap();
        Self(format!("{project}-{service}-1"))
    }

    /// Its container's name.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// Kills it without warning, as a lost machine would.
    pub fn kill(&self) {
        docker(&["kill", "--signal", "KILL", &self.0]).unwrap();
    }

    /// Starts it again.
    pub fn start(&self) {
        docker(&["start", &self.0]).unwrap();
    }

    /// Stops it as an operator would, and starts it again.
    pub fn restart(&self) {
        docker(&["restart", &self.0]).unwrap();
    }

    /// Stops it as an operator would.
    pub fn stop(&self) {
        docker(&["stop", &self.0]).unwrap();
    }

    /// Everything it has logged.
    pub fn logs(&self) -> String {
        docker(&["logs", &self.0]).unwrap()
    }
}
