//! Where an n8n answers that somebody else runs.

use reqwest::Url;

/// `http` or `https`, a host, a port if it is not the usual one, and a path, which ends with a slash and which whoever is there takes away: the n8n
/// itself has none.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ExternalUrl(String);

common::parsed_text!(ExternalUrl);

/// A text that is no such address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be http(s)://<host>, with a port and a path if it has them, and nothing else")]
pub struct ExternalUrlError;

impl ExternalUrl {
    /// As requests are made with it.
    pub fn url(&self) -> Option<Url> {
        Url::parse(&self.0).ok()
    }

    /// Whether something comes before the n8n's own paths.
    pub(crate) fn has_path(&self) -> bool {
        self.url().is_some_and(|url| url.path() != "/")
    }
}

impl std::str::FromStr for ExternalUrl {
    type Err = ExternalUrlError;

    fn from_str(text: &str) -> Result<Self, ExternalUrlError> {
        let mut url = Url::parse(text).map_err(|_| ExternalUrlError)?;
        let bare = url.username().is_empty() && url.password().is_none();
        let bare = bare && url.query().is_none() && url.fragment().is_none();
        let host = url.host_str().is_some_and(|host| !host.is_empty());
        if !(bare && host && ["http", "https"].contains(&url.scheme())) {
            return Err(ExternalUrlError);
        }
        let path = format!("{}/", url.path().trim_end_matches('/'));
        url.set_path(&path);
        Ok(Self(url.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_spelling_whoever_writes_it() {
        for (text, spelled) in [
            ("http://10.0.0.5:5678", "http://10.0.0.5:5678/"),
            ("https://n8n.example.com", "https://n8n.example.com/"),
            ("https://N8N.example.com:443/", "https://n8n.example.com/"),
            ("https://example.com:8443/flows/n8n", "https://example.com:8443/flows/n8n/"),
            ("http://[fd00::3]:5678/", "http://[fd00::3]:5678/"),
        ] {
            let url: ExternalUrl = text.parse().unwrap();
            assert_eq!((url.as_str(), url.has_path()), (spelled, spelled.matches('/').count() > 3));
        }
    }

    #[test]
    fn what_is_more_than_an_address_is_none() {
        let hostile = [
            "",
            "n8n.example.com",
            "ftp://n8n.example.com",
            "mailto:somebody@example.com",
            "https://",
            "https://user:secret@n8n.example.com",
            "https://n8n.example.com/?key=secret",
            "https://n8n.example.com/#part",
            "https://n8n example.com",
            "https://n8n.example.com:99999",
        ];
        for text in hostile {
            assert_eq!(text.parse::<ExternalUrl>(), Err(ExternalUrlError), "{text:?}");
        }
    }
}
