//! Which releases of n8n tenants may run.

use common::version::Version;

/// Those that the platform was tried with, in their order: each has a family of tables that is known (`n8n::schema`), and an upgrade from each to the
/// last is a part of the tests.
pub const N8N_VERSIONS: [Version; 2] = [Version::new(2, 40, 7), Version::new(2, 41, 1)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_in_their_order() {
        assert!(N8N_VERSIONS.is_sorted());
    }
}
