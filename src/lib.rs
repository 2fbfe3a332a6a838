//! A privacy-preserving vault for medical records.

pub mod codec;
pub mod id;
pub mod limits;
pub mod time;
