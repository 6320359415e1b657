//! What a cluster complies with.

use std::str::FromStr;

use common::tenant::is_compliance_tag;

/// Tags as tenants ask for them, such as `gdpr`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compliance(Vec<String>);

impl Compliance {
    /// Each of them.
    pub fn tags(&self) -> &[String] {
        &self.0
    }
}

impl FromStr for Compliance {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let tags: Vec<String> = text.split(',').map(|tag| tag.trim().to_owned()).collect();
        if tags.iter().all(|tag| is_compliance_tag(tag)) {
            Ok(Self(tags))
        } else {
            Err(
                "must be tags of 1 to 40 letters, digits, dots, hyphens and underscores, with commas between them",
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_what_the_api_takes() {
        assert_eq!("gdpr, ISO-27001".parse::<Compliance>().unwrap().tags(), ["gdpr", "ISO-27001"]);
        for bad in ["gdpr,", "a b", "gdpr;hipaa", ","] {
            assert!(bad.parse::<Compliance>().is_err(), "{bad:?}");
        }
    }
}
