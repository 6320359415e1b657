//! Where the platform itself reaches the n8ns that tenants share.

use common::id::TenantId;
use reqwest::Url;

/// The edge's entrypoint `inner`: the public API of each n8n that tenants share, below the instance's id, and nothing else. The platform has no
/// network in common with these n8ns; the edge has one with each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inner(Url);

/// A text that is not the address of an entrypoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be http(s)://<host>, with a port and a path if it has them")]
pub struct InnerError;

impl Inner {
    /// What the paths of this n8n's API follow.
    pub fn address_of(&self, instance: TenantId) -> Url {
        let mut address = self.0.clone();
        address.set_path(&format!("{}{}", address.path().trim_end_matches('/'), path_of(instance)));
        address
    }
}

/// What the entrypoint takes for this n8n, and takes away again.
pub(crate) fn path_of(instance: TenantId) -> String {
    format!("/{instance}")
}

impl std::str::FromStr for Inner {
    type Err = InnerError;

    fn from_str(text: &str) -> Result<Self, InnerError> {
        let url = Url::parse(text).map_err(|_| InnerError)?;
        let bare = url.username().is_empty() && url.password().is_none();
        let bare = bare && url.query().is_none() && url.fragment().is_none();
        if bare && ["http", "https"].contains(&url.scheme()) { Ok(Self(url)) } else { Err(InnerError) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_n8n_is_below_the_entrypoint_wherever_that_is() {
        let instance: TenantId = "ten_0000000000000000000000000000000a".parse().unwrap();
        for (base, address) in [
            ("http://traefik:8002", "http://traefik:8002/ten_0000000000000000000000000000000a"),
            ("http://10.0.0.1:8002/", "http://10.0.0.1:8002/ten_0000000000000000000000000000000a"),
            ("https://edge.example/a/b/", "https://edge.example/a/b/ten_0000000000000000000000000000000a"),
        ] {
            let inner: Inner = base.parse().unwrap();
            assert_eq!(inner.address_of(instance).as_str(), address);
        }
    }

    #[test]
    fn what_has_no_room_for_a_path_is_no_entrypoint() {
        let hostile = [
            "",
            "traefik:8002",
            "mailto:a@b",
            "ftp://traefik",
            "http://",
            "http://u:p@traefik",
            "http://traefik?x",
            "http://traefik#x",
        ];
        for text in hostile {
            assert_eq!(text.parse::<Inner>(), Err(InnerError), "{text:?}");
        }
    }
}
