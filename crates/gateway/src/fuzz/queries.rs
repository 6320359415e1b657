//! Queries of lists and streams.

use http::HeaderMap;
use proptest::{prelude::*, sample::select};

use super::{hold, shows_a_nul};
use crate::{
    audit, events,
    http::{
        cursor::{NameCursor, Page},
        request::Request,
    },
    offer, operations,
    problem::Problem,
    sandboxes,
    store::{backups, dead_letters},
    tenants,
};

/// A query of parameters that are known somewhere, with values that are right somewhere.
fn a_query() -> impl Strategy<Value = String> {
    let names =
        "mode|status|plan|cluster|q|limit|cursor|tenant|kind|actor|action|outcome|since|service|reason|state";
    let name = prop_oneof![8 => select(names.split('|').map(str::to_owned).collect::<Vec<_>>()), 1 => any::<String>()];
    let known = [
        "dedicated",
        "active",
        "pro",
        "50",
        "0",
        "201",
        "-1",
        "step.failed",
        "tenant.create",
        "waiting",
        "verified",
        "backup.failed",
        "refused",
        "ten_0198c0de0000700080000000000000aa",
        "2026-08-01T12:00:00Z",
        "9999-12-31T23:59:59-01:00",
        "9223372036854775808",
        "a\0b",
        "",
    ];
    let value = prop_oneof![3 => select(known.map(str::to_owned).to_vec()), 1 => any::<String>()];
    prop::collection::vec((name, value), 0..5)
        .prop_map(|pairs| url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish())
}

/// Refused for parameters that were given, each with its name.
fn is_told(problem: &Problem, query: &str) -> Result<(), TestCaseError> {
    let given: Vec<_> =
        url::form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name.into_owned()).collect();
    let errors = serde_json::to_value(problem.errors()).unwrap();
    let errors = errors.as_array().unwrap();
    prop_assert!(!errors.is_empty(), "{problem}");
    for error in errors {
        let pointer = error["pointer"].as_str().unwrap_or_default();
        let name = pointer.strip_prefix('/').map(|name| name.replace("~1", "/").replace("~0", "~"));
        prop_assert!(name.is_some_and(|name| given.contains(&name)), "{error} of {query}");
    }
    Ok(())
}

#[test]
fn a_query_is_read_or_each_wrong_parameter_is_named() {
    let queries =
        prop_oneof![6 => a_query(), 1 => any::<String>(), 1 => "([a-z]{1,7}=[%0-9a-fA-F+&]{0,9}&?){0,4}"];
    hold(queries, |query| {
        // The record takes moments in UTC; in another offset, one could lie beyond what it can be told.
        let audit = audit::Filter::of_query(Some(&query), &());
        let since = audit.as_ref().ok().and_then(|filter| filter.since);
        prop_assert!(since.is_none_or(|since| since.offset().is_utc()), "{since:?}");
        // Every text that passes goes to Postgres, which knows none with a NUL; their `Debug` shows it escaped.
        let filters = [
            tenants::Filter::of_query(Some(&query), &offer::sample()).map(|read| format!("{read:?}")),
            operations::Filter::of_query(Some(&query), &()).map(|read| format!("{read:?}")),
            audit.map(|read| format!("{read:?}")),
            backups::Filter::of_query(Some(&query), &()).map(|read| format!("{read:?}")),
            sandboxes::Filter::of_query(Some(&query), &()).map(|read| format!("{read:?}")),
            dead_letters::Filter::of_query(Some(&query), &()).map(|read| format!("{read:?}")),
            Page::<NameCursor>::of_query(Some(&query), &()).map(|read| format!("{read:?}")),
            events::read_query(Some(&query), &HeaderMap::new()).map(|read| format!("{read:?}")),
        ];
        for read in filters {
            match read {
                Ok(filter) => prop_assert!(!shows_a_nul(&filter), "{filter}"),
                Err(problem) => is_told(&problem, &query)?,
            }
        }
        Ok(())
    });
}
