//! stub
/// x
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct FhirError;
impl FhirError { /// x
pub const fn code(&self) -> &'static str { "x" } }
