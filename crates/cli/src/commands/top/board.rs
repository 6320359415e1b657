//! What stands on the screen, line by line. Pure.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::output::{Output, printable, span};

use super::{COLUMNS, Sort};

/// The lines above the tenants: what it is, how it stands, and an empty one.
const HEAD: usize = 3;

/// What was seen last, and what came of looking again.
#[derive(Debug)]
pub struct Board {
    sort: Sort,
    interval: Duration,
    rows: Vec<Value>,
    seen_at: Instant,
    trouble: Option<String>,
}

impl Board {
    /// With the first look.
    pub const fn new(sort: Sort, interval: Duration, rows: Vec<Value>, now: Instant) -> Self {
        Self { sort, interval, rows, seen_at: now, trouble: None }
    }

    /// Another look. One that failed leaves what is there.
    pub fn note(&mut self, looked: Result<Vec<Value>, String>, now: Instant) {
        match looked {
            Ok(rows) => {
                (self.rows, self.seen_at, self.trouble) = (rows, now, None);
            }
            Err(trouble) => self.trouble = Some(trouble),
        }
    }

    /// At most so many lines.
    pub fn lines(&self, output: &Output, height: usize, now: Instant) -> Vec<String> {
        let mut lines = vec![
            format!(
                "Tenants by {}, every {}; q leaves",
                self.sort.told(),
                humantime::format_duration(self.interval)
            ),
            self.standing(now),
            String::new(),
        ];
        if !self.rows.is_empty() {
            let table = output.rendered(COLUMNS, &self.rows);
            let (all, room) = (table.lines().count(), height.saturating_sub(HEAD));
            // A line less, for saying that there are more.
            let shown = if all > room { room.saturating_sub(1) } else { all };
            lines.extend(table.lines().take(shown).map(str::to_owned));
            if shown < all {
                lines.push("… more than there is room for".to_owned());
            }
        }
        lines.truncate(height);
        lines
    }

    /// How old it is, and why.
    fn standing(&self, now: Instant) -> String {
        let age = span(now.duration_since(self.seen_at).as_secs_f64().floor());
        let what = match self.rows.len() {
            0 => "no tenant was looked at lately".to_owned(),
            1 => "one tenant".to_owned(),
            count => format!("{count} tenants"),
        };
        match &self.trouble {
            Some(trouble) => printable(&format!("error: {trouble}; what is shown is {age} old: {what}")),
            None => format!("{what}, seen {age} ago"),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::*;
    use crate::{args::Options, environment::Environment};

    #[derive(Parser)]
    struct Typed {
        #[command(flatten)]
        options: Options,
    }

    fn output() -> Output {
        Output::new(&Typed::parse_from(["rp9"]).options, &Environment::from([("NO_COLOR", "1")]))
    }

    fn row(name: &str, wait: f64) -> Value {
        json!({ "subdomain": name, "name": format!("{name} \u{1b}[2J\u{9b}H"), "queue_wait_p95_seconds": wait, "cpu_percent": null,
                "queue_depth": 3, "executions_min": 12.0, "success_rate_percent": 75.0, "memory_percent": 41.27, "workers": 2, "plan": "pro" })
    }

    fn board(rows: Vec<Value>) -> (Board, Instant) {
        let now = Instant::now();
        (Board::new(Sort::QueueWait, Duration::from_secs(5), rows, now), now)
    }

    #[tokio::test]
    async fn tenants_stand_in_the_order_of_the_answer_and_what_is_not_seen_is_no_zero() {
        let (board, now) = board(vec![row("globex", 6.2), row("acme", 0.0)]);
        let lines = board.lines(&output(), 24, now);
        assert_eq!(lines[0], "Tenants by queue wait, every 5s; q leaves");
        assert_eq!(lines[1], "2 tenants, seen 0.0 s ago");
        let words =
            |line: &str| -> Vec<String> { line.split_whitespace().take(7).map(str::to_owned).collect() };
        assert_eq!(words(&lines[4]), ["globex", "6.20", "3", "-", "41.3", "12", "25"]);
        assert_eq!(words(&lines[5])[..2], ["acme", "0"]);
        assert!(!lines.concat().contains(char::is_control), "{lines:?}");
    }

    #[tokio::test]
    async fn a_failed_look_leaves_what_was_there_with_its_age_and_the_next_puts_it_right() {
        let (mut board, now) = board(vec![row("acme", 1.0)]);
        let later = now + Duration::from_secs(95);
        board.note(Err("No answer:\u{1b}[31m connection refused".to_owned()), later);
        let lines = board.lines(&output(), 24, later);
        assert_eq!(
            lines[1],
            "error: No answer: [31m connection refused; what is shown is 1 min 35 s old: one tenant"
        );
        assert!(lines[4].starts_with("acme"), "{lines:?}");
        board.note(Ok(Vec::new()), later);
        assert_eq!(
            board.lines(&output(), 24, later)[1..],
            ["no tenant was looked at lately, seen 0.0 s ago", ""]
        );
    }

    #[tokio::test]
    async fn there_are_never_more_lines_than_there_is_room_for() {
        let (board, now) = board((0..50).map(|n| row(&format!("tenant-{n}"), 1.0)).collect());
        for height in [1, 2, 3, 4, 5, 24, 53] {
            assert_eq!(board.lines(&output(), height, now).len(), height.min(54), "{height}");
        }
        let lines = board.lines(&output(), 24, now);
        assert_eq!(lines.last().map(String::as_str), Some("… more than there is room for"));
        assert_eq!(board.lines(&output(), 100, now).len(), 54);
    }
}
