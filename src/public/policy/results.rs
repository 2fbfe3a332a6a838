//! Results of tests, told by the clinical bin they lie in.

use minicbor::{Decode, Encode};

/// A test whose results enter, and the bins they are told by.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
#[non_exhaustive]
pub struct ResultRule {
    /// Its LOINC code.
    #[n(0)]
    pub loinc: String,
    /// What it is called.
    #[n(1)]
    pub name: String,
    /// The unit that a result must be in, by its code in UCUM: another one does not enter.
    #[n(2)]
    pub unit: String,
    /// Where one bin ends and the next begins, in millionths of the unit, rising: the bound belongs to the upper bin.
    #[n(3)]
    pub bounds: Vec<i64>,
    /// What the bins are called: one more than bounds.
    #[n(4)]
    pub bins: Vec<String>,
}

impl ResultRule {
    /// The bin of a result, as its number.
    #[must_use]
    pub fn bin_of(&self, micros: i64) -> u8 {
        u8::try_from(self.bounds.partition_point(|bound| *bound <= micros)).unwrap_or(u8::MAX)
    }
}

/// The most digits a number is read with.
const DIGITS_MAX: usize = 24;

/// A decimal number as it is written (`7.0`, `-1.5e3`), in millionths, rounded down.
///
/// However one number is written, this is the same; none if it is no number, or too large or too long to be a result.
#[must_use]
pub fn micros(text: &str) -> Option<i64> {
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (is_negative, digits) = number.strip_prefix('-').map_or((false, number), |unsigned| (true, unsigned));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(part) || whole.len().checked_add(part.len())? > DIGITS_MAX {
        return None;
    }
    let sized: i128 = [whole, part].concat().parse().ok()?;
    let signed = if is_negative { sized.checked_neg()? } else { sized };
    let places = exponent.checked_sub(i32::try_from(part.len()).ok()?)?.checked_add(6)?;
    let power = |places: u32| 10i128.checked_pow(places);
    let micros = match u32::try_from(places) {
        Ok(_) if signed == 0 => 0,
        Ok(places) => signed.checked_mul(power(places)?)?,
        // Of what is smaller than all digits together, only the sign is left.
        Err(_) => match power(places.unsigned_abs()) {
            Some(power) => signed.div_euclid(power),
            None => signed.signum().min(0),
        },
    };
    i64::try_from(micros).ok()
}

#[cfg(test)]
mod tests {
    use super::micros;

    #[test]
    fn a_number_is_what_it_is_however_it_is_written() {
        for same in ["7", "7.0", "7.000", "70e-1", "0.7E1", "0.07e+2", "07"] {
            assert_eq!(micros(same), Some(7_000_000), "{same}");
        }
        for (text, value) in [
            ("0", 0),
            ("-0", 0),
            ("0e99", 0),
            ("1e-7", 0),
            ("-1e-7", -1),
            ("-1e-99", -1),
            ("1e-999999999", 0),
            ("6.4999999", 6_499_999),
            ("-2.5", -2_500_000),
        ] {
            assert_eq!(micros(text), Some(value), "{text}");
        }
        for none in ["", "-", ".5", "5.", "1e", "0x1", "NaN", "1e30", "١", "1 ", "+1", "9223372036854775807"]
        {
            assert_eq!(micros(none), None, "{none}");
        }
    }
}
