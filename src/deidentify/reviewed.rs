//! The only doors for free text and pictures, shut.
//!
//! An abstract has no field for either. Once there is a review (scrubbed, shown, approved by the patient and by a doctor of the case, bound to
//! the exact bytes), it will make these; nothing makes them now, and there is none for voice.

use std::convert::Infallible;

/// A text that was scrubbed, shown, and approved by the patient and a doctor of the case.
///
/// There is none: nothing makes it, and no text can be turned into one.
///
/// ```compile_fail
/// let text: casevault::deidentify::ReviewedText = casevault::deidentify::ReviewedText("fine".to_owned());
/// ```
/// ```compile_fail
/// let text: casevault::deidentify::ReviewedText = String::from("fine").into();
/// ```
/// ```compile_fail
/// let text = casevault::deidentify::ReviewedText::default();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewedText(Infallible);

/// A picture that was decoded and encoded again, shown, and approved by the patient and a doctor of the case.
///
/// There is none: nothing makes it, and no bytes can be turned into one.
///
/// ```compile_fail
/// let picture: casevault::deidentify::ReviewedPicture = casevault::deidentify::ReviewedPicture(vec![0xff, 0xd8]);
/// ```
/// ```compile_fail
/// let picture: casevault::deidentify::ReviewedPicture = vec![0xff, 0xd8].into();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewedPicture(Infallible);

impl ReviewedText {
    /// The text; never called, for there is none.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        match self.0 {}
    }
}

impl ReviewedPicture {
    /// The bytes; never called, for there is none.
    #[must_use]
    pub const fn bytes(&self) -> &[u8] {
        match self.0 {}
    }
}
