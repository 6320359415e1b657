//! How large a request's headers may be.
//!
//! The parser would end the connection with a bare status. So it takes more than we do, and whoever merely sends too much is told why
//! like everybody else; only what is far too much, or not HTTP at all, meets the parser's own words.

use http::HeaderMap;

use crate::problem::{Code, Problem};

const COUNT: usize = 64;
const BYTES: usize = 16 * 1024;

/// What the parser takes; the bytes hold the request line too. Every connection can make us keep so much.
pub const PARSED_COUNT: usize = 2 * COUNT;
pub const PARSED_BYTES: usize = BYTES + BYTES / 2;

/// Refuses headers that are too many or too long.
pub fn check(headers: &HeaderMap) -> Result<(), Problem> {
    // As they are sent: with a colon, a space and the line's end.
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if headers.len() > COUNT || bytes > BYTES {
        return Err(Problem::new(Code::HeadersTooLarge)
            .detail(format!("A request has at most {COUNT} headers of {} kB together.", BYTES / 1024)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(count: usize, length: usize) -> HeaderMap {
        let value = HeaderValue::from_str(&"v".repeat(length)).unwrap();
        let name = |n: usize| HeaderName::from_bytes(format!("x-{n:02}").as_bytes()).unwrap();
        (0..count).map(|n| (name(n), value.clone())).collect()
    }

    #[test]
    fn headers_are_counted_and_measured_as_they_are_sent() {
        assert!(check(&headers(COUNT, 1)).is_ok());
        assert!(check(&headers(COUNT + 1, 1)).is_err());
        assert!(check(&headers(1, BYTES - 8)).is_ok());
        assert!(check(&headers(1, BYTES - 7)).is_err());
        // The same name twice is two headers.
        let mut twice = headers(COUNT, 1);
        twice.append("x-00", HeaderValue::from_static("v"));
        assert!(check(&twice).is_err());
    }
}
