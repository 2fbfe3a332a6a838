//! Padmé: lengths rounded up so that they tell little.

use crate::limits::PADDED_BYTES_MIN;

/// The length a plaintext of so many bytes is padded to.
///
/// At most 12 % longer; a length then tells O(log log n) bits. From: Nikitin et al., *Reducing Metadata Leakage from
/// Encrypted Files and Communication with PURBs* (2019), §4. Never shorter than [`PADDED_BYTES_MIN`].
#[must_use]
pub fn padded_length(length: usize) -> usize {
    let length = length.max(PADDED_BYTES_MIN);
    let exponent = length.ilog2();
    let mantissa = exponent.ilog2().saturating_add(1);
    let mask = (1usize << exponent.saturating_sub(mantissa)).saturating_sub(1);
    length.saturating_add(mask) & !mask
}

#[cfg(test)]
mod tests {
    use super::padded_length;

    #[test]
    fn padding_costs_at_most_an_eighth_and_never_shortens() {
        for length in 0..200_000 {
            let padded = padded_length(length);
            assert!(padded >= length.max(256));
            assert!(padded <= length.max(256) * 9 / 8, "{length} became {padded}");
            assert_eq!(padded_length(padded), padded);
        }
    }
}
