//! The query of `GET /tenants`.

use super::{Cursor, words};
use crate::{
    http::{fields::Fault, query},
    problem::Problem,
    store::tenants::Filter,
};

const USUAL_PAGE: i64 = 50;
const MAX_PAGE: i64 = 200;

/// Reads the query, or tells everything that is wrong with it.
pub fn read_filter(query: Option<&str>) -> Result<Filter, Problem> {
    let mut fields = query::read(query);
    let mode = fields.optional("mode", |text| text.parse().map_err(|e| Fault::new("unknown_mode", e)));
    let status = fields.optional("status", |text| text.parse().map_err(|e| Fault::new("unknown_status", e)));
    let plan = fields.optional("plan", words::identifier);
    let cluster = fields.optional("cluster", words::identifier);
    let search = fields.optional("q", words::name);
    let limit = fields.optional("limit", limit);
    let after =
        fields.optional("cursor", |text| text.parse::<Cursor>().map_err(|e| Fault::new("invalid_cursor", e)));
    fields.finish()?;
    Ok(Filter {
        mode: mode.flatten(),
        status: status.flatten(),
        plan: plan.flatten(),
        cluster: cluster.flatten(),
        search: search.flatten(),
        after: after.flatten().map(|cursor| (cursor.created_at, cursor.id)),
        limit: limit.flatten().unwrap_or(USUAL_PAGE),
    })
}

fn limit(text: &str) -> Result<i64, Fault> {
    let limit = text.parse().ok().filter(|limit| (1..=MAX_PAGE).contains(limit));
    limit.ok_or_else(|| Fault::new("invalid_limit", format!("must be a number from 1 to {MAX_PAGE}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_asked_for_is_the_first_page_of_everything() {
        for query in [None, Some(""), Some("status=&limit=")] {
            let filter = read_filter(query).unwrap();
            assert_eq!((filter.limit, filter.status, filter.after), (USUAL_PAGE, None, None));
        }
    }

    #[test]
    fn every_wrong_parameter_is_told_at_once() {
        let problem =
            read_filter(Some("mode=x&status=x&plan=X&limit=0&cursor=x&q=%00&page=2&limit=3")).unwrap_err();
        let errors = serde_json::to_string(problem.errors()).unwrap();
        assert_eq!(problem.errors().len(), 7, "{errors}");
        for name in ["mode", "status", "plan", "limit", "cursor", "q", "page"] {
            assert!(errors.contains(&format!("\"/{name}\"")), "{name}: {errors}");
        }
    }
}
