//! Cards in text, as people send them to each other.
//!
//! ```text
//! card in text = "-----BEGIN CASEVAULT CARD-----" lines of 64 of base64(card) "-----END CASEVAULT CARD-----"
//! ```

use base64ct::{Base64, Encoding as _};

use crate::{
    codec::{self, Malformed, Wire as _},
    party::Card,
};

const BEGIN: &str = "-----BEGIN CASEVAULT CARD-----";
const END: &str = "-----END CASEVAULT CARD-----";
const LINE: usize = 64;

impl Card {
    /// The longest text that is read, in bytes: a card, and what a mail puts around it.
    pub const TEXT_BYTES_MAX: usize = 16 * 1024;

    /// The card as text, to be sent by mail or put into a file; it holds nothing secret.
    #[must_use]
    pub fn to_text(&self) -> String {
        let spelled = Base64::encode_string(&codec::encode(self));
        let mut text = format!("{BEGIN}\n");
        for (at, symbol) in spelled.chars().enumerate() {
            if at > 0 && at.is_multiple_of(LINE) {
                text.push('\n');
            }
            text.push(symbol);
        }
        text.push_str(&format!("\n{END}\n"));
        text
    }

    /// Reads [`Self::to_text`] back. What stands before and after, spaces at the ends of lines, and how long lines are, do not
    /// matter.
    ///
    /// # Errors
    /// [`Malformed`] if there is no card in it, more than one, or one that did not sign itself.
    ///
    /// # Security
    /// It is a card; whose, its fingerprint tells.
    pub fn from_text(text: &str) -> Result<Self, Malformed> {
        let wrong = Malformed(Self::NAME);
        if text.len() > Self::TEXT_BYTES_MAX {
            return Err(wrong);
        }
        let (_, rest) = text.split_once(BEGIN).ok_or(wrong)?;
        let (body, rest) = rest.split_once(END).ok_or(wrong)?;
        if rest.contains(BEGIN) {
            return Err(wrong);
        }
        let spelled: String = body.chars().filter(|symbol| !symbol.is_ascii_whitespace()).collect();
        codec::decode(&Base64::decode_vec(&spelled).or(Err(wrong))?)
    }
}

#[cfg(test)]
mod tests {
    use base64ct::{Base64, Encoding as _};

    use super::{BEGIN, END};
    use crate::{
        codec::{self, Malformed},
        crypto::Secret,
        party::{Card, Keyring, Role},
    };

    #[test]
    fn a_card_is_read_back_however_a_mail_carries_it_and_nothing_else_is() {
        let card = Keyring::from_seed(Secret::from_bytes([7; 32])).card(Role::Doctor);
        let text = card.to_text();
        assert!(text.lines().all(|line| line.len() <= 64) && text.ends_with('\n'));
        for mailed in [
            text.clone(),
            text.replace('\n', " \r\n"),
            format!("Dear all,\n\n{text}\n--\nBob"),
            text.replace('\n', ""),
        ] {
            assert_eq!(Card::from_text(&mailed), Ok(card.clone()), "{mailed}");
        }
        let mut bytes = codec::encode(&card);
        *bytes.last_mut().unwrap() ^= 1;
        let forged = format!("{BEGIN}\n{}\n{END}\n", Base64::encode_string(&bytes));
        let line = text.lines().nth(1).unwrap();
        let garbled = text.replace(line, &line.to_lowercase());
        for wrong in [
            String::new(),
            text.replace("BEGIN", "BEGUN"),
            text.replace("END", "ENDE"),
            text.replacen('=', "", 1),
            text.repeat(2),
            forged,
            garbled,
            format!("{}{text}", " ".repeat(Card::TEXT_BYTES_MAX)),
        ] {
            assert_eq!(Card::from_text(&wrong), Err(Malformed("card")), "{wrong}");
        }
    }
}
