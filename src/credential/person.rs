//! Persons: how registrars know someone again without the custodian being able to.
//!
//! ```text
//! person tag = HMAC(registrars' tag key, "person tag" ‖ role ‖ scheme ‖ normalised identifier)
//! ```
//!
//! The role is part of it: who is a doctor and a patient has two tags, so that an assigned doctor, who is shown his
//! patient's attestation, does not find her among the doctors.

use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use crate::{
    crypto::{Label, kdf::MacKey},
    id::Digest,
    party::Role,
};

/// A number or name by which an authority knows someone: an identity card's, a passport's, a licence's.
///
/// What is written differently and means the same is the same: letters and digits alone count, in NFKC, without case.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonId {
    scheme: String,
    identifier: Zeroizing<String>,
}

impl PersonId {
    /// An identifier in a scheme (`"passport:GBR"`, `"national-id:CN"`); nothing if no letter or digit is in it.
    #[must_use]
    pub fn new(scheme: &str, identifier: &str) -> Option<Self> {
        let normal = |text: &str| -> String {
            text.nfkc().filter(|symbol| symbol.is_alphanumeric()).flat_map(char::to_uppercase).collect()
        };
        let identifier = Zeroizing::new(normal(identifier));
        if identifier.is_empty() { None } else { Some(Self { scheme: normal(scheme), identifier }) }
    }

    /// The tag of this person in a role, under the registrars' key.
    #[must_use]
    pub fn tag(&self, key: &MacKey, role: Role) -> Digest {
        key.mac(Label::PersonTag, &[&[role.code()], self.scheme.as_bytes(), self.identifier.as_bytes()])
    }
}

impl std::fmt::Debug for PersonId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PersonId(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::PersonId;
    use crate::{
        crypto::{Secret, kdf::MacKey},
        party::Role,
    };

    #[test]
    fn what_means_the_same_is_the_same_person_and_each_role_has_a_tag_of_its_own() {
        let key = MacKey::new(&Secret::from_bytes([7; 32]));
        let tag =
            |scheme: &str, identifier: &str, role| PersonId::new(scheme, identifier).unwrap().tag(&key, role);
        let one = tag("passport:GBR", "AB 123-456", Role::Patient);
        assert_eq!(one, tag("Passport GBR", "ab123456", Role::Patient));
        assert_eq!(one, tag("passport:GBR", "ＡＢ１２３４５６", Role::Patient));
        assert_ne!(one, tag("passport:GBR", "AB123456", Role::Doctor));
        assert_ne!(one, tag("passport:FRA", "AB123456", Role::Patient));
        assert_ne!(one, tag("passport:GB", "RAB123456", Role::Patient));
        assert!(PersonId::new("passport", " -- ").is_none());
    }
}
