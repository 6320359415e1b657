//! Arguments that several commands take.

use std::time::Duration;

use clap::Args;

/// What holds for every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Options {
    /// Where and as whom: the name of a profile
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// Print the API's own JSON, for scripts
    #[arg(long, global = true)]
    pub json: bool,
    /// Print ids instead of tables, and nothing about progress
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Tell also what is sent, and under which idempotency key
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// How long to go on when nobody answers, or the API is too busy
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 30)]
    pub patience: u64,
}

impl Options {
    /// How long to go on.
    pub fn patience(&self) -> Duration {
        Duration::from_secs(self.patience)
    }
}

/// How a change is sent.
#[derive(Debug, Clone, Args)]
pub struct Sending {
    /// Send it as a repeat of the request that had this key: done once, answered the same
    #[arg(long, value_name = "KEY", value_parser = key)]
    pub idempotency_key: Option<String>,
}

/// As the API takes them.
fn key(text: &str) -> Result<String, String> {
    let fits = (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(text.to_owned()) } else { Err("must be 1 to 255 visible ASCII characters".to_owned()) }
}

/// How a change that takes long is sent.
#[derive(Debug, Clone, Args)]
pub struct Waiting {
    #[command(flatten)]
    pub sending: Sending,
    /// Do not follow the operation to its end
    #[arg(long)]
    pub no_wait: bool,
}

/// How much of a list.
#[derive(Debug, Clone, Args)]
pub struct Length {
    /// At most so many, over as many pages as it takes; 50 when absent
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// All of them
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

impl Length {
    /// As it is asked for.
    pub fn limit(&self) -> crate::api::PageLimit {
        use crate::api::PageLimit;
        match self.limit {
            _ if self.all => PageLimit::All,
            Some(limit) => PageLimit::First(limit as usize),
            None => PageLimit::Usual,
        }
    }
}
