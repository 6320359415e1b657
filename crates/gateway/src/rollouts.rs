//! What is asked for with a rollout.

use common::version::Version;
use serde_json::{Map, Value, json};

use crate::{
    http::{
        fields::{Fault, Field},
        request::request,
        whole::Whole,
    },
    keys::Many,
    offer::Offer,
    problem::Pointer,
    tenants::{KnownRegion, PlanName, Release, TenantName, words::Reason},
};

request! {
    /// Which tenants are to run a later release, and how carefully.
    pub struct NewRollout: Request<Offer> {
        /// What they are to run.
        #[example = "2.41.1"]
        n8n_version: Release,
        /// Which tenants, of those that have an n8n of their own and run an earlier release; all when absent.
        selection: Option<Selection>,
        /// How many are upgraded at once at most; 2 when absent. The first wave is one tenant, and each has twice as many as the one before, until
        /// there are so many.
        #[example = 5]
        concurrency: Option<Whole<1, 20>>,
        /// How many may fail without ending the rollout; 0 when absent.
        #[example = 1]
        max_failures: Option<Whole<0, 1000>>,
        /// For those who read the audit log; 1 to 500 characters.
        #[example = "2.40 is no longer mended."]
        reason: Option<Reason>,
    }
}

/// Two upgrades are what a small cluster does beside its other work.
const USUAL_CONCURRENCY: i32 = 2;

impl NewRollout {
    /// What they are to run.
    pub const fn version(&self) -> Version {
        self.n8n_version.version()
    }

    /// How many are upgraded at once at most.
    pub fn at_once(&self) -> i32 {
        self.concurrency.map_or(USUAL_CONCURRENCY, Whole::get)
    }

    /// How many may fail.
    pub fn may_fail(&self) -> i32 {
        self.max_failures.map_or(0, Whole::get)
    }
}

/// Which tenants are meant: those for whom everything holds that is said.
#[derive(Debug, Default)]
pub struct Selection {
    /// These.
    pub tenants: Option<Many<TenantName>>,
    /// Those on one of these plans.
    pub plans: Option<Many<PlanName>>,
    /// Those on clusters in one of these regions.
    pub regions: Option<Many<KnownRegion>>,
}

impl Selection {
    /// Where the tenant stands that was named at this place.
    pub fn tenant(index: usize) -> Pointer {
        Pointer::to("selection").then("tenants").then(index.to_string())
    }

    /// As it was asked for.
    pub fn as_asked(&self) -> Value {
        let words = |name, words: Option<Vec<&str>>| words.map(|words| (name, json!(words)));
        let ids: Option<Vec<_>> =
            self.tenants.as_ref().map(|many| many.0.iter().map(ToString::to_string).collect());
        let asked = [
            words("tenants", ids.as_ref().map(|ids| ids.iter().map(String::as_str).collect())),
            words("plans", self.plan_names()),
            words("regions", self.region_names()),
        ];
        Value::Object(asked.into_iter().flatten().map(|(name, words)| (name.to_owned(), words)).collect())
    }

    /// The plans that it is limited to.
    pub fn plan_names(&self) -> Option<Vec<&str>> {
        self.plans.as_ref().map(|many| many.0.iter().map(PlanName::as_str).collect())
    }

    /// The regions that it is limited to.
    pub fn region_names(&self) -> Option<Vec<&str>> {
        self.regions.as_ref().map(|many| many.0.iter().map(KnownRegion::as_str).collect())
    }
}

impl<R: AsRef<Offer>> Field<R> for Selection {
    fn read(value: Value, rules: &R) -> Result<Self, Fault> {
        let Value::Object(mut said) = value else {
            return Err(Fault::new("not_an_object", "must be an object"));
        };
        let selection = Self {
            tenants: take(&mut said, "tenants", rules)?,
            plans: take(&mut said, "plans", rules)?,
            regions: take(&mut said, "regions", rules)?,
        };
        match said.keys().next() {
            Some(unknown) => {
                Err(Fault::new("unknown_field", "is not a field of this request").inside(unknown))
            }
            None => Ok(selection),
        }
    }

