//! Why nobody answered.

use std::{error::Error, fmt, io, iter};

/// There was no answer, or half of one.
#[derive(Debug, Clone)]
pub struct Unreachable {
    /// The last of the causes: the one that says something.
    reason: String,
    /// It will be so again: the other side cannot prove who it is, or the request cannot be sent at all.
    lasting: bool,
    /// It is certain that the request did not arrive.
    unsent: bool,
}

impl Unreachable {
    /// What an error of the client's means.
    pub fn of(error: &reqwest::Error) -> Self {
        let deepest = causes(error).last().map_or_else(|| error.to_string(), ToString::to_string);
        let reason = if error.is_timeout() { "no answer in time".to_owned() } else { deepest };
        let lasting = error.is_builder() || causes(error).any(is_of_tls);
        Self { reason, lasting, unsent: error.is_connect() || error.is_builder() }
    }

    /// Whether trying again may help.
    pub fn is_passing(&self) -> bool {
        !self.lasting
    }

    /// Whether it is certain that nothing arrived.
    pub fn is_unsent(&self) -> bool {
        self.unsent
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

/// An error and what is behind it.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

/// TLS's errors travel inside of `io::Error`, which hands out its own source instead of itself.
fn is_of_tls(error: &(dyn Error + 'static)) -> bool {
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.is::<rustls::Error>() || inner.is_some_and(|inner| inner.is::<rustls::Error>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strange_certificate_is_told_from_a_network_that_is_down() {
        let tls = io::Error::other(rustls::Error::DecryptError);
        assert!(is_of_tls(&tls));
        assert!(!is_of_tls(&io::Error::from(io::ErrorKind::ConnectionRefused)));
    }
}
