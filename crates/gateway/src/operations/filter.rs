//! The query of `GET /operations`.

use common::operations::{OperationKind, STATUSES};
use wire::kinds;

use crate::{
    http::{cursor::Page, fields::Fault, query},
    problem::Problem,
    store::operations::Filter,
    tenants::TenantName,
};

/// Reads the query, or tells everything that is wrong with it.
pub fn read_filter(query: Option<&str>) -> Result<Filter, Problem> {
    let mut fields = query::read(query);
    let status = fields.optional("status", status);
    let kind = fields.optional("kind", kind);
    let tenant = TenantName::read(&mut fields);
    let page = Page::read(&mut fields);
    fields.finish()?;
    Ok(Filter { status: status.flatten(), kind: kind.flatten(), tenant, page: page.unwrap_or_default() })
}

fn kind(text: &str) -> Result<&'static OperationKind, Fault> {
    let unknown = || Fault::new("unknown_kind", format!("`{text}` is not a kind of operation known here"));
    kinds::of_word(text).ok_or_else(unknown)
}

fn status(text: &str) -> Result<String, Fault> {
    let known = STATUSES.contains(&text).then(|| text.to_owned());
    known.ok_or_else(|| Fault::new("unknown_status", format!("must be one of: {}", STATUSES.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_parameter_is_told_at_once() {
        let problem = read_filter(Some("status=x&kind=x&tenant=Acme&limit=201&cursor=x&page=2")).unwrap_err();
        assert_eq!(problem.errors().len(), 6, "{problem:?}");
    }

    #[test]
    fn nothing_asked_for_is_the_first_page_of_everything() {
        let filter = read_filter(None).unwrap();
        assert_eq!((filter.status, filter.tenant, filter.page.size), (None, None, 50));
    }
}
