//! Who is looked at, and how people are told.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use common::config::{Env, Section};
use e2e::{Service, docker, eventually};
use reqwest::Client;
use serde_json::{Value, json};

/// A round of looking, and a name that has to be asked for first.
const SEEN_WITHIN: Duration = Duration::from_secs(60);

/// Alertmanager waits ten seconds for what comes with an alert that calls somebody.
const TOLD_WITHIN: Duration = Duration::from_secs(30);

/// What the platform was told (`deploy/test`).
struct Watch {
    prometheus: u16,
    alertmanager: u16,
    slack: String,
    smtp_port: u16,
    python: String,
}

impl Section for Watch {
    fn read(env: &mut Env) -> Option<Self> {
        let (prometheus, alertmanager) =
            (env.or("RP9_PROMETHEUS_PORT", 9090), env.or("RP9_ALERTMANAGER_PORT", 9093));
        let (slack, smtp_port) =
            (env.required::<String>("ALERT_SLACK_WEBHOOK_FILE"), env.required("ALERT_EMAIL_PORT"));
        let python = env.required("TEST_RECEIVERS");
        Some(Self {
            prometheus: prometheus?,
            alertmanager: alertmanager?,
            slack: fs::read_to_string(slack?).unwrap().trim().to_owned(),
            smtp_port: smtp_port?,
            python: python?,
        })
    }
}

fn watch() -> Watch {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Env::of_process().load().unwrap()
}

async fn ask(port: u16, path: &str) -> Result<Value, String> {
    let client = Client::builder().no_proxy().build().unwrap();
    let answer = client.get(format!("http://127.0.0.1:{port}{path}")).send().await;
    answer.map_err(|error| error.to_string())?.json().await.map_err(|error| error.to_string())
}

#[tokio::test]
#[ignore = "needs a running platform: deploy/test"]
async fn every_service_is_looked_at_and_every_rule_can_be_evaluated() {
    let watch = watch();
    eventually("every service is up", SEEN_WITHIN, async || {
        let targets = ask(watch.prometheus, "/api/v1/targets?state=active").await?;
        let targets = targets["data"]["activeTargets"].as_array().cloned().unwrap_or_default();
        for job in [
            "gateway",
            "provisioner",
            "metrics-collector",
            "backup",
            "edge-relay",
            "traefik",
            "prometheus",
            "alertmanager",
        ] {
            let of_job: Vec<_> = targets.iter().filter(|target| target["labels"]["job"] == job).collect();
            if of_job.is_empty() || of_job.iter().any(|target| target["health"] != "up") {
                return Err(format!("{job}: {of_job:?}"));
            }
        }
        Ok(())
    })
    .await;
    eventually("every rule is evaluated", SEEN_WITHIN, async || {
        let groups = ask(watch.prometheus, "/api/v1/rules").await?;
        let groups = groups["data"]["groups"].as_array().cloned().unwrap_or_default();
        let rules: Vec<_> = groups.iter().flat_map(|group| group["rules"].as_array().unwrap()).collect();
        // Those of an interval of their own may not have had their turn.
        let bad: Vec<_> = rules.iter().filter(|rule| rule["health"] == "err").collect();
        if rules.len() < 60 || !bad.is_empty() { Err(format!("{}: {bad:?}", rules.len())) } else { Ok(()) }
    })
    .await;
    let told = ask(watch.prometheus, "/api/v1/alertmanagers").await.unwrap();
    assert_eq!(told["data"]["activeAlertmanagers"].as_array().unwrap().len(), 1, "{told}");
}

#[tokio::test]
#[ignore = "needs a running platform: deploy/test"]
async fn the_edge_tells_of_its_callers_only_whoever_knows_the_password() {
    let _ = watch();
    let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}";
    let addresses = docker(&["inspect", "--format", format, Service::of("traefik").name()]).unwrap();
    let address = addresses.split(' ').next().unwrap();
    let client = Client::builder().no_proxy().build().unwrap();
    for (user, password) in [("", ""), ("prometheus", ""), ("prometheus", "prometheus")] {
        let asked = client.get(format!("http://{address}:8003/metrics")).basic_auth(user, Some(password));
        assert_eq!(asked.send().await.unwrap().status(), 401, "{user}");
    }
}

/// The servers that messages arrive at.
struct Receivers {
    process: Child,
    messages: mpsc::Receiver<Value>,
}

impl Receivers {
    /// Where containers find this machine, and nobody else does.
    fn start(watch: &Watch) -> Self {
        let gateway =
            docker(&["network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", "bridge"])
                .unwrap();
        let slack_port = watch.slack.split([':', '/']).find_map(|part| part.parse::<u16>().ok()).unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/watched/receivers.py");
        let mut process = Command::new(&watch.python)
            .args([script, &gateway, &slack_port.to_string(), &watch.smtp_port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let (put, messages) = mpsc::channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                drop(put.send(serde_json::from_str(&line).unwrap()));
            }
        });
        let receivers = Self { process, messages };
        receivers.next("receivers", "");
        receivers
    }

    /// The next message that came this way and says this.
    fn next(&self, way: &str, says: &str) -> Value {
        loop {
            let message = self.messages.recv_timeout(TOLD_WITHIN).expect("a message");
            if message["by"] == way && message.to_string().contains(says) {
                return message;
            }
        }
    }
}

impl Drop for Receivers {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Another one each time: what comes to one that was told already waits for a minute.
fn name() -> String {
    format!("Tried{}", SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis())
}

fn alert(name: &str, severity: &str) -> Value {
    json!({
        "labels": { "alertname": name, "severity": severity, "tenant": "ten_1", "component": "e2e" },
        "annotations": {
            "summary": "executions of ten_1 wait", "description": "They are late.\nFirst: look.",
            "runbook_url": format!("docs/runbooks/{name}.md"),
        },
    })
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a running platform: deploy/test"]
async fn an_alert_reaches_slack_and_a_mailbox_and_its_warning_is_not_told_besides() {
    let watch = watch();
    let receivers = Receivers::start(&watch);
    let name = name();
    let client = Client::builder().no_proxy().build().unwrap();
    let alerts = format!("http://127.0.0.1:{}/api/v2/alerts", watch.alertmanager);
    let both = json!([alert(&name, "critical"), alert(&name, "warning")]);
    assert_eq!(client.post(&alerts).json(&both).send().await.unwrap().status(), 200);

    let slack = receivers.next("slack", &name);
    assert!(watch.slack.ends_with(slack["path"].as_str().unwrap()), "{slack}");
    let shown = &slack["body"]["attachments"][0];
    assert_eq!(shown["title"], format!("critical: {name}"));
    let (runbook, text) = (format!("docs/runbooks/{name}.md"), shown["text"].as_str().unwrap());
    for part in ["*executions of ten_1 wait*", "First: look.", &runbook] {
        assert!(text.contains(part), "{text}");
    }
    let mail = receivers.next("email", &name);
    assert_eq!(mail["subject"], format!("[critical] {name}"));
    assert_eq!(mail["to"], json!(["oncall@e2e.example"]));
    let text = mail["text"].as_str().unwrap();
    for part in ["tenant = ten_1", "First: look.", &runbook] {
        assert!(text.contains(part), "{text}");
    }

    let filter = format!("/api/v2/alerts?filter=alertname%3D%22{name}%22&filter=severity%3D%22warning%22");
    let warning = ask(watch.alertmanager, &filter).await.unwrap();
    assert_eq!(warning[0]["status"]["state"], "suppressed", "{warning}");
}
