//! What Postgres' own codes mean to us (SQLSTATE, appendix A of its manual): for the record and for the tenants' servers alike.

use super::{Classify, Kind};

impl Classify for sqlx::Error {
    fn kind(&self) -> Kind {
        if let Self::Database(error) = self {
            return error.code().map_or(Kind::Internal, |code| kind_of_state(&code));
        }
        // No connection, or none that is as it was asked for.
        let away = matches!(
            self,
            Self::PoolTimedOut
                | Self::PoolClosed
                | Self::Io(_)
                | Self::Tls(_)
                | Self::Configuration(_)
                | Self::WorkerCrashed
        );
        if away {
            return Kind::Unavailable;
        }
        if matches!(self, Self::RowNotFound) { Kind::NotFound } else { Kind::Internal }
    }
}

/// The codes that differ from the rest of their class.
fn kind_of_state(code: &str) -> Kind {
    match code {
        // Cut off, or the answer was lost: it may have been done.
        "08007" | "25P04" | "40003" | "57014" => Kind::Timeout,
        // A server that takes no writes: demoted, or guarding the last of its disk. One that ended a transaction which was idle
        // for too long. What is in use, held by somebody or in the making.
        "25006" | "25P03" | "55000" | "55006" | "55P03" => Kind::Unavailable,
        // A rule of ours was broken, found late.
        "40002" => Kind::Internal,
        code => kind_of_class(code.get(..2).unwrap_or_default()),
    }
}

/// Whether the server or the statement is the trouble: no connection (08), nobody let in (28), taken back because of others (40), out of
/// something (53), stopped by an operator (57), a failure of the machine below (58).
///
/// Not XX: the server found itself, or the data, broken. Trying again does not help, and a person has to know.
fn kind_of_class(class: &str) -> Kind {
    match class {
        "08" | "28" | "40" | "53" | "57" | "58" => Kind::Unavailable,
        _ => Kind::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every code of the classes in which anything is worth trying again.
    const AWAY: [&str; 35] = [
        "08000", "08001", "08003", "08004", "08006", "08P01", "25006", "25P03", "28000", "28P01", "40000",
        "40001", "40P01", "53000", "53100", "53200", "53300", "53400", "55000", "55006", "55P03", "57000",
        "57P01", "57P02", "57P03", "57P04", "57P05", "58000", "58030", "58P01", "58P02", "58P03", "08S01",
        "53U01", "57Z99",
    ];

    const UNCERTAIN: [&str; 4] = ["08007", "25P04", "40003", "57014"];

    /// The rest of those classes, and one or more of every other.
    const OURS: [&str; 58] = [
        "25000", "25001", "25002", "25003", "25004", "25005", "25007", "25008", "25P01", "25P02", "40002",
        "55P02", "55P04", "03000", "09000", "0A000", "0B000", "0F000", "0F001", "0L000", "0LP01", "0P000",
        "0Z000", "0Z002", "10608", "20000", "21000", "22001", "22021", "22P02", "22P05", "23502", "23503",
        "23505", "23514", "23P01", "24000", "26000", "27000", "2B000", "2BP01", "2D000", "2F005", "34000",
        "38000", "39000", "3B000", "3D000", "3F000", "42501", "42601", "42P01", "44000", "54000", "F0000",
        "HV000", "P0001", "XX000",
    ];

    #[test]
    fn every_code_says_whether_the_server_or_the_statement_is_the_trouble() {
        for (codes, kind) in
            [(&AWAY[..], Kind::Unavailable), (&UNCERTAIN, Kind::Timeout), (&OURS, Kind::Internal)]
        {
            for code in codes {
                assert_eq!(kind_of_state(code), kind, "{code}");
            }
        }
        for broken in ["XX001", "XX002", "", "5", "\u{fc}\u{fc}"] {
            assert_eq!(kind_of_state(broken), Kind::Internal, "{broken:?}");
        }
    }

    #[test]
    fn without_a_connection_it_is_worth_trying_again() {
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let unfit = std::io::Error::other("not as asked for").into();
        for away in [
            sqlx::Error::PoolTimedOut,
            sqlx::Error::PoolClosed,
            sqlx::Error::Io(refused),
            sqlx::Error::Configuration(unfit),
        ] {
            assert_eq!(away.kind(), Kind::Unavailable, "{away:?}");
        }
        assert_eq!(sqlx::Error::ColumnNotFound("x".into()).kind(), Kind::Internal);
        assert_eq!(sqlx::Error::RowNotFound.kind(), Kind::NotFound);
    }
}
