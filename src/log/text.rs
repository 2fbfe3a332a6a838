//! Numbers and bytes in text, each with one spelling.

use base64ct::{Base64, Encoding as _};

/// Standard base64 with its padding.
pub(super) fn base64(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

/// Reads [`base64`] back; no white space, and no bits set beyond the last byte. The decoder is as strict, and a test holds it
/// to that.
pub(super) fn from_base64(text: &str) -> Option<Vec<u8>> {
    Base64::decode_vec(text).ok()
}

/// Reads a decimal number back: no sign, no leading zero.
pub(super) fn from_decimal(text: &str) -> Option<u64> {
    text.parse::<u64>().ok().filter(|number| number.to_string() == text)
}

/// Whether a text has no ASCII control character besides the newline.
pub(super) fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte >= 0x20 || byte == b'\n')
}

#[cfg(test)]
mod tests {
    use super::{base64, from_base64, from_decimal};

    #[test]
    fn every_number_and_every_byte_string_has_one_text() {
        let number = |text: &str, expected: Option<u64>| assert_eq!(from_decimal(text), expected, "{text:?}");
        number("0", Some(0));
        number("18446744073709551615", Some(u64::MAX));
        for wrong in ["", "00", "01", "+1", "-1", " 1", "1 ", "1_0", "0x1", "١", "18446744073709551616"] {
            number(wrong, None);
        }
        let bytes = |text: &str, expected: Option<&[u8]>| {
            assert_eq!(from_base64(text).as_deref(), expected, "{text:?}");
        };
        bytes("", Some(b""));
        bytes("+/8=", Some(&[0xfb, 0xff]));
        for wrong in
            ["+/8", "+/9=", "+/8==", "-_8=", "+/8=\n", " +/8=", "+/8=AAAA", "A===", "AB==", "=", "===="]
        {
            bytes(wrong, None);
        }
        assert_eq!(base64(&[0xfb, 0xff]), "+/8=");
    }
}
