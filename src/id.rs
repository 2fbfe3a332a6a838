//! Ids: random bytes behind a type each, so that a folder's is never taken for a record's.
//!
//! An id says nothing about what it names. In print it is a **handle**: the first eight bytes in hexadecimal, which is
//! what logs, errors and audits show instead of a name.

use std::fmt;

/// Declares byte-string newtypes: comparison, encoding as a CBOR byte string, a handle in print.
macro_rules! id {
    ($($(#[$meta:meta])* $name:ident, $len:literal;)+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// The length in bytes.
            pub const LEN: usize = $len;

            /// Takes the bytes as they are.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }

            /// All bytes in hexadecimal, for keeping the id elsewhere.
            #[must_use]
            pub fn to_hex(&self) -> String {
                self.0.iter().map(|byte| format!("{byte:02x}")).collect()
            }

            /// Reads [`Self::to_hex`] back.
            #[must_use]
            pub fn from_hex(text: &str) -> Option<Self> {
                let mut bytes = [0; $len];
                hex_into(text, &mut bytes).then_some(Self(bytes))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().take(8).try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl<C> minicbor::Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self, e: &mut minicbor::Encoder<W>, _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.bytes(&self.0)?;
                Ok(())
            }
        }

        impl<'b, C> minicbor::Decode<'b, C> for $name {
            fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
                match d.bytes()?.try_into() {
                    Ok(bytes) => Ok(Self(bytes)),
                    Err(_) => Err(minicbor::decode::Error::message("wrong length")),
                }
            }
        }
    )+};
}

id! {
    /// A batch of the public area: random.
    BatchId, 16;
    /// A SHA-256 digest, always over a label and what it labels.
    Digest, 32;
    /// A folder. For a Case it is the digest of the folder's own verifying key, so that the id vouches for the key; for
    /// another folder the digest of its owner, so that the id vouches for the owner.
    FolderId, 32;
    /// One grant: random, it also salts the digest under which the grant stands in its event.
    GrantId, 16;
    /// A case in the public area's pool: random, made by the custodian, without relation to its owner.
    Handle, 16;
    /// One act: what makes a repeated submission the same submission.
    OpId, 16;
    /// A party: the digest of its first card's verifying key, so that the id vouches for the key.
    PartyId, 32;
    /// A person in one year, as the curator sees her: a keyed hash, whose key the custodian has.
    PersonToken, 32;
    /// A row of the public area: random.
    PublicId, 16;
    /// A record in its folder; versions of it share the id.
    RecordId, 16;
    /// A registrar's ruling.
    RulingId, 16;
    /// A vault.
    VaultId, 16;
}

fn hex_into(text: &str, bytes: &mut [u8]) -> bool {
    let digits = text.as_bytes();
    let (pairs, rest) = digits.as_chunks::<2>();
    if pairs.len() != bytes.len() || !rest.is_empty() {
        return false;
    }
    pairs.iter().zip(bytes).all(|(pair, byte)| {
        let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
        let [Some(high), Some(low)] = pair.map(value) else { return false };
        *byte = high << 4 | low;
        true
    })
}
