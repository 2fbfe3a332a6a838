//! Text that a browser shows, and never takes for anything else.

use std::fmt::Write as _;

use crate::{report::rows::moment, time::Timestamp};

/// A text, as it stands between tags and in attributes. What cannot be seen, or turns the reading direction, is not passed on.
pub(super) fn escape(text: &str) -> String {
    let mut said = String::with_capacity(text.len());
    for symbol in text.chars() {
        match symbol {
            '&' => said.push_str("&amp;"),
            '<' => said.push_str("&lt;"),
            '>' => said.push_str("&gt;"),
            '"' => said.push_str("&quot;"),
            '\'' => said.push_str("&#39;"),
            '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}' => {
                said.push('\u{fffd}');
            }
            _ if symbol.is_control() => said.push('\u{fffd}'),
            _ => said.push(symbol),
        }
    }
    said
}

/// A number with its thousands apart, for people, and as it is for programs.
pub(super) fn number(number: u64) -> String {
    format!("<data value=\"{number}\">{}</data>", grouped(number))
}

/// A number with its thousands apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut said = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            said.push(',');
        }
        said.push(digit);
    }
    said
}

/// The beginning of an id; the whole of it where a pointer rests.
pub(super) fn handle(id: &str) -> String {
    let short: String = id.chars().take(16).collect();
    format!("<code title=\"{}\">{}</code>", escape(id), escape(&short))
}

/// What stands before the colon, and a handle of what stands behind it.
pub(super) fn named(name: &str) -> String {
    match name.split_once(':') {
        Some((kind, id)) => {
            let mut said = String::new();
            let short: String = id.chars().take(16).collect();
            // Writing to a string does not fail.
            let _written =
                write!(said, "<code title=\"{}\">{}:{}</code>", escape(name), escape(kind), escape(&short));
            said
        }
        None => escape(name),
    }
}

/// A moment to the minute.
pub(super) fn time(at: Timestamp) -> String {
    let exact = moment(at);
    let day = exact.get(..10).unwrap_or_default();
    let minute = exact.get(11..16).unwrap_or_default();
    format!("<time datetime=\"{exact}\">{day} {minute}</time>")
}

/// A moment to the day, as plain text.
pub(super) fn day(at: Timestamp) -> String {
    moment(at).get(..10).unwrap_or_default().to_owned()
}

/// A moment to the minute, as plain text.
pub(super) fn minute(at: Timestamp) -> String {
    let exact = moment(at);
    format!("{} {}", exact.get(..10).unwrap_or_default(), exact.get(11..16).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_a_text() {
        for (text, said) in [
            ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
            ("\" onload=\"x", "&quot; onload=&quot;x"),
            ("' &amp;", "&#39; &amp;amp;"),
            ("a\u{202e}b\u{2066}c\u{200f}d\u{feff}", "a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}"),
            ("a\0b\n", "a\u{fffd}b\u{fffd}"),
            ("病例", "病例"),
        ] {
            assert_eq!(escape(text), said);
        }
        assert_eq!(named("<b>:<i>"), "<code title=\"&lt;b&gt;:&lt;i&gt;\">&lt;b&gt;:&lt;i&gt;</code>");
        assert_eq!(handle("\"<"), "<code title=\"&quot;&lt;\">&quot;&lt;</code>");
    }

    #[test]
    fn thousands_stand_apart() {
        for (of, said) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_001_629, "1,001,629")] {
            assert_eq!(grouped(of), said);
        }
        assert_eq!(grouped(u64::MAX), "18,446,744,073,709,551,615");
    }
}
