//! The seam between the sides: bytes in, bytes out.
//!
//! A [`Custodian`] stores and decides and cannot read. `vault::Vault` is one, in process; a host that puts a network
//! between writes another, of ten lines, that carries the bytes. Nothing that crosses holds a party's secret key, a
//! folder key or plaintext.

mod answer;
mod area;
mod chart;
mod query;
mod reader;
mod submission;

pub use answer::{
    Accepted, Answer, Concerned, Delivered, Listed, MyFolder, Queued, Refusal, Response, Salt, Sealed,
    StreamPage,
};
pub use area::{
    PastRelease, PoolCursor, PoolPage, PoolPlace, Pooled, PublicAnswer, PublicPage, PublicPlace, PublicQuery,
    PublicQuestion, Publication, SharedAbstract, SharedCase, SharedState,
};
pub use chart::{ChartOwner, EpochEntry, Run, SealedChart, Writer};
pub use query::{Errand, ExportFile, ExportPlace, Query, Question, QueuePlace, Search};
pub use reader::{PublicError, PublicReader};
pub use submission::{Enclosure, Part, Request, Sender, Submission};

/// What carried the bytes did not.
#[derive(Debug, thiserror::Error)]
#[error("the custodian was not reached: try again")]
#[non_exhaustive]
pub struct Unreachable {
    /// Why, if the transport says.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The side that stores and decides.
pub trait Custodian: Send + Sync {
    /// Answers one message.
    ///
    /// # Errors
    /// [`Unreachable`] if no answer came; a refusal is an answer.
    fn exchange(&self, message: &[u8]) -> Result<Vec<u8>, Unreachable>;
}
