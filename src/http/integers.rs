//! Integers in JSON. Some clients write every number with a decimal point, so 168.0 is accepted as an integer,
//! as JSON Schema has it.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserializer,
    de::{Error, Unexpected, Visitor},
};

/// 2^53: up to here every integer has an exact `f64`.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// Deserializes an optional integer; for `#[serde(deserialize_with)]`.
///
/// # Errors
/// When it is not a number, not an integer, or out of range.
pub fn optional<'de, D, N>(deserializer: D) -> Result<Option<N>, D::Error>
where
    D: Deserializer<'de>,
    N: TryFrom<i64> + TryFrom<u64>,
{
    deserializer.deserialize_option(Integer(PhantomData))
}

struct Integer<N>(PhantomData<N>);

impl<'de, N: TryFrom<i64> + TryFrom<u64>> Visitor<'de> for Integer<N> {
    type Value = Option<N>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a whole number")
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_i64(self)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        let wrong = |_| E::invalid_value(Unexpected::Signed(number), &self);
        N::try_from(number).map(Some).map_err(wrong)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        let wrong = |_| E::invalid_value(Unexpected::Unsigned(number), &self);
        N::try_from(number).map(Some).map_err(wrong)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        if number.fract() != 0.0 || number.abs() > EXACT_MAX {
            return Err(E::invalid_type(Unexpected::Float(number), &self));
        }
        self.visit_i64(number as i64)
    }
}
