//! A call as it came, without what belongs to the connection that it came on.

use bytes::Bytes;
use edge::Host;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};

/// Of one connection, or made anew by whoever sends a call on (RFC 9110, 7.6.1).
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::HOST,
    header::PROXY_AUTHENTICATE,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// What the edge writes, and would write again.
const BY_THE_EDGE: [&str; 3] = ["x-forwarded-", "x-real-ip", "x-rp9-"];

/// A call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub host: Host,
    pub method: Method,
    /// Path and query, as they came.
    pub target: String,
    pub headers: Headers,
    pub body: Bytes,
}

/// Names and values in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Headers(pub Vec<(String, Vec<u8>)>);

impl Call {
    /// The order of calls is kept for each of these.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }
}

impl Headers {
    /// Without what belongs to the connection, and without what the edge says.
    pub fn of(headers: &HeaderMap) -> Self {
        let dropped = |name: &HeaderName| {
            HOP_BY_HOP.contains(name) || BY_THE_EDGE.iter().any(|begin| name.as_str().starts_with(begin))
        };
        let kept = headers.iter().filter(|(name, _)| !dropped(name));
        Self(kept.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect())
    }

    /// As they are sent on.
    pub fn to_map(&self) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in &self.0 {
            if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_bytes(value)) {
                map.append(name, value);
            }
        }
        map
    }
}

/// The host that a request is for, without the port that callers may write.
pub fn host_of(headers: &HeaderMap, uri: &Uri) -> Option<Host> {
    let written = headers.get(header::HOST).and_then(|value| value.to_str().ok()).or_else(|| uri.host())?;
    let host = written.rsplit_once(':').map_or(written, |(host, _)| host);
    // The same name, written as a whole one.
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_the_connection_is_left_behind() {
        let mut came = HeaderMap::new();
        for (name, value) in [
            ("host", "acme.localhost"),
            ("connection", "keep-alive"),
            ("content-length", "3"),
            ("x-forwarded-for", "203.0.113.7"),
            ("x-rp9-route", "forged"),
            ("authorization", "Basic abc"),
            ("x-hub-signature-256", "sha256=1"),
        ] {
            came.append(name, value.parse().unwrap());
        }
        came.append("x-twice", "a".parse().unwrap());
        came.append("x-twice", HeaderValue::from_bytes(b"\xe9").unwrap());
        let kept = Headers::of(&came);
        let names: Vec<_> = kept.0.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["authorization", "x-hub-signature-256", "x-twice", "x-twice"]);
        assert_eq!(kept.to_map().get_all("x-twice").iter().nth(1).unwrap().as_bytes(), b"\xe9");
    }

    #[test]
    fn a_host_is_read_without_its_port() {
        let host = |text: &str| {
            let headers = HeaderMap::from_iter([(header::HOST, text.parse().unwrap())]);
            host_of(&headers, &Uri::from_static("/webhook/x")).map(|host| host.to_string())
        };
        assert_eq!(host("ACME.localhost:8000").as_deref(), Some("acme.localhost"));
        assert_eq!(host("acme.localhost").as_deref(), Some("acme.localhost"));
        assert_eq!(host("acme.localhost.:80").as_deref(), Some("acme.localhost"));
        assert_eq!(host("a b"), None);
    }
}
