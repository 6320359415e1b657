//! Reading what a container wrote.

use std::time::Duration;

use bollard::container::LogOutput;
use bollard::query_parameters::LogsOptions;
use futures::TryStreamExt as _;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Docker;
use super::observe::owner;
use crate::error::ContainerError;
use crate::logs::{LogLine, LogQuery, LogStream, Logs, Tail};
use crate::plan;
use crate::spec::ContainerRef;

/// Whoever waits for logs has a short question; an engine that needs longer is asked again.
const PATIENCE: Duration = Duration::from_secs(3);

impl Docker {
    pub(super) async fn read_logs(
        &self,
        container: &ContainerRef,
        query: LogQuery,
    ) -> Result<Logs, ContainerError> {
        let Some(seen) = self.inspect(&container.name).await? else {
            return Err(ContainerError::NotFound { object: container.name.clone() });
        };
        plan::touch(container, owner(&seen).as_ref())?;
        let options = LogsOptions {
            stdout: true,
            stderr: true,
            timestamps: true,
            since: query.after.map_or(0, since),
            // One more tells whether there are more.
            tail: (u32::from(query.tail) + 1).to_string(),
            ..Default::default()
        };
        let pieces = self.api.logs(&container.name, Some(options));
        let read = pieces.try_fold(Tail::new(query), |mut tail, piece| async move {
            lines(piece).for_each(|line| tail.push(line));
            Ok(tail)
        });
        self.call_within(PATIENCE, "read logs", read).await.map(Tail::into_logs)
    }
}

/// In whole seconds; what is older by less is sorted out here. Nothing was written before 1970.
fn since(after: OffsetDateTime) -> i32 {
    i32::try_from(after.unix_timestamp().max(0)).unwrap_or(i32::MAX)
}

/// An engine hands out long lines in pieces of 16 kB, each with its moment: they stay pieces.
fn lines(piece: LogOutput) -> impl Iterator<Item = LogLine> {
    let stream = match &piece {
        LogOutput::StdErr { .. } => LogStream::Stderr,
        LogOutput::StdOut { .. } | LogOutput::StdIn { .. } | LogOutput::Console { .. } => LogStream::Stdout,
    };
    let text = String::from_utf8_lossy(&piece.into_bytes()).into_owned();
    let lines: Vec<_> = text.lines().filter_map(|line| read_line(stream, line)).collect();
    lines.into_iter()
}

fn read_line(stream: LogStream, line: &str) -> Option<LogLine> {
    let (at, text) = line.split_once(' ')?;
    let at = OffsetDateTime::parse(at, &Rfc3339).ok()?;
    Some(LogLine { at, stream, text: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_moment_before_all_logs_leaves_none_out() {
        assert_eq!(since(datetime!(0001-01-01 0:00 UTC)), 0);
        assert_eq!(since(datetime!(1970-01-01 0:01 UTC)), 60);
        assert_eq!(since(datetime!(9999-12-31 23:59 UTC)), i32::MAX);
    }

    #[test]
    fn a_piece_becomes_its_lines_with_their_moments() {
        let message = "2026-08-01T12:00:00.5Z {\"a\": 1}\n2026-08-01T12:00:01Z second\nnot a line\n".into();
        let read: Vec<_> = lines(LogOutput::StdErr { message }).collect();
        let line = |at, text: &str| LogLine { at, stream: LogStream::Stderr, text: text.to_owned() };
        let expected = [
            line(datetime!(2026-08-01 12:00:00.5 UTC), "{\"a\": 1}"),
            line(datetime!(2026-08-01 12:00:01 UTC), "second"),
        ];
        assert_eq!(read, expected);
    }
}
