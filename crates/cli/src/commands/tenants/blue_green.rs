//! `rp9 tenants blue-green`

use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    api::{Request, path},
    args::Waiting,
    commands::{accepted::carry_out, listing::Whole, reason::OptionalReason},
    exit::Exit,
    failure::Failure,
    follow::End,
    output::{Column, made, plain, status, text},
    setting::Setting,
};

pub(in crate::commands) const COLUMNS: &[Column] = &[
    text("SIDE", "/color"),
    text("N8N", "/n8n_version"),
    text("SERVES", "/serves"),
    text("WEIGHT", "/weight"),
    status("HEALTH", "/health"),
    text("WORKERS", "/workers"),
    text("CALLS", "/calls"),
    made("ERRORS", |side| part(side.get("error_rate"))),
    made("P95 MS", |side| whole(side.get("p95_ms"))),
    text("WHY NOT KNOWN", "/missing").wide(),
];

#[derive(Debug, Args)]
pub struct BlueGreen {
    /// Its id or subdomain
    tenant: String,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show both sides: what each runs, how it is, its share of the calls and how it answers them
    Status,
    /// Make a side beside the one that serves; it gets no calls yet
    Create(Create),
    /// Let a side answer so many of a hundred calls to webhooks
    SetWeight(SetWeight),
    /// Let the other side serve: schedules, triggers and the editor move there
    Swap(Act),
    /// Go back to the side that served before there were two
    Rollback(Act),
    /// Remove a side that neither serves nor answers calls
    Cleanup(Cleanup),
}

/// One of the two.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Color {
    Blue,
    Green,
}

#[derive(Debug, Args)]
struct Create {
    color: Color,
    /// The release that it runs, no earlier than the tenant's: `2.41.1`; the same when absent
    #[arg(long, value_name = "RELEASE")]
    n8n_version: Option<String>,
    /// Nothing is backed up before, and the release is not tried on a copy
    #[arg(long)]
    without_backup: bool,
    #[command(flatten)]
    act: Act,
}

#[derive(Debug, Args)]
struct SetWeight {
    /// 0 to 100
    #[arg(value_parser = clap::value_parser!(u8).range(0..=100))]
    weight: u8,
    /// The side that gets it; the one that does not serve when absent
    #[arg(long, value_name = "COLOR")]
    to: Option<Color>,
    #[command(flatten)]
    act: Act,
}

#[derive(Debug, Args)]
struct Cleanup {
    color: Color,
    #[command(flatten)]
    act: Act,
}

#[derive(Debug, Args)]
struct Act {
    #[command(flatten)]
    reason: OptionalReason,
    #[command(flatten)]
    waiting: Waiting,
}

impl Color {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Blue => "blue",
            Self::Green => "green",
        }
    }
}

impl BlueGreen {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        match &self.action {
            Action::Status => self.show(setting).await,
            Action::Create(create) => {
                let mut said = json!({ "action": format!("create_{}", create.color.as_str()) });
                if let Some(release) = &create.n8n_version {
                    said["n8n_version"] = json!(release);
                }
                if create.without_backup {
                    said["pre_backup"] = json!(false);
                }
                self.act(setting, said, &create.act).await
            }
            Action::SetWeight(SetWeight { weight, to, act }) => {
                let mut said = json!({ "action": "set_weight", "weight": weight });
                if let Some(color) = to {
                    said["to"] = json!(color.as_str());
                }
                self.act(setting, said, act).await
            }
            Action::Swap(act) => self.act(setting, json!({ "action": "swap" }), act).await,
            Action::Rollback(act) => self.act(setting, json!({ "action": "rollback" }), act).await,
            Action::Cleanup(Cleanup { color, act }) => {
                self.act(setting, json!({ "action": format!("cleanup_{}", color.as_str()) }), act).await
            }
        }
    }

    async fn act(&self, setting: &Setting, said: Value, act: &Act) -> Result<Exit, Failure> {
        let mut body = serde_json::to_value(&act.reason)?;
        if let (Some(body), Value::Object(said)) = (body.as_object_mut(), said) {
            body.extend(said);
        }
        let key = act.waiting.sending.idempotency_key.clone();
        let request = Request::change(Method::POST, path(&["tenants", &self.tenant, "blue-green"]), key);
        Ok(carry_out(setting, &request.json(&body)?, &act.waiting, End::Succeeded).await?.exit)
    }

    async fn show(&self, setting: &Setting) -> Result<Exit, Failure> {
        let request = Request::get(path(&["tenants", &self.tenant, "blue-green", "status"]));
        let list = Whole { at: "/data/sides", columns: COLUMNS, id: "/color", things: "sides" };
        list.show(setting, &request).await?;
        Ok(Exit::Done)
    }
}

fn part(rate: Option<&Value>) -> String {
    rate.and_then(Value::as_f64).map_or_else(|| plain(rate), |rate| format!("{:.1} %", rate * 100.0))
}

fn whole(figure: Option<&Value>) -> String {
    figure.and_then(Value::as_f64).map_or_else(|| plain(figure), |figure| format!("{figure:.0}"))
}
