//! Fields of what is there already.

use serde_json::Value;

use crate::http::fields::{Fault, Field};

/// A field that stays as it is when it is absent. `null` makes it what it is for one that was made without it, where one can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patched<T>(Option<T>);

impl<T> Patched<T> {
    /// What it is to be, if anything is said about it.
    pub const fn wanted(&self) -> Option<&T> {
        self.0.as_ref()
    }
}

impl<T: Field<R>, R> Field<R> for Patched<T> {
    const REQUIRED: bool = false;
    const NULLABLE: bool = !T::REQUIRED;

    fn read(value: Value, rules: &R) -> Result<Self, Fault> {
        T::read(value, rules).map(|value| Self(Some(value)))
    }

    fn absent(_: &R) -> Result<Self, Fault> {
        Ok(Self(None))
    }

    fn null(rules: &R) -> Result<Self, Fault> {
        T::absent(rules).map(|value| Self(Some(value)))
    }

    fn schema() -> Value {
        T::schema()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        http::fields::Fields,
        tenants::words::{Name, Reason},
    };

    type Read = Result<Patched<Name>, Fault>;

    #[test]
    fn nothing_leaves_it_and_null_takes_it_away_where_that_can_be() {
        let absent: Read = Field::absent(&());
        assert_eq!(absent.unwrap().wanted(), None);
        let null: Read = Field::null(&());
        assert_eq!(null.unwrap_err().code, "required");
        let null: Patched<Option<Reason>> = Field::null(&()).unwrap();
        assert_eq!(null.wanted(), Some(&None));
        const { assert!(!<Patched<Name> as Field>::NULLABLE && <Patched<Option<Name>> as Field>::NULLABLE) };
    }

    #[test]
    fn what_is_so_already_is_passed_over_whatever_it_is() {
        let mut fields = Fields::of_body(br#"{"a":"\u0000","b":null,"c":"\u0000"}"#).unwrap();
        fields.pass_over("a", "\0");
        fields.pass_over("b", None::<&str>);
        fields.pass_over("c", "x");
        let read: [Option<Patched<Name>>; 3] = ["a", "b", "c"].map(|name| fields.take(name, &()));
        assert_eq!(read.map(|field| field.is_some()), [true, true, false]);
    }
}
