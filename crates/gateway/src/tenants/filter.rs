//! The query of `GET /tenants`.

use super::words;
use crate::{
    http::{cursor::Page, fields::Fault, query},
    offer::Offer,
    problem::Problem,
    store::tenants::Filter,
};

/// Reads the query, or tells everything that is wrong with it.
pub fn read_filter(query: Option<&str>, offer: &Offer) -> Result<Filter, Problem> {
    let mut fields = query::read(query);
    let mode = fields.optional("mode", |text| text.parse().map_err(|e| Fault::new("unknown_mode", e)));
    let status = fields.optional("status", |text| text.parse().map_err(|e| Fault::new("unknown_status", e)));
    let plan = fields.optional("plan", |text| words::one_of("unknown_plan", text, &offer.plan_names()));
    let cluster = fields.optional("cluster", |text| cluster(text, offer));
    let search = fields.optional("q", words::name);
    let page = Page::read(&mut fields);
    fields.finish()?;
    Ok(Filter {
        mode: mode.flatten(),
        status: status.flatten(),
        plan: plan.flatten(),
        cluster: cluster.flatten(),
        search: search.flatten(),
        page: page.unwrap_or_default(),
    })
}

/// The others are not told: how the platform is built is nothing to its owners.
fn cluster(text: &str, offer: &Offer) -> Result<String, Fault> {
    let known = offer.clusters.iter().find(|cluster| cluster.id == text).map(|cluster| cluster.id.clone());
    known.ok_or_else(|| Fault::new("unknown_cluster", "there is no such cluster"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offer::sample;

    #[test]
    fn nothing_asked_for_is_the_first_page_of_everything() {
        for query in [None, Some(""), Some("status=&limit=")] {
            let filter = read_filter(query, &sample()).unwrap();
            assert_eq!((filter.page.size, filter.status, filter.page.after), (50, None, None));
        }
    }

    #[test]
    fn every_wrong_parameter_is_told_at_once() {
        let query = "mode=x&status=x&plan=gold&cluster=x&limit=0&cursor=x&q=%00&page=2&limit=3";
        let problem = read_filter(Some(query), &sample()).unwrap_err();
        let errors = serde_json::to_string(problem.errors()).unwrap();
        assert_eq!(problem.errors().len(), 8, "{errors}");
        for name in ["mode", "status", "plan", "cluster", "limit", "cursor", "q", "page"] {
            assert!(errors.contains(&format!("\"/{name}\"")), "{name}: {errors}");
        }
    }
}
