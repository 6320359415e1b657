//! Whole numbers within bounds that are known beforehand.

use serde_json::{Value, json};

use super::fields::{Fault, Field};

/// One from `LEAST` to `MOST`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whole<const LEAST: i32, const MOST: i32>(i32);

impl<const LEAST: i32, const MOST: i32> Whole<LEAST, MOST> {
    /// The number itself.
    pub const fn get(self) -> i32 {
        self.0
    }
}

impl<const LEAST: i32, const MOST: i32, R> Field<R> for Whole<LEAST, MOST> {
    fn read(value: Value, _: &R) -> Result<Self, Fault> {
        // `2.0` is a whole number too.
        let whole =
            |number: &f64| number.fract() == 0.0 && (f64::from(LEAST)..=f64::from(MOST)).contains(number);
        let fault = || Fault::new("out_of_range", format!("must be a whole number from {LEAST} to {MOST}"));
        value.as_f64().filter(whole).map(|number| Self(number as i32)).ok_or_else(fault)
    }

    fn schema() -> Value {
        json!({ "type": "integer", "format": "int32", "minimum": LEAST, "maximum": MOST })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_whole_number_within_the_bounds_is_refused() {
        let read = |value| <Whole<0, 20> as Field>::read(value, &()).map(Whole::get);
        assert_eq!([read(json!(0)), read(json!(20.0)), read(json!(7))], [Ok(0), Ok(20), Ok(7)]);
        for bad in [json!(-1), json!(21), json!(1.5), json!("7"), json!(1e300), json!([1]), json!(true)] {
            assert_eq!(read(bad.clone()).unwrap_err().code, "out_of_range", "{bad}");
        }
    }
}
