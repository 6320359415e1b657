//! Traefik's metrics as text, as far as they say how often tenants were called.

use std::{borrow::Cow, collections::BTreeMap};

use time::OffsetDateTime;

use super::{Answers, Reading, SideService, Way};
use crate::document::WAITING;

/// Each call once: by the router that took it.
const CALLS: &str = "traefik_router_requests_total";
/// The same by what answered, and how soon.
const ANSWERS: &str = "traefik_service_requests_total";
const ANSWERED_WITHIN: &str = "traefik_service_request_duration_seconds_bucket";
/// Connections that stay open have a duration, and no answer.
const PROTOCOL: &str = "http";
const STARTED: &str = "process_start_time_seconds";

/// What Traefik answers in an n8n's place: too many calls, none that is ready, none that answers, no whole request.
const NOT_ANSWERED: [&str; 4] = ["429", "502", "503", "504"];

/// Why a text tells nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadingError {
    #[error("it does not say when the proxy began")]
    NoBeginning,
    #[error("a line is none of a counter: {0}")]
    Line(String),
}

/// Reads what Traefik shows to Prometheus.
pub fn read(text: &str) -> Result<Reading, ReadingError> {
    let mut calls = BTreeMap::<Way, u64>::new();
    let mut sides = BTreeMap::<SideService, Answers>::new();
    let mut started_at = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix(STARTED).filter(|rest| rest.starts_with(' ')) {
            started_at = number(rest).and_then(moment);
        } else if let Some(rest) = line.strip_prefix(CALLS) {
            let series = series(rest).ok_or_else(|| ReadingError::Line(line.to_owned()))?;
            if let Some((way, count)) = series.counted() {
                *calls.entry(way).or_default() += count;
            }
        } else if let Some(rest) = line.strip_prefix(ANSWERS) {
            let series = series(rest).ok_or_else(|| ReadingError::Line(line.to_owned()))?;
            if let Some(side) = series.side() {
                let answers = sides.entry(side).or_default();
                answers.calls += series.count;
                answers.failed += if series.is_failed() { series.count } else { 0 };
            }
        } else if let Some(rest) = line.strip_prefix(ANSWERED_WITHIN) {
            let series = series(rest).ok_or_else(|| ReadingError::Line(line.to_owned()))?;
            if let Some((side, bound)) = series.side().zip(series.bound()) {
                let within = Answers { within: vec![(bound, series.count)], ..Answers::default() };
                let answers = sides.entry(side).or_default();
                *answers = std::mem::take(answers).and(&within);
            }
        }
    }
    let started_at = started_at.ok_or(ReadingError::NoBeginning)?;
    Ok(Reading { started_at, calls, sides })
}

/// One line of the counter.
struct Series<'a> {
    labels: Vec<(&'a str, Cow<'a, str>)>,
    count: u64,
}

impl Series<'_> {
    fn label(&self, name: &str) -> &str {
        self.labels.iter().find(|(label, _)| *label == name).map(|(_, value)| &**value).unwrap_or_default()
    }

    /// The side that answered.
    fn side(&self) -> Option<SideService> {
        SideService::named(self.label("service")).filter(|_| self.label("protocol") == PROTOCOL)
    }

    fn is_failed(&self) -> bool {
        self.label("code").parse::<u16>().is_ok_and(|code| code >= 500)
    }

    /// In seconds. The last one of each series has none: it counts all.
    fn bound(&self) -> Option<f64> {
        self.label("le").parse().ok().filter(|bound: &f64| bound.is_finite())
    }

    /// If it is a tenant's, and its n8n answered.
    fn counted(&self) -> Option<(Way, u64)> {
        let way = Way { router: self.label("router").to_owned(), service: self.label("service").to_owned() };
        let is_page = way.service.strip_suffix("@http") == Some(WAITING);
        let is_answered = !NOT_ANSWERED.contains(&self.label("code"));
        (!is_page && is_answered && way.host().is_some()).then_some((way, self.count))
    }
}

/// `{name="value",…} number`, after the counter's name.
fn series(rest: &str) -> Option<Series<'_>> {
    let mut rest = rest.strip_prefix('{')?;
    let mut labels = Vec::new();
    while !rest.starts_with('}') {
        let (name, quoted) = rest.split_once("=\"")?;
        let (value, after) = value(quoted)?;
        labels.push((name, value));
        rest = after.strip_prefix(',').unwrap_or(after);
    }
    let count = number(&rest[1..]).filter(|count| *count >= 0.0)?;
    // Traefik counts in floats, which are exact up to 2^53.
    Some(Series { labels, count: count as u64 })
}

/// Up to the quote that ends it, and what comes after that.
fn value(quoted: &str) -> Option<(Cow<'_, str>, &str)> {
    let end = quoted.find(['"', '\\'])?;
    if quoted[end..].starts_with('"') {
        return Some((Cow::Borrowed(&quoted[..end]), &quoted[end + 1..]));
    }
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((Cow::Owned(value), &quoted[at + 1..])),
            '\\' => value.push(match characters.next()?.1 {
                'n' => '\n',
                other => other,
            }),
            other => value.push(other),
        }
    }
    None
}

