//! `GET /dead-letters`

use axum::{
    Json,
    extract::{RawQuery, State},
};
use common::dead_letters::{Reason, STATES};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::{DeadLetterView, ReadDeadLetters};
use crate::{
    app::App,
    auth::Caller,
    background::CONSUMERS,
    http::{
        cursor::{Cursor, Page},
        fields::Fault,
        query,
    },
    problem::{Answered, Problem},
    store::dead_letters::{Filter, page},
};

/// Which dead letters to list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; it is read by read_filter")]
pub struct DeadLetterQuery {
    /// Who could not handle it.
    service: Option<String>,
    /// One reason.
    reason: Option<String>,
    /// `waiting`, `replaying` or `replayed`.
    state: Option<String>,
    /// 1 to 200; 50 when absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u8>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A page of dead letters, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeadLetterPage {
    data: Vec<DeadLetterView>,
    /// Where the next page begins, if there is one.
    next_cursor: Option<String>,
}

/// Lists the messages that could not be handled.
#[utoipa::path(
    get, path = "/dead-letters", tag = "dead letters",
    security(("token" = ["admin", "operator"])),
    params(DeadLetterQuery),
    responses(
        (status = 200, body = DeadLetterPage),
    )
)]
pub async fn list(
    State(app): State<App>,
    _caller: Caller<ReadDeadLetters>,
    RawQuery(query): RawQuery,
) -> Answered<Json<DeadLetterPage>> {
    let filter = read_filter(query.as_deref())?;
    let mut letters = page(&app.statements, &filter).await?;
    let next_cursor = filter.page.cut(&mut letters, |last| Cursor { at: last.at, id: last.id.uuid() });
    Ok(Json(DeadLetterPage { data: letters.into_iter().map(DeadLetterView::from).collect(), next_cursor }))
}

/// Reads the query, or tells everything that is wrong with it.
pub fn read_filter(query: Option<&str>) -> Result<Filter, Problem> {
    let mut fields = query::read(query);
    let service = fields.optional("service", |text| word(text, &CONSUMERS));
    let reason = fields.optional("reason", |text| word(text, &Reason::ALL.map(Reason::as_str)));
    let state = fields.optional("state", |text| word(text, &STATES));
    let page = Page::read(&mut fields);
    fields.finish()?;
    let (service, reason, state) = (service.flatten(), reason.flatten(), state.flatten());
    Ok(Filter { service, reason, state, page: page.unwrap_or_default() })
}

fn word(text: &str, known: &[&'static str]) -> Result<&'static str, Fault> {
    let found = known.iter().copied().find(|word| *word == text);
    found.ok_or_else(|| Fault::new("unknown_word", format!("must be one of: {}", known.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_parameter_is_told_at_once() {
        let problem = read_filter(Some("service=%00&reason=x&state=x&limit=0&cursor=x&page=2")).unwrap_err();
        assert_eq!(problem.errors().len(), 6, "{problem:?}");
    }
}
