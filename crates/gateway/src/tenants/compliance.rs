//! What a tenant's cluster must comply with.

use common::tenant::compliance_tag;
use serde_json::{Value, json};

use crate::http::fields::{Fault, Field};

/// What the customer must comply with, such as `gdpr` or `HIPAA`; capitals mean the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compliance(Vec<String>);

impl Compliance {
    const MAX_TAGS: usize = 16;

    /// Each tag once, in the order they were given.
    pub fn tags(&self) -> &[String] {
        &self.0
    }
}

impl<R> Field<R> for Compliance {
    const REQUIRED: bool = false;

    fn read(value: Value, _: &R) -> Result<Self, Fault> {
        let Value::Array(items) = value else {
            return Err(Fault::new("not_a_list", "must be a list of texts"));
        };
        if items.len() > Self::MAX_TAGS {
            return Err(Fault::new("too_many", format!("may hold at most {} tags", Self::MAX_TAGS)));
        }
        let mut tags = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            let fault = "must be 1 to 40 letters, digits, dots, hyphens and underscores";
            let tag = item.as_str().and_then(compliance_tag);
            let tag = tag.ok_or_else(|| Fault::new("invalid_tag", fault).inside(index))?;
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        Ok(Self(tags))
    }

    fn absent(_: &R) -> Result<Self, Fault> {
        Ok(Self::default())
    }

    fn schema() -> Value {
        let tag = json!({ "type": "string", "pattern": "^[A-Za-z0-9._-]{1,40}$" });
        json!({ "type": "array", "items": tag, "maxItems": Self::MAX_TAGS })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_short_words_in_small_letters_and_kept_once() {
        let compliance = |value| Compliance::read(value, &());
        assert_eq!(compliance(json!(["gdpr", "HIPAA", "GDPR"])).unwrap().tags(), ["gdpr", "hipaa"]);
        assert_eq!(compliance(json!(["ok", 7])).unwrap_err().steps, ["1"]);
        for bad in [json!("gdpr"), json!(["a b"]), json!([""]), json!(vec!["x"; 17]), json!({})] {
            assert!(compliance(bad.clone()).is_err(), "{bad}");
        }
    }
}
