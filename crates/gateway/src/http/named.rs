//! What a path names, in the words of whoever asked: kept of what is refused, where nothing may have been found.

/// The part of the path that stands for the hole in its route.
pub fn named<'a>(route: &str, path: &'a str) -> Option<&'a str> {
    let mut parts = route.split('/').zip(path.split('/'));
    parts.find(|(part, _)| part.starts_with('{')).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_fills_a_hole_is_a_name() {
        assert_eq!(named("/tenants/{id}", "/tenants/acme"), Some("acme"));
        assert_eq!(named("/schedules/{name}/pause", "/schedules/retention/pause"), Some("retention"));
        assert_eq!(named("/tenants", "/tenants"), None);
        assert_eq!(named("unknown", "/tenants/acme"), None);
    }
}
