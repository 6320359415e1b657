//! The query of `GET /tenants`.

use common::tenant::{Mode, TenantStatus};

use super::{
    offered::{ClusterName, PlanName},
    words::Name,
};
use crate::{
    http::{cursor::Page, request::request},
    offer::Offer,
};

request! {
    /// Which tenants to list.
    pub struct Filter: Request<Offer> {
        /// `shared` or `dedicated`.
        mode: Option<Mode>,
        /// One status; without it every tenant that is not deleted.
        status: Option<TenantStatus>,
        plan: Option<PlanName>,
        cluster: Option<ClusterName>,
        /// Part of a name, an e-mail address or a subdomain; in any case, with or without accents.
        q: Option<Name>,
        ..page: Page,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{http::request::Request, offer::sample};

    #[test]
    fn nothing_asked_for_is_the_first_page_of_everything() {
        for query in [None, Some(""), Some("status=&limit=")] {
            let filter = Filter::of_query(query, &sample()).unwrap();
            assert_eq!((filter.page.size, filter.status, filter.page.after), (50, None, None));
        }
    }

    #[test]
    fn every_wrong_parameter_is_told_at_once() {
        let query = "mode=x&status=x&plan=gold&cluster=x&limit=0&cursor=x&q=%00&page=2&limit=3";
        let problem = Filter::of_query(Some(query), &sample()).unwrap_err();
        let errors = serde_json::to_string(problem.errors()).unwrap();
        assert_eq!(problem.errors().len(), 8, "{errors}");
        for name in ["mode", "status", "plan", "cluster", "limit", "cursor", "q", "page"] {
            assert!(errors.contains(&format!("\"/{name}\"")), "{name}: {errors}");
        }
    }
}
