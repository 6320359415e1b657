//! What is asked for with a new API key.

use common::id::TenantId;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::{
    auth::{KeyScope, Role},
    http::cursor::Page,
    http::{
        fields::{Fault, Field, Text},
        one_of::OneOf,
        request::request,
    },
    tenants::words::Name,
    vocabulary,
};

request! {
    /// A key to be made. It never may more than whoever makes it.
    pub struct NewKey: Request {
        /// What people call it; the audit log does too.
        #[example = "Portal"]
        name: Name,
        /// `admin`, `operator`, `service` or `owner`: your own, or one that may less.
        #[example = "service"]
        role: Role,
        /// The tenants that exist for an `owner`'s key: 1 to 100 ids. Keys of other roles have none.
        tenants: Option<Many<TenantId>>,
        /// What it may do. When absent all that you may, but for `keys:write`.
        #[example = ["tenants:read", "operations:read"]]
        scopes: Option<Many<KeyScope>>,
        /// When it ends (RFC 3339): within 366 days, and not after your own key. When absent as late as can be.
        expires_at: Option<OffsetDateTime>,
    }
}

request! {
    /// Which keys to list.
    pub struct KeysQuery: Request {
        /// `active`, `expired` or `revoked`.
        state: Option<OneOf<vocabulary::KeyState>>,
        ..page: Page,
    }
}

/// A list of different things, and not an empty one.
#[derive(Debug)]
pub struct Many<T>(pub Vec<T>);

const MOST: usize = 100;

impl<T: Field<R> + PartialEq, R> Field<R> for Many<T> {
    fn read(value: Value, rules: &R) -> Result<Self, Fault> {
        let Value::Array(items) = value else {
            return Err(Fault::new("not_a_list", "must be a list of texts"));
        };
        if !(1..=MOST).contains(&items.len()) {
            return Err(Fault::new("invalid_length", format!("must hold 1 to {MOST} texts")));
        }
        let mut many = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            let read = T::read(item, rules).map_err(|fault| fault.inside(index))?;
            if !many.contains(&read) {
                many.push(read);
            }
        }
        Ok(Self(many))
    }

    fn schema() -> Value {
        json!({ "type": "array", "items": T::schema(), "minItems": 1, "maxItems": MOST })
    }
}

impl Text for TenantId {
    fn parse(text: &str) -> Result<Self, Fault> {
        text.parse().map_err(|error| Fault::new("invalid_id", error))
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^ten_[0-9a-f]{32}$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_holds_something_and_each_thing_once() {
        let read = |value| <Many<KeyScope> as Field>::read(value, &()).map(|many| many.0);
        let twice = json!(["tenants:read", "tenants:read"]);
        assert_eq!(read(twice).unwrap(), [KeyScope::TenantsRead]);
        assert_eq!(read(json!(["tenants:read", "x"])).unwrap_err().steps, ["1"]);
        for bad in [json!([]), json!("tenants:read"), json!([7]), json!(vec!["tenants:read"; 101]), json!({})]
        {
            assert!(read(bad.clone()).is_err(), "{bad}");
        }
    }
}
