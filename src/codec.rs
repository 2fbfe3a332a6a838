//! Bytes: one value has one encoding.
//!
//! What is signed, stored or sent is CBOR with integer-keyed maps. Decoding ends with encoding again: bytes that
//! differ from what this version would have written (a trailing byte, a duplicate or unknown key, a long integer, an
//! indefinite length) are [`Malformed`]. A stored value begins with four bytes of magic and one of version.
#![deny(clippy::arithmetic_side_effects)]

use minicbor::{Decode, Encode};

/// The bytes are not a value of the expected kind, in the one encoding it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the one encoding of a {0}")]
pub struct Malformed(pub &'static str);

/// A value with a name, for errors, and one encoding.
pub trait Wire: Encode<()> + for<'b> Decode<'b, ()> {
    /// What the value is called in an error.
    const NAME: &'static str;
    /// The longest encoding accepted, in bytes.
    const BYTES_MAX: usize;
}

/// The encoding of a value.
///
/// Writing to memory does not fail, and no `Encode` of ours reports an error of its own; were it to happen, the empty
/// result decodes as nothing and verifies as nothing.
pub fn encode<T: Encode<()>>(value: &T) -> Vec<u8> {
    minicbor::to_vec(value).unwrap_or_default()
}

/// Reads a value back, if these are exactly the bytes [`encode`] gives for it.
///
/// # Errors
/// [`Malformed`] if the bytes are too long, do not parse, or are not the canonical encoding.
pub fn decode<T: Wire>(bytes: &[u8]) -> Result<T, Malformed> {
    let malformed = Malformed(T::NAME);
    if bytes.len() > T::BYTES_MAX {
        return Err(malformed);
    }
    let Ok(value) = minicbor::decode::<T>(bytes) else { return Err(malformed) };
    if encode(&value) == bytes { Ok(value) } else { Err(malformed) }
}

/// What a value at rest begins with: four bytes that say what it is, and one that says which version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Magic(pub [u8; 4], pub u8);

/// The encoding of a value at rest: `magic ‖ version ‖ CBOR`.
pub fn frame<T: Encode<()>>(magic: Magic, value: &T) -> Vec<u8> {
    let Magic(name, version) = magic;
    let mut bytes = name.to_vec();
    bytes.push(version);
    bytes.extend(encode(value));
    bytes
}

/// Reads a value at rest back.
///
/// # Errors
/// [`Malformed`] for another magic, an unknown version, or a body [`decode`] refuses.
pub fn unframe<T: Wire>(magic: Magic, bytes: &[u8]) -> Result<T, Malformed> {
    let Magic(name, version) = magic;
    let body = bytes.strip_prefix(&name).and_then(|rest| rest.strip_prefix(&[version]));
    decode(body.ok_or(Malformed(T::NAME))?)
}

/// Declares types as [`Wire`]: `wire! { Card: "card", 4096; … }`.
macro_rules! wire {
    ($($type:ty: $name:literal, $max:expr;)+) => {
        $(impl $crate::codec::Wire for $type {
            const NAME: &'static str = $name;
            const BYTES_MAX: usize = $max;
        })+
    };
}
pub(crate) use wire;

/// Declares a field-less enum with a number for each variant, on the wire as that number.
///
/// Each variant has its number once; an unknown number does not decode.
macro_rules! coded {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $code:literal, $word:literal;)+ }) => {
        $(#[$meta])*
        #[non_exhaustive]
        $vis enum $name { $($(#[$vmeta])* $variant,)+ }

        impl $name {
            /// Every value, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The number that stands for it in formats.
            #[must_use]
            pub const fn code(self) -> u8 {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The word people read.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }

        impl<C> minicbor::Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self, e: &mut minicbor::Encoder<W>, _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.u8(self.code())?;
                Ok(())
            }
        }

        impl<'b, C> minicbor::Decode<'b, C> for $name {
            fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
                match d.u8()? {
                    $($code => Ok(Self::$variant),)+
                    _ => Err(minicbor::decode::Error::message("unknown number")),
                }
            }
        }
    };
}
pub(crate) use coded;
