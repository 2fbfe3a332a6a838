//! That a stream is whole and in the log: its head in the heads map, the map in an epoch, the epoch in the log.

use minicbor::{Decode, Encode};

use crate::{
    codec::{self, wire},
    event::Principal,
    id::{Digest, VaultId},
    limits::BUCKET_OWNERS_MAX,
    log::{LogEpoch, LogProof, MapProof, NoteVerifier, OwnerHead, Unverified, WitnessPolicy},
    merkle::{Head, NotProven, verify_inclusion},
};

/// A stream's head, and the way from it to the log's head.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct StreamProof {
    /// The stream's head in that epoch; none if it was not there.
    #[n(0)]
    pub head: Option<Head>,
    /// The bucket of the heads map, whole.
    #[n(1)]
    pub map: MapProof,
    /// The epoch.
    #[n(2)]
    pub epoch: LogEpoch,
    /// From the epoch's leaf to the log's head.
    #[n(3)]
    pub path: Vec<Digest>,
}

wire! { StreamProof: "stream proof", 8192 + 72 * BUCKET_OWNERS_MAX; }

/// The head of a stream in the log, by a proof that came as text: what a session's `prove_history` gives, checked offline.
///
/// # Errors
/// [`Unverified`] if the vault did not sign the checkpoint, too few witnesses saw it, or the stream is not there as is said.
pub fn verify_history(
    text: &str,
    (log, policy): (&NoteVerifier, &WitnessPolicy),
    (vault, owner): (VaultId, Principal),
) -> Result<Head, Unverified> {
    let proof = LogProof::parse(text)?;
    let stream: StreamProof = codec::decode(proof.unproven_extra())?;
    let checkpoint = proof.verify(log, policy, &codec::encode(&stream.epoch))?;
    let head = stream.verify((vault, owner), &checkpoint.head)?;
    head.ok_or(Unverified::NotProven(NotProven))
}

impl StreamProof {
    /// The stream's head, once and for the whole log, under a head of the log that was verified; none if the stream was not
    /// there.
    ///
    /// # Errors
    /// [`NotProven`] if one step does not lead to the next.
    pub fn verify(
        &self,
        (vault, owner): (VaultId, Principal),
        log: &Head,
    ) -> Result<Option<Head>, NotProven> {
        let Self { head, map, epoch, path } = self;
        if epoch.vault != vault {
            return Err(NotProven);
        }
        verify_inclusion(&epoch.hash(), epoch.number, log, path)?;
        let found = map.find(&OwnerHead::key(vault, owner), (epoch.depth, &epoch.map))?;
        let claimed = head.map(|head| OwnerHead { owner, head }.leaf(vault));
        if found == claimed { Ok(*head) } else { Err(NotProven) }
    }
}
