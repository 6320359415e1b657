//! A Traefik on the host's network, with the deployment's own configuration but for its addresses.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use uuid::Uuid;

use super::{Issuer, PATIENCE, Ports, TOKEN, ask, issuer::KEEPERS_PASSWORD};

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

impl Gate {
    /// Fails if it has ended: whoever waits for what it starts would wait for ever.
    pub fn runs(&mut self) {
        assert_eq!(self.0.try_wait().unwrap(), None, "the gate has ended");
    }

    pub fn is_told_to_stop(&self) {
        let id = rustix::process::Pid::from_raw(self.0.id().cast_signed()).unwrap();
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Traefik {
    /// Returns once it has read its configuration. With an issuer it orders certificates there, and renews them as if they were good for an hour.
    pub async fn start(ports: Ports, issuer: Option<&Issuer>) -> Self {
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
            // Nobody asks for them here; any port will do.
            ("\":8003\"", "127.0.0.1:0".to_owned()),
            ("\":8082\"", format!("127.0.0.1:{}", ports.ping)),
            ("\":8443\"", format!("127.0.0.1:{}", ports.tls)),
            ("edge-relay:8081", format!("127.0.0.1:{}", ports.relay)),
            ("@EDGE_TOKEN@", TOKEN.to_owned()),
        ];
        let mut filled = here.iter().fold(template, |text, (from, to)| text.replace(from, to));
        if let Some(issuer) = issuer {
            filled += &issuers(&conf, issuer);
            tell_secrets(&secrets, issuer);
        }
        fs::write(secrets.join("traefik.yml"), filled).unwrap();
        // For nobody, as `deploy/lib/secrets.sh` makes it.
        openssl(&secrets.join("default.pem"), &["-subj", "/CN=nobody"]);
        fs::write(secrets.join("metrics_users"), "prometheus:{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=\n").unwrap();
        fs::create_dir_all(secrets.join("kept")).unwrap();
        let mounts =
            [format!("{}:/run/secrets:ro", secrets.display()), format!("{}:/rp9:ro", conf.display())];
        let kept = format!("{}:/var/lib/traefik", secrets.join("kept").display());
        let run = [
            "run",
            "--detach",
            "--network",
            "host",
            "--name",
            &name,
            "-v",
            &mounts[0],
            "-v",
            &mounts[1],
            "-v",
            &kept,
        ];
        let told = KEEPER.map(|(name, _)| format!("{name}_FILE=/run/secrets/{name}"));
        let told: Vec<_> = told.iter().flat_map(|told| ["-e", told]).collect();
        let trusts = ["-e", "LEGO_CA_CERTIFICATES=/run/secrets/issuer.pem"];
        let more = if issuer.is_some() { [&told[..], &trusts].concat() } else { Vec::new() };
        docker(&[&run[..], &more, &[image(), "--configFile=/run/secrets/traefik.yml"]].concat());
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

    /// Where it keeps its certificates.
    pub fn kept(&self) -> PathBuf {
        self.secrets.join("kept/acme.json")
    }

    pub fn kill(&self) {
        docker(&["kill", &self.name]);
    }

    pub fn start_again(&self) {
        docker(&["start", &self.name]);
    }

    /// Starts another one in its place, as the deployment does: from the gate, on the ports of both families.
    pub fn start_behind_gate(&mut self, ports: Ports) -> Gate {
        docker(&["rm", "--force", &self.name]);
        let conf = self.secrets.join("traefik.yml");
        let everywhere =
            |text: String, port: u16| text.replace(&format!("127.0.0.1:{port}"), &format!("\":{port}\""));
        let told = [ports.web, ports.tls].into_iter().fold(fs::read_to_string(&conf).unwrap(), everywhere);
        fs::write(&conf, told).unwrap();
        let user = rustix::process::getuid().as_raw().to_string();
        let run = ["docker", "run", "--rm", "--network", "host", "--user", &user, "--name", &self.name];
        let mut gate = Command::new(env!("CARGO_BIN_EXE_edge-relay"));
        gate.args(["gate", &format!("{},{}", ports.web, ports.tls), &ports.ping.to_string()]).args(run);
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

/// What lego's provider `httpreq` is told, each in a file.
const KEEPER: [(&str, &str); 3] =
    [("HTTPREQ_ENDPOINT", ""), ("HTTPREQ_USERNAME", "rp9"), ("HTTPREQ_PASSWORD", KEEPERS_PASSWORD)];

/// The deployment's own settings for certificates.
fn issuers(conf: &Path, issuer: &Issuer) -> String {
    let templates =
        ["acme.yml.in", "acme-wildcard.yml.in"].map(|name| fs::read_to_string(conf.join(name)).unwrap());
    let here = [
        ("@ACME_EMAIL@", "operators@flows.example".to_owned()),
        ("@ACME_DIRECTORY@", issuer.directory.clone()),
        ("@ACME_DNS_PROVIDER@", "httpreq".to_owned()),
        ("@ACME_DNS_RESOLVERS@", issuer.dns.to_string()),
        ("keyType: EC256", "keyType: EC256\n      certificatesDuration: 1".to_owned()),
        // Of who answers for the platform's domain there is only the one server.
        ("dnsChallenge:", "dnsChallenge:\n        propagation: { disableChecks: true }".to_owned()),
    ];
    here.iter().fold(templates.concat(), |text, (from, to)| text.replace(from, to))
}

fn tell_secrets(secrets: &Path, issuer: &Issuer) {
    fs::copy(issuer.certificate(), secrets.join("issuer.pem")).unwrap();
    for (name, value) in KEEPER {
        let endpoint = format!("http://{}", issuer.keeper);
        fs::write(secrets.join(name), if value.is_empty() { &endpoint } else { value }).unwrap();
    }
}

/// A certificate that has signed itself, with its key.
pub fn openssl(path: &Path, named: &[&str]) {
    let request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let rest = ["-days", "1", "-keyout", "-", "-out", "-"];
    let output = Command::new("openssl").args(request).args(named).args(rest).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::write(path, output.stdout).unwrap();
}

impl Drop for Traefik {
    fn drop(&mut self) {
        drop(Command::new("docker").args(["rm", "--force", &self.name]).output());
        drop(fs::remove_dir_all(&self.secrets));
    }
}
