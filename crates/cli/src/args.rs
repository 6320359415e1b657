//! What can be typed.

use std::time::Duration;

use clap::{Args, Parser};

use crate::{commands::Command, exit::TABLE};

/// The operators' command line of the RP9 Orchestrator.
///
/// Says where and as whom by a profile (`rp9 profiles`), or by the environment: RP9_URL, and RP9_JWT_SECRET or RP9_TOKEN,
/// and RP9_HMAC_SECRET, each also as a file that …_FILE names.
#[derive(Debug, Parser)]
#[command(name = "rp9", version, after_help = TABLE, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub options: Options,
    #[command(subcommand)]
    pub command: Command,
}

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

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_argument_takes_a_secret() {
        fn all(command: &clap::Command, seen: &mut Vec<String>) {
            seen.extend(command.get_arguments().map(|argument| argument.get_id().to_string()));
            command.get_subcommands().for_each(|command| all(command, seen));
        }
        let mut seen = Vec::new();
        all(&Cli::command(), &mut seen);
        let secret = |name: &&String| ["token", "secret", "password"].iter().any(|word| name.contains(word));
        let named: Vec<_> = seen.iter().filter(secret).collect();
        assert!(named.iter().all(|name| name.ends_with("_file") || name.ends_with("_env")), "{named:?}");
    }
}
