//! Whether our tools suit the server: PostgreSQL's refuse to dump one of a later major version, and to restore onto one of before 17, each time.

use common::{error::Kind, operations::StepError};

/// `pg_restore` tells every server things that earlier ones do not know (`transaction_timeout`): what is dumped there could be restored nowhere.
const EARLIEST: u32 = 17;

/// Fails for a server that is later than the tools, by major versions, or too early for them; says both.
pub fn suit(tools: &str, server: &str) -> Result<(), StepError> {
    let major = |version: &str| version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    let unfit = match (major(tools), major(server)) {
        (Some(ours), Some(theirs)) if ours < theirs => format!("it needs those of {theirs}"),
        (Some(_), Some(theirs)) if theirs < EARLIEST => {
            format!("they restore onto a server of {EARLIEST} or later and onto no other")
        }
        // What cannot be read says itself what is wrong.
        _ => return Ok(()),
    };
    let why = format!(
        "The tenants' Postgres is {server}, and the backup service has the tools of {tools}: {unfit}."
    );
    Err(StepError::failed(Kind::Conflict, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_may_be_later_and_neither_earlier_nor_for_a_server_that_nothing_is_restored_onto() {
        for (tools, server) in
            [("17.10", "17.10"), ("17.2", "17.10"), ("18.0", "17.10"), ("18beta1", "17.10"), ("", "17.10")]
        {
            assert!(suit(tools, server).is_ok(), "{tools}, {server}");
        }
        for (tools, server) in [("17.10", "18.0"), ("9.6.24", "15.1"), ("17.10", "16.14"), ("18.4", "16.14")]
        {
            let StepError::Failed { kind, detail, .. } = suit(tools, server).unwrap_err() else { panic!() };
            assert_eq!(kind, Kind::Conflict);
            assert!(detail.contains(tools) && detail.contains(server), "{detail}");
        }
    }
}
