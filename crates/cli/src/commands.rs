//! Every command: what can be typed, what is asked of the API, what is shown.

mod accepted;
mod api;
mod audit;
mod backups;
mod completions;
mod confirm;
mod dead_letters;
mod health;
mod held;
mod keys;
mod listing;
mod login;
mod logout;
mod logs;
mod man;
mod metrics;
mod operations;
mod plans;
mod profiles;
mod reason;
mod sandboxes;
mod schedules;
mod shared;
mod tenants;
mod top;
mod upgrades;
mod usage;

#[cfg(test)]
mod described;

use clap::{Parser, Subcommand};

use crate::{
    args::Options,
    exit::{Exit, TABLE},
    failure::Failure,
    setting::Setting,
};

/// The operators' command line of the RP9 Orchestrator.
///
/// Says where and as whom by a profile (`rp9 profiles`), or by the environment: RP9_URL, and RP9_KEY, or
/// RP9_JWT_SECRET or RP9_TOKEN and RP9_HMAC_SECRET, each also as a file that …_FILE names.
#[derive(Debug, Parser)]
#[command(name = "rp9", version, after_help = TABLE, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub options: Options,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Tenants: who they are, how they are, what is done to them
    #[command(subcommand)]
    Tenants(tenants::Verb),
    /// What a tenant's containers say
    Logs(logs::Logs),
    /// How a tenant does at the moment
    Metrics(metrics::Metrics),
    /// How much a tenant used: a year, a month or a day of it
    Usage(usage::Usage),
    /// The tenants that do the most, or do worst, at the moment
    Top(top::Top),
    /// A later release of n8n for many tenants, in waves
    #[command(subcommand)]
    Upgrades(upgrades::Verb),
    /// Long work: how far it is, and what a person decides about it
    #[command(subcommand)]
    Operations(operations::Verb),
    /// Copies of tenants' data outside of the platform's servers
    #[command(subcommand)]
    Backups(backups::Verb),
    /// Backups that were restored beside their tenants
    #[command(subcommand)]
    Sandboxes(sandboxes::Verb),
    /// Calls that came while a tenant could take none, and what became of them
    Held(held::Held),
    /// Who asked for what, and what came of it
    Audit(audit::Audit),
    /// Messages that could not be handled
    #[command(subcommand)]
    DeadLetters(dead_letters::Verb),
    /// What is done again and again
    #[command(subcommand)]
    Schedules(schedules::Verb),
    /// What tenants can be offered
    Plans(plans::Plans),
    /// Whether the API can be used, and everything it stands on
    Health(health::Health),
    /// The n8ns that tenants share
    #[command(subcommand)]
    Shared(shared::Verb),
    /// Named keys to the API
    #[command(subcommand)]
    Keys(keys::Verb),
    /// Any request, signed
    Api(api::Call),
    /// Keep an API key for a profile: read from standard input, or asked for
    Login(login::Login),
    /// Forget the API key that `login` kept for a profile
    Logout(logout::Logout),
    /// Where and as whom
    #[command(subcommand)]
    Profiles(profiles::Verb),
    /// What a shell needs to complete what is typed
    Completions(completions::Completions),
    /// The manual, for `man`
    Man(man::Man),
}

impl Command {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        match self {
            Self::Tenants(verb) => verb.run(setting).await,
            Self::Logs(logs) => logs.run(setting).await,
            Self::Metrics(metrics) => metrics.run(setting).await,
            Self::Usage(usage) => usage.run(setting).await,
            Self::Top(top) => top.run(setting).await,
            Self::Upgrades(verb) => verb.run(setting).await,
            Self::Operations(verb) => verb.run(setting).await,
            Self::Backups(verb) => verb.run(setting).await,
            Self::Sandboxes(verb) => verb.run(setting).await,
            Self::Held(held) => held.run(setting).await,
            Self::Audit(audit) => audit.run(setting).await,
            Self::DeadLetters(verb) => verb.run(setting).await,
            Self::Schedules(verb) => verb.run(setting).await,
            Self::Plans(plans) => plans.run(setting).await,
            Self::Health(health) => health.run(setting).await,
            Self::Api(call) => call.run(setting).await,
            Self::Shared(verb) => verb.run(setting).await,
            Self::Keys(verb) => verb.run(setting).await,
            Self::Login(login) => login.run(setting).await,
            Self::Logout(logout) => logout.run(setting),
            Self::Profiles(verb) => verb.run(setting),
            Self::Completions(completions) => completions.run(setting),
            Self::Man(man) => man.run(setting),
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
