//! Fingerprints: a card's digest as people compare it, in words or in digits.
//!
//! ```text
//! fingerprint = the first 16 bytes of the card's digest
//! words       = for each byte, the word of that number in the list        sixteen words
//! digits      = the bytes as one big-endian number, in decimal            forty digits, zeros first, in groups of five
//! ```

use std::{fmt, str::FromStr};

use crate::{id::Digest, party::words::WORDS};

const BYTES: usize = 16;
const DIGITS: usize = 40;
const GROUP: usize = 5;

/// What two people compare to know that they mean the same card.
///
/// Words are for the telephone, digits for who shares no language with the other; both say all of it. One side reads,
/// the other compares, or types it in and [parses](Self::parse) it:
///
/// ```
/// use casevault::{crypto::Secret, party::{Fingerprint, Keyring, Role}};
///
/// let card = Keyring::from_seed(Secret::from_bytes([7; 32])).card(Role::Doctor);
/// let heard = card.fingerprint().words().to_uppercase().replace(' ', "-");
/// assert_eq!(Fingerprint::parse(&heard)?, card.fingerprint());
/// # Ok::<_, casevault::party::FingerprintError>(())
/// ```
///
/// # Security
/// 128 bits: nobody makes another card that has a given card's fingerprint. That holds for the whole of it: a card that
/// agrees in the first two words and the last is found in minutes, so compare every word, or every group.
///
/// Not promised: that who reads it out is who he says, or that nobody changes what the line carries; that the card is
/// attested, or its keys not stolen; that no one makes *two of his own* that agree, in some 2⁶⁴ trials. It has no check
/// sum: a word taken for another of the list makes another fingerprint. It is no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; BYTES]);

impl Fingerprint {
    /// The fingerprint of the card that has this digest.
    #[must_use]
    pub fn of(card: &Digest) -> Self {
        let mut bytes = [0; BYTES];
        bytes.iter_mut().zip(card.as_bytes()).for_each(|(byte, digest)| *byte = *digest);
        Self(bytes)
    }

    /// Sixteen words, with a space between.
    #[must_use]
    pub fn words(&self) -> String {
        let words: Vec<&str> =
            self.0.iter().filter_map(|byte| WORDS.get(usize::from(*byte)).copied()).collect();
        words.join(" ")
    }

    /// Forty digits, in eight groups of five.
    #[must_use]
    pub fn digits(&self) -> String {
        let mut grouped = String::with_capacity(DIGITS + DIGITS / GROUP);
        for (at, digit) in format!("{:0DIGITS$}", u128::from_be_bytes(self.0)).chars().enumerate() {
            if at > 0 && at.is_multiple_of(GROUP) {
                grouped.push(' ');
            }
            grouped.push(digit);
        }
        grouped
    }

    /// Reads [`Self::words`] or [`Self::digits`], or one after the other, as [`Display`](fmt::Display) has them.
    ///
    /// Capitals, and how many spaces, hyphens and line breaks stand between, do not matter.
    ///
    /// # Errors
    /// [`FingerprintError`] if it is neither, is not all of it, or words and digits disagree.
    pub fn parse(text: &str) -> Result<Self, FingerprintError> {
        let (mut bytes, mut number) = (Vec::with_capacity(BYTES), String::with_capacity(DIGITS));
        for part in text.split(is_between).filter(|part| !part.is_empty()) {
            if part.bytes().all(|symbol| symbol.is_ascii_digit()) {
                number.push_str(part);
            } else {
                bytes.push(byte_of(part).ok_or(FingerprintError::Word)?);
            }
            if bytes.len() > BYTES || number.len() > DIGITS {
                return Err(FingerprintError::Length);
            }
        }
        let said =
            (!bytes.is_empty()).then(|| bytes.try_into().or(Err(FingerprintError::Length))).transpose()?;
        let counted = (!number.is_empty()).then(|| bytes_of(&number)).transpose()?;
        match (said, counted) {
            (Some(said), Some(counted)) if said != counted => Err(FingerprintError::Torn),
            (Some(found), _) | (None, Some(found)) => Ok(Self(found)),
            (None, None) => Err(FingerprintError::Length),
        }
    }
}

/// What may stand between words or digits: spaces and line breaks, and every hyphen or dash that a keyboard makes of one.
fn is_between(symbol: char) -> bool {
    symbol.is_whitespace() || matches!(symbol, '-' | '\u{ad}' | '\u{2010}'..='\u{2015}')
}

fn byte_of(word: &str) -> Option<u8> {
    let at = WORDS.binary_search(&word.to_ascii_lowercase().as_str()).ok()?;
    u8::try_from(at).ok()
}

