//! A Traefik on the host's network, with the deployment's own configuration but for its addresses.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use uuid::Uuid;

use super::{PATIENCE, Ports, TOKEN, ask};

fn image() -> &'static str {
    let pins = include_str!("../../../../../deploy/images/pins").lines();
    pins.filter_map(|line| line.strip_prefix("TRAEFIK_IMAGE=")).next().expect("the image is pinned")
}

pub struct Traefik {
    name: String,
    secrets: PathBuf,
    mounts: [String; 2],
    ping: u16,
}

/// The process that has started a Traefik and ends with it.
pub struct Gate(Child);

impl Drop for Gate {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Traefik {
    /// Returns once it has read its configuration.
    pub async fn start(ports: Ports) -> Self {
        let name = format!("rp9-test-{}", Uuid::now_v7().simple());
        let secrets = std::env::temp_dir().join(&name);
        fs::create_dir_all(&secrets).unwrap();
        let conf =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/conf/traefik").canonicalize().unwrap();
        let template = fs::read_to_string(conf.join("traefik.yml.in")).unwrap();
        let here = [
            ("\":8000\"", format!("127.0.0.1:{}", ports.web)),
            ("\":8001\"", format!("127.0.0.1:{}", ports.probe)),
            ("\":8002\"", format!("127.0.0.1:{}", ports.inner)),
            ("\":8082\"", format!("127.0.0.1:{}", ports.ping)),
            ("edge-relay:8081", format!("127.0.0.1:{}", ports.relay)),
            ("@EDGE_TOKEN@", TOKEN.to_owned()),
        ];
        let filled = here.iter().fold(template, |text, (from, to)| text.replace(from, to));
        fs::write(secrets.join("traefik.yml"), filled).unwrap();
        make_certificate(&secrets.join("default.pem"));
        let mounts =
            [format!("{}:/run/secrets:ro", secrets.display()), format!("{}:/rp9:ro", conf.display())];
        let run =
            ["run", "--detach", "--network", "host", "--name", &name, "-v", &mounts[0], "-v", &mounts[1]];
        docker(&[&run[..], &[image(), "--configFile=/run/secrets/traefik.yml"]].concat());
        let traefik = Self { name, secrets, mounts, ping: ports.ping };
        traefik.has_started().await;
        traefik
    }

    /// `/ping` is answered by a route like any other, so only once there are any.
    pub async fn has_started(&self) {
        let answers = async {
            while ask(self.ping, "localhost", "/ping").await.status() != 200 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, answers).await.is_ok(), "{}", self.logs());
    }

    pub fn kill(&self) {
        docker(&["kill", &self.name]);
    }

    pub fn start_again(&self) {
        docker(&["start", &self.name]);
    }

    /// Starts another one in its place, as the deployment does: from the gate, on the port of both families.
    pub fn start_behind_gate(&mut self, ports: Ports) -> Gate {
        docker(&["rm", "--force", &self.name]);
        let conf = self.secrets.join("traefik.yml");
        let here = format!("127.0.0.1:{}", ports.web);
        let everywhere = format!("\":{}\"", ports.web);
        fs::write(&conf, fs::read_to_string(&conf).unwrap().replace(&here, &everywhere)).unwrap();
        let user = rustix::process::getuid().as_raw().to_string();
        let run = ["docker", "run", "--rm", "--network", "host", "--user", &user, "--name", &self.name];
        let mut gate = Command::new(env!("CARGO_BIN_EXE_edge-relay"));
        gate.args(["gate", &ports.web.to_string(), &ports.ping.to_string()]).args(run);
        gate.args([
            "-v",
            &self.mounts[0],
            "-v",
            &self.mounts[1],
            image(),
            "--configFile=/run/secrets/traefik.yml",
        ]);
        Gate(gate.stdout(Stdio::null()).spawn().unwrap())
    }

    pub fn logs(&self) -> String {
        let output = Command::new("docker").args(["logs", &self.name]).output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }
}

fn docker(arguments: &[&str]) {
    let output = Command::new("docker").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// As `deploy/lib/secrets.sh` does.
fn make_certificate(path: &Path) {
    let request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let rest = ["-subj", "/CN=nobody", "-days", "1", "-keyout", "-", "-out", "-"];
    let output = Command::new("openssl").args(request).args(rest).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::write(path, output.stdout).unwrap();
}

impl Drop for Traefik {
    fn drop(&mut self) {
        drop(Command::new("docker").args(["rm", "--force", &self.name]).output());
        drop(fs::remove_dir_all(&self.secrets));
    }
}
