//! The query of `GET /operations`.

use common::operations::OperationKind;

use crate::{
    http::{cursor::Page, one_of::OneOf, request::request},
    tenants::TenantName,
    vocabulary::OperationStatus,
};

request! {
    /// Which operations to list.
    pub struct Filter: Request {
        /// One status.
        status: Option<OneOf<OperationStatus>>,
        /// One kind, such as `tenant.create`.
        kind: Option<&'static OperationKind>,
        /// One tenant's id or subdomain.
        tenant: Option<TenantName>,
        ..page: Page,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::request::Request;

    #[test]
    fn every_wrong_parameter_is_told_at_once() {
        let problem =
            Filter::of_query(Some("status=x&kind=x&tenant=Acme&limit=201&cursor=x&page=2"), &()).unwrap_err();
        assert_eq!(problem.errors().len(), 6, "{problem:?}");
    }

    #[test]
    fn nothing_asked_for_is_the_first_page_of_everything() {
        let filter = Filter::of_query(None, &()).unwrap();
        assert!(filter.status.is_none() && filter.tenant.is_none() && filter.page.size == 50);
    }
}
