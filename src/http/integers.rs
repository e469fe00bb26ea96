//! Integers in JSON. Some clients write every number with a decimal point, so 168.0 is accepted as an integer,
//! as JSON Schema has it.

use serde::{Deserialize, Deserializer, de::Error};

/// 2^53: up to here every integer has an exact `f64`. No `seq` and no lifetime comes near it.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// Deserializes an optional integer; for `#[serde(deserialize_with)]`.
///
/// # Errors
/// When it is not a number, not an integer, or out of range.
pub fn optional<'de, D, N>(deserializer: D) -> Result<Option<N>, D::Error>
where
    D: Deserializer<'de>,
    N: TryFrom<i64>,
{
    let integer = |number: f64| {
        let is_exact = number.fract() == 0.0 && number.abs() <= EXACT_MAX;
        let integer = is_exact.then(|| N::try_from(number as i64).ok()).flatten();
        integer.ok_or_else(|| D::Error::custom("not an integer in range"))
    };
    let number = Option::<f64>::deserialize(deserializer)?;
    number.map(integer).transpose()
}