    fn schema() -> Value {
        let list = |schema: Value, about: &str| {
            let mut schema = schema;
            schema["description"] = about.into();
            schema["type"] = json!(["array", "null"]);
            schema
        };
        json!({
            "type": "object", "additionalProperties": false,
            "properties": {
                "tenants": list(<Many<TenantName> as Field<R>>::schema(), "These tenants, by id or subdomain."),
                "plans": list(<Many<PlanName> as Field<R>>::schema(), "Those on one of these plans."),
                "regions": list(<Many<KnownRegion> as Field<R>>::schema(), "Those on clusters in one of these regions."),
            },
        })
    }
}

fn take<T: Field<R>, R>(said: &mut Map<String, Value>, name: &str, rules: &R) -> Result<Option<T>, Fault> {
    match said.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => T::read(value, rules)
            .map(Some)
            .map_err(|fault| Fault { steps: [vec![name.to_owned()], fault.steps].concat(), ..fault }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{http::request::Request, offer::sample};

    fn read(body: &Value) -> Result<NewRollout, String> {
        let read = NewRollout::of_body(body.to_string().as_bytes(), &sample());
        read.map_err(|problem| json!(problem.errors()).to_string())
    }

    #[test]
    fn a_release_is_enough_and_nobody_may_fail_then() {
        let rollout = read(&json!({ "n8n_version": "2.41.1" })).unwrap();
        assert_eq!(
            (rollout.version(), rollout.at_once(), rollout.may_fail()),
            (Version::new(2, 41, 1), 2, 0)
        );
        assert!(rollout.selection.is_none());
    }

    #[test]
    fn who_is_meant_is_kept_as_it_was_said() {
        let said = json!({ "tenants": ["acme", "ten_0198c0de0000700080000000000000aa"], "plans": ["pro"], "regions": ["ap-south"] });
        let rollout = read(
            &json!({ "n8n_version": "2.41.1", "selection": said, "concurrency": 20, "max_failures": 1000 }),
        )
        .unwrap();
        assert_eq!(rollout.selection.unwrap().as_asked(), said);
        let rollout = read(&json!({ "n8n_version": "2.41.1", "selection": { "plans": null } })).unwrap();
        assert_eq!(rollout.selection.unwrap().as_asked(), json!({}));
    }

    #[test]
    fn everything_that_is_wrong_has_its_place() {
        for (body, words) in [
            (json!({}), &["/n8n_version", "required"][..]),
            (
                json!({ "n8n_version": "2.41.1", "concurrency": 0 }),
                &["/concurrency", "out_of_range", "1 to 20"],
            ),
            (json!({ "n8n_version": "2.41.1", "max_failures": -1 }), &["/max_failures", "out_of_range"]),
            (json!({ "n8n_version": "2.41.1", "selection": "all" }), &["/selection", "not_an_object"]),
            (
                json!({ "n8n_version": "2.41.1", "selection": { "plan": ["pro"] } }),
                &["/selection/plan", "unknown_field"],
            ),
            (
                json!({ "n8n_version": "2.41.1", "selection": { "plans": [] } }),
                &["/selection/plans", "invalid_length"],
            ),
            (
                json!({ "n8n_version": "2.41.1", "selection": { "plans": ["pro", "gold"] } }),
                &["/selection/plans/1", "unknown_plan"],
            ),
            (
                json!({ "n8n_version": "2.41.1", "selection": { "tenants": [7] } }),
                &["/selection/tenants/0", "not_a_text"],
            ),
            (
                json!({ "n8n_version": "2.41.1", "selection": { "regions": ["x"] } }),
                &["/selection/regions/0", "unknown_region"],
            ),
        ] {
            let refused = read(&body).unwrap_err();
            assert!(words.iter().all(|word| refused.contains(word)), "{body}: {refused}");
        }
    }
}
