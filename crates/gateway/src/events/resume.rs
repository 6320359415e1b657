//! Where a client goes on that was here before.

use super::Since;
use crate::store::events::LogRange;

/// Why a client's position is of no use any longer. It starts anew, and has to look at everything that it keeps from events again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// The events after it are not kept any longer.
    Forgotten,
    /// There has been no such event: the record is of an earlier moment than the client.
    Unknown,
}

impl Reset {
    /// The word told to the client.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Forgotten => "events_forgotten",
            Self::Unknown => "unknown_event",
        }
    }
}

/// What keeps a client from going on from here, if anything does.
pub fn reset(since: Since, log_range: LogRange) -> Option<Reset> {
    match since {
        Since::Event(id) if id > log_range.latest => Some(Reset::Unknown),
        Since::Event(id) if id < log_range.forgotten => Some(Reset::Forgotten),
        Since::Event(_) | Since::Now | Since::Beginning => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_goes_on_if_everything_after_its_position_is_there() {
        let cases = [
            (Since::Event(9), Some(Reset::Forgotten)),
            (Since::Event(10), None),
            (Since::Event(20), None),
            (Since::Event(21), Some(Reset::Unknown)),
            (Since::Event(i64::MAX), Some(Reset::Unknown)),
            (Since::Beginning, None),
            (Since::Now, None),
        ];
        let log_range = LogRange { waiting: false, latest: 20, forgotten: 10 };
        for (since, expected) in cases {
            assert_eq!(reset(since, log_range), expected, "{since:?}");
        }
    }
}
