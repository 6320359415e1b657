//! What a cluster complies with.

use std::str::FromStr;

use common::tenant::compliance_tag;

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
        let fault = "must be tags of 1 to 40 letters, digits, dots, hyphens and underscores, with commas between them";
        let tags = text.split(',').map(|tag| compliance_tag(tag.trim()).ok_or(fault));
        Ok(Self(tags.collect::<Result<_, _>>()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_as_the_api_reads_them() {
        assert_eq!("gdpr, ISO-27001".parse::<Compliance>().unwrap().tags(), ["gdpr", "iso-27001"]);
        for bad in ["gdpr,", "a b", "gdpr;hipaa", ","] {
            assert!(bad.parse::<Compliance>().is_err(), "{bad:?}");
        }
    }
}
