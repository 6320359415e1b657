//! Which release of n8n a tenant gets after the one that it runs.

use common::{tenant::Mode, version::Version};
use serde_json::{Value, json};
use wire::kinds::{TenantUpgrade, UpgradeStrategy};

use super::{Release, words::Reason};
use crate::{
    http::{
        fields::{Fault, Text},
        request::request,
    },
    problem::{Answered, Code, Problem},
    sandboxes,
    store::tenants::Tenant,
};

request! {
    /// What a tenant is to run, and how it gets there.
    pub struct Upgrade: Request {
        /// Later than what it runs.
        #[example = "2.41.1"]
        n8n_version: Release,
        /// `recreate`, also when absent: the tenant stops, and what comes back is the later release. `blue_green`: a side of the later release is put
        /// beside it, answers 10, 50 and 100 of a hundred calls to webhooks as long as it does so well, and takes its place.
        #[example = "recreate"]
        strategy: Option<UpgradeStrategy>,
        /// For those who read the audit log; 1 to 500 characters.
        #[example = "The customer needs a node that came with it."]
        reason: Option<Reason>,
    }
}

impl Text for UpgradeStrategy {
    fn parse(text: &str) -> Result<Self, Fault> {
        let found = Self::ALL.into_iter().find(|strategy| strategy.as_str() == text);
        let words = Self::ALL.map(Self::as_str).join(", ");
        found.ok_or_else(|| Fault::new("unknown_strategy", format!("must be one of: {words}")))
    }

    fn schema() -> Value {
        json!({ "type": "string", "enum": Self::ALL.map(Self::as_str) })
    }
}

impl Upgrade {
    /// What the operation is asked.
    pub fn request(&self) -> TenantUpgrade {
        let strategy = self.strategy.unwrap_or_default();
        TenantUpgrade { n8n_version: self.n8n_version.version(), strategy }
    }
}

/// Whether it is a tenant with an n8n of its own that somebody decides about.
pub fn can_be_upgraded(tenant: &Tenant) -> Answered<()> {
    if tenant.mode.0 == Mode::Shared {
        let detail = "The tenant shares an n8n with others, and all of them run the same release: `POST /tenants/{id}/promote` gives it one of its own.";
        return Err(Problem::new(Code::SharedTenant).detail(detail));
    }
    if !tenant.the_platforms_own {
        return Ok(());
    }
    let detail = if tenant.plan == sandboxes::PLAN {
        "A sandbox is removed when its time is over, and is not upgraded: an upgrade tries a copy of its own before it changes the tenant."
    } else {
        "An n8n that tenants share is not upgraded yet: its tenants would have to stop together."
    };
    Err(Problem::new(Code::Conflict).detail(detail))
}

/// Whether a tenant that runs the one already is as wanted. What is older than what it runs is refused.
pub fn is_so(runs: &str, wanted: Version) -> Answered<bool> {
    // A version that this release cannot read is judged by who upgrades.
    let Ok(runs) = runs.parse::<Version>() else { return Ok(false) };
    if wanted < runs {
        let detail = format!(
            "The tenant runs n8n {runs}, and n8n does not go back to {wanted}. What the tenant had before it was upgraded is in its backup of type \
             `pre_upgrade`: `POST /tenants/{{id}}/restore` restores that into a sandbox, on the release of now."
        );
        return Err(Problem::new(Code::Conflict).detail(detail));
    }
    Ok(wanted == runs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::request::Request;

    fn read(body: &Value) -> Result<TenantUpgrade, String> {
        let read = Upgrade::of_body(body.to_string().as_bytes(), &());
        read.map(|upgrade| upgrade.request()).map_err(|problem| json!(problem.errors()).to_string())
    }

    #[test]
    fn a_release_has_to_be_named_and_how_to_get_there_need_not_be() {
        let later = Ok(TenantUpgrade::to(Version::new(2, 41, 1)));
        for body in [
            json!({ "n8n_version": "2.41.1" }),
            json!({ "n8n_version": "2.41.1", "strategy": null }),
            json!({ "n8n_version": "2.41.1", "strategy": "recreate", "reason": "It is new." }),
        ] {
            assert_eq!(read(&body), later, "{body}");
        }
        let beside = read(&json!({ "n8n_version": "2.41.1", "strategy": "blue_green" })).unwrap();
        assert_eq!(beside.strategy, UpgradeStrategy::BlueGreen);
        for (body, words) in [
            (json!({}), &["/n8n_version", "required"][..]),
            (json!({ "n8n_version": "latest" }), &["unknown_version", "must be one of: 2.40.7, 2.41.1"]),
            (
                json!({ "n8n_version": "2.41.1", "strategy": "in_a_hurry" }),
                &["/strategy", "unknown_strategy", "must be one of: recreate, blue_green"],
            ),
        ] {
            let refused = read(&body).unwrap_err();
            assert!(words.iter().all(|word| refused.contains(word)), "{refused}");
        }
    }

    #[test]
    fn there_is_no_way_back() {
        let (older, later) = (Version::new(2, 40, 7), Version::new(2, 41, 1));
        assert!(is_so("2.41.1", later).unwrap());
        assert!(!is_so("2.40.7", later).unwrap());
        assert!(!is_so("2.9.10", older).unwrap(), "numbers and not letters are compared");
        let refused = is_so("2.41.1", older).unwrap_err();
        assert_eq!(refused.code(), Code::Conflict);
        for words in ["runs n8n 2.41.1", "does not go back to 2.40.7", "pre_upgrade", "sandbox"] {
            assert!(refused.explanation().contains(words), "{refused}");
        }
        assert!(!is_so("nightly", later).unwrap(), "that is for who upgrades to judge");
    }
}
