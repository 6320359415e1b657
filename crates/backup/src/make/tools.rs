//! Whether our tools can dump the server: PostgreSQL's refuse one of a later major version, each time.

use common::{error::Kind, operations::StepError};

/// Fails for a server that is later than the tools, by major versions; says both.
pub fn suit(tools: &str, server: &str) -> Result<(), StepError> {
    let major = |version: &str| version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    match (major(tools), major(server)) {
        (Some(ours), Some(theirs)) if ours < theirs => {
            let why = format!(
                "The tenants' Postgres is {server}, and the backup service has the tools of {tools}: it needs those of {theirs}."
            );
            Err(StepError::failed(Kind::Conflict, why))
        }
        // What cannot be read says itself what is wrong.
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_may_be_later_and_not_earlier() {
        for (tools, server) in
            [("17.10", "17.10"), ("17.2", "17.10"), ("18.0", "15.18"), ("18beta1", "17.10"), ("", "17.10")]
        {
            assert!(suit(tools, server).is_ok(), "{tools}, {server}");
        }
        for (tools, server) in [("17.10", "18.0"), ("9.6.24", "15.1")] {
            let StepError::Failed { kind, detail, .. } = suit(tools, server).unwrap_err() else { panic!() };
            assert_eq!(kind, Kind::Conflict);
            assert!(detail.contains(tools) && detail.contains(server), "{detail}");
        }
    }
}
