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

/// Writes the encoding of a value behind what is there.
pub(crate) fn encode_onto<T: Encode<()>>(bytes: &mut Vec<u8>, value: &T) {
    let before = bytes.len();
    if minicbor::encode(value, &mut *bytes).is_err() {
        bytes.truncate(before);
    }
}

/// Reads a value back, if these are exactly the bytes [`encode`] gives for it.
///
/// # Errors
/// [`Malformed`] if the bytes are too long, do not parse, or are not the canonical encoding.
pub fn decode<T: Wire>(bytes: &[u8]) -> Result<T, Malformed> {
    if bytes.len() > T::BYTES_MAX { Err(Malformed(T::NAME)) } else { decode_borrowed(T::NAME, bytes) }
}

/// Reads a value back that borrows from its bytes, whose length the caller has bounded.
///
/// # Errors
/// [`Malformed`] if the bytes do not parse, or are not the canonical encoding.
pub(crate) fn decode_borrowed<'b, T>(name: &'static str, bytes: &'b [u8]) -> Result<T, Malformed>
where
    T: Encode<()> + Decode<'b, ()>,
{
    let Ok(value) = minicbor::decode::<T>(bytes) else { return Err(Malformed(name)) };
    let mut expected = Expected(bytes);
    match minicbor::encode(&value, &mut expected) {
        Ok(()) if expected.0.is_empty() => Ok(value),
        Ok(()) | Err(_) => Err(Malformed(name)),
    }
}

/// What is left of the bytes that an encoding must give: encoding into it compares.
struct Expected<'b>(&'b [u8]);

impl minicbor::encode::Write for Expected<'_> {
    type Error = Malformed;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Self::Error> {
        self.0 = self.0.strip_prefix(bytes).ok_or(Malformed("value"))?;
        Ok(())
    }
}

/// What a value at rest begins with: four bytes that say what it is, and one that says which version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Magic(pub [u8; 4], pub u8);

/// The encoding of a value at rest: `magic ‖ version ‖ CBOR`.
pub fn frame<T: Encode<()>>(magic: Magic, value: &T) -> Vec<u8> {
    let Magic(name, version) = magic;
    let mut bytes = Vec::with_capacity(256);
    bytes.extend_from_slice(&name);
    bytes.push(version);
    encode_onto(&mut bytes, value);
    bytes
}

/// Reads a value at rest back.
///
/// # Errors
/// [`Malformed`] for another magic, an unknown version, or a body [`decode`] refuses.
pub fn unframe<T: Wire>(magic: Magic, bytes: &[u8]) -> Result<T, Malformed> {
    decode(body(magic, bytes).ok_or(Malformed(T::NAME))?)
}

/// Reads a value at rest back that borrows from its bytes, whose length the caller has bounded.
///
/// # Errors
/// As [`unframe`].
pub(crate) fn unframe_borrowed<'b, T>(
    magic: Magic,
    name: &'static str,
    bytes: &'b [u8],
) -> Result<T, Malformed>
where
    T: Encode<()> + Decode<'b, ()>,
{
    decode_borrowed(name, body(magic, bytes).ok_or(Malformed(name))?)
}

fn body(Magic(name, version): Magic, bytes: &[u8]) -> Option<&[u8]> {
    bytes.strip_prefix(&name)?.strip_prefix(&[version])
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