fn bytes_of(digits: &str) -> Result<[u8; BYTES], FingerprintError> {
    if digits.len() != DIGITS {
        return Err(FingerprintError::Length);
    }
    let number: u128 = digits.parse().or(Err(FingerprintError::Number))?;
    Ok(number.to_be_bytes())
}

/// The words on one line, the digits on the next.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.words(), self.digits())
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// Why a text is no fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FingerprintError {
    /// More or fewer words or digits.
    #[error("a fingerprint is sixteen words or forty digits: give all of it, and nothing else")]
    Length,
    /// Forty digits that are more than 128 bits.
    #[error("these digits are no fingerprint: compare them again, group by group")]
    Number,
    /// Words and digits of different cards.
    #[error("the words and the digits are of different fingerprints: ask for both again")]
    Torn,
    /// A word that stands in no fingerprint.
    #[error("one of these words stands in no fingerprint: compare them again, word by word")]
    Word,
}

impl FingerprintError {
    /// A name for it that stays.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Length => "fingerprint-length",
            Self::Number => "fingerprint-number",
            Self::Torn => "fingerprint-torn",
            Self::Word => "fingerprint-word",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Fingerprint, FingerprintError};
    use crate::id::Digest;

    /// Frozen: fingerprints stand on paper.
    #[test]
    fn a_digest_keeps_its_words_and_digits() {
        let card = Digest::from_bytes(
            *b"\x00\x01\x0f\x10\x2a\x3b\x47\x55\x80\x9c\xab\xb8\xcd\xde\xfe\xffafter sixteen\0\0\0",
        );
        let fingerprint = Fingerprint::of(&card);
        assert_eq!(
            fingerprint.words(),
            "acorn airport bamboo banjo chimney eagle filter gondola luggage osprey polygon recipe sprout thimble zigzag zodiac"
        );
        assert_eq!(fingerprint.digits(), "00000 05497 81372 32237 32029 04816 31101 58079");
        assert_eq!(fingerprint.to_string(), format!("{}\n{}", fingerprint.words(), fingerprint.digits()));
        let least = Fingerprint([0; 16]).digits();
        assert_eq!(least, ["00000"; 8].join(" "));
    }

    #[test]
    fn what_is_no_fingerprint_is_refused_and_told_why() {
        let check = |text: &str, expected: &str| {
            assert_eq!(Fingerprint::parse(text).map_err(FingerprintError::code), Err(expected), "{text:?}");
        };
        let (words, digits) = (["acorn"; 16].join(" "), "0".repeat(40));
        check("", "fingerprint-length");
        check(" - \n", "fingerprint-length");
        check(&["acorn"; 15].join(" "), "fingerprint-length");
        check(&["acorn"; 17].join(" "), "fingerprint-length");
        check(&"0".repeat(39), "fingerprint-length");
        check(&"0".repeat(41), "fingerprint-length");
        check(&format!("{words} 00000"), "fingerprint-length");
        check(&format!("{digits} acorn"), "fingerprint-length");
        check(&"9".repeat(40), "fingerprint-number");
        check("0340282366920938463463374607431768211456", "fingerprint-number");
        check(&format!("{words} {}1", "0".repeat(39)), "fingerprint-torn");
        check("acor", "fingerprint-word");
        check("acorn, airport", "fingerprint-word");
        check(&"٠".repeat(40), "fingerprint-word");
        assert_eq!(
            Fingerprint::parse("0340282366920938463463374607431768211455"),
            Ok(Fingerprint([255; 16]))
        );
    }

    proptest! {
        #[test]
        fn words_and_digits_are_read_back_however_they_are_written(bytes: [u8; 16], between in "[ \t\r\n\u{2011}-]{1,3}") {
            let fingerprint = Fingerprint(bytes);
            for written in [fingerprint.words(), fingerprint.digits(), fingerprint.to_string()] {
                prop_assert_eq!(Fingerprint::parse(&written), Ok(fingerprint));
                let other = written.to_uppercase().replace(' ', &between);
                prop_assert_eq!(other.parse(), Ok(fingerprint));
            }
            prop_assert_eq!(Fingerprint::parse(&fingerprint.digits().replace(' ', "")), Ok(fingerprint));
        }

        #[test]
        fn every_text_is_read_or_refused(text in ".{0,400}") {
            let _read = Fingerprint::parse(&text);
        }

        #[test]
        fn one_bit_changes_words_and_digits(bytes: [u8; 16], bit in 0usize..128) {
            let mut other = bytes;
            other[bit / 8] ^= 1 << (bit % 8);
            let (one, other) = (Fingerprint(bytes), Fingerprint(other));
            prop_assert!(one.words() != other.words() && one.digits() != other.digits());
        }
    }
}