/// The first word; a moment may follow it.
fn number(text: &str) -> Option<f64> {
    text.split_whitespace().next()?.parse().ok().filter(|number: &f64| number.is_finite())
}

fn moment(seconds: f64) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos((seconds * 1000.0).round() as i128 * 1_000_000).ok()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const SHOWN: &str = r#"# HELP process_start_time_seconds Start time of the process since unix epoch in seconds.
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1.79585364305e+09
# TYPE traefik_router_requests_total counter
traefik_router_requests_total{code="200",method="GET",protocol="http",router="acme.localhost@http",service="acme.localhost@http"} 7
traefik_router_requests_total{code="404",method="POST",protocol="http",router="acme.localhost@http",service="acme.localhost@http"} 2
traefik_router_requests_total{code="101",method="GET",protocol="websocket",router="acme.localhost@http",service="acme.localhost@http"} 1
traefik_router_requests_total{code="429",method="GET",protocol="http",router="acme.localhost@http",service="acme.localhost@http"} 100
traefik_router_requests_total{code="503",method="GET",protocol="http",router="acme.localhost@http",service="waiting_page@http"} 30
traefik_router_requests_total{code="200",method="GET",protocol="http",router="acme.localhost@http",service="waiting_page@http"} 5
traefik_router_requests_total{code="404",method="GET",protocol="http",router="acme.localhost_refuse@http",service="acme.localhost@http"} 9
traefik_router_requests_total{code="200",method="POST",protocol="http",router="beta.localhost_webhooks@http",service="shared.localhost@http"} 1.2e+06
traefik_router_requests_total{code="404",method="GET",protocol="http",router="unknown_host@http",service="waiting_page@http"} 11
traefik_service_requests_total{code="200",method="POST",protocol="http",service="acme.localhost_green_webhooks@http"} 18
traefik_service_requests_total{code="500",method="POST",protocol="http",service="acme.localhost_green_webhooks@http"} 2
traefik_service_requests_total{code="101",method="GET",protocol="websocket",service="acme.localhost_blue@http"} 4
traefik_service_request_duration_seconds_bucket{code="200",method="POST",protocol="http",service="acme.localhost_green_webhooks@http",le="0.1"} 9
traefik_service_request_duration_seconds_bucket{code="200",method="POST",protocol="http",service="acme.localhost_green_webhooks@http",le="0.5"} 18
traefik_service_request_duration_seconds_bucket{code="500",method="POST",protocol="http",service="acme.localhost_green_webhooks@http",le="0.5"} 1
traefik_service_request_duration_seconds_bucket{code="500",method="POST",protocol="http",service="acme.localhost_green_webhooks@http",le="+Inf"} 2
traefik_service_request_duration_seconds_count{code="500",method="POST",protocol="http",service="acme.localhost_green_webhooks@http"} 2
traefik_router_requests_bytes_total{code="200",method="GET",protocol="http",router="acme.localhost@http",service="acme.localhost@http"} 99999
"#;

    fn way(router: &str, service: &str) -> Way {
        Way { router: format!("{router}@http"), service: format!("{service}@http") }
    }

    #[test]
    fn what_tenants_n8ns_answered_is_counted_by_its_way() {
        let reading = read(SHOWN).unwrap();
        assert_eq!(reading.started_at, datetime!(2026-11-28 08:14:03.05 UTC));
        let expected = [
            (way("acme.localhost", "acme.localhost"), 10),
            (way("beta.localhost_webhooks", "shared.localhost"), 1_200_000),
        ];
        assert_eq!(reading.calls, BTreeMap::from(expected));
        let host = "acme.localhost".parse().unwrap();
        let green = SideService { host, color: common::tenant::Color::Green, webhooks: true };
        let answers = Answers { calls: 20, failed: 2, within: vec![(0.1, 9), (0.5, 19)] };
        assert_eq!(reading.sides, BTreeMap::from([(green, answers)]));
    }

    #[test]
    fn what_is_quoted_within_a_value_ends_nothing() {
        let line = r#"{code="200",method="a\"} 5,\\\n",router="acme.localhost@http",service="s"} 3"#;
        let series = series(line).unwrap();
        assert_eq!(series.label("method"), "a\"} 5,\\\n");
        assert_eq!((series.label("service"), series.count), ("s", 3));
    }

    #[test]
    fn half_a_text_is_none() {
        assert_eq!(read(""), Err(ReadingError::NoBeginning));
        let lines: Vec<_> = SHOWN.lines().collect();
        for end in 1..lines[4].len() - 2 {
            let cut = format!("{}\n{}", lines[2], &lines[4][..end]);
            let counted = read(&cut).map(|reading| reading.calls.len()).unwrap_or_default();
            assert_eq!(counted, 0, "{cut}");
        }
        for wrong in ["{", "{}", "{code=\"200\"} -1", "{code=\"200\"} NaN", "{code=\"200} 1", "{code} 1"] {
            assert!(series(wrong).is_none(), "{wrong}");
        }
    }
}
