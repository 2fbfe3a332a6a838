//! Receipts: the custodian's promise that an event stands in its stream.

use minicbor::{Decode, Encode};

use crate::{
    codec::wire,
    crypto::{Label, Statement},
    id::{Digest, OpId, VaultId},
    limits::PARTS_MAX,
    merkle::Head,
    time::Timestamp,
};

/// What the custodian signs for a submission.
///
/// # Security
/// A receipt whose events are not in the stream by the time promised proves an omission. A position in the owner's
/// stream is told to the owner only.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Receipt {
    /// The vault.
    #[n(0)]
    pub vault: VaultId,
    /// The act.
    #[n(1)]
    pub op_id: OpId,
    /// The digests of its events.
    #[n(2)]
    pub events: Vec<Digest>,
    /// When they were received.
    #[n(3)]
    pub received: Timestamp,
    /// By when they stand in the stream. This custodian commits before it answers: the same moment.
    #[n(4)]
    pub promised_by: Timestamp,
    /// The head of the owner's stream with these events in it, if the owner asked.
    #[n(5)]
    pub stream: Option<Head>,
}

wire! { Receipt: "receipt", 512 + 40 * PARTS_MAX; }

impl Statement for Receipt {
    const LABEL: Label = Label::Receipt;
}
