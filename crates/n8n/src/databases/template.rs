//! What the database that tenants of a version are cloned from is called.

use crate::Version;

/// What every template's name begins with.
const PREFIX: &str = "n8n_template_";

/// The database that tenants of this version are cloned from, and the role that owns what is in it.
pub fn template_name(version: Version) -> String {
    format!("{PREFIX}{}", version.to_string().replace('.', "_"))
}

/// The version whose template has this name.
pub fn version_of_template(name: &str) -> Option<Version> {
    let version = name.strip_prefix(PREFIX)?.replace('_', ".").parse().ok()?;
    (template_name(version) == name).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_name_leads_back_to_its_version() {
        let version = Version::new(2, 41, 1);
        assert_eq!(template_name(version), "n8n_template_2_41_1");
        assert_eq!(version_of_template("n8n_template_2_41_1"), Some(version));
        for name in ["n8n_template_", "n8n_template_2.41.1", "n8n_template_2_41", "template_2_41_1"] {
            assert_eq!(version_of_template(name), None, "{name}");
        }
    }
}
