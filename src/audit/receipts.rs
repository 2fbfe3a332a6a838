//! Receipts: what the vault promised to take up, looked for in the streams.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    audit::{AuditError, Fault, report::Findings},
    crypto::{Signed, VerifyingKey},
    event::{Principal, Receipt},
    id::{Digest, VaultId},
    log::LogEpoch,
    merkle::Head,
    time::Timestamp,
};

/// A promise is due so long after its time: what was being taken up while an epoch's heads were read stands in the next epoch,
/// and there is one every minute.
const GRACE_MS: u64 = 60_000;

/// Receipts, and where what they promise was met.
#[derive(Debug, Clone, Default)]
pub(super) struct Receipts {
    receipts: Vec<Receipt>,
    events: BTreeMap<Digest, BTreeSet<Principal>>,
    heads: BTreeMap<(u64, Digest), BTreeSet<Principal>>,
}

impl Receipts {
    pub(super) fn read(
        signed: &[Signed<Receipt>],
        (vault, key): (VaultId, &VerifyingKey),
    ) -> Result<Self, AuditError> {
        let mut receipts = Self::default();
        for (number, signed) in signed.iter().enumerate() {
            let receipt = signed.verify(key).ok().filter(|receipt| receipt.vault == vault);
            let receipt = receipt.ok_or(AuditError::Receipt(number))?;
            receipts.events.extend(receipt.events.iter().map(|event| (*event, BTreeSet::new())));
            receipts.heads.extend(receipt.stream.map(|head| ((head.size, head.root), BTreeSet::new())));
            receipts.receipts.push(receipt);
        }
        Ok(receipts)
    }

    /// An event stands in a stream.
    pub(super) fn met(&mut self, event: &Digest, stream: Principal) {
        if let Some(streams) = self.events.get_mut(event) {
            streams.insert(stream);
        }
    }

    /// A stream has had a head.
    pub(super) fn had(&mut self, head: Head, stream: Principal) {
        if let Some(streams) = self.heads.get_mut(&(head.size, head.root)) {
            streams.insert(stream);
        }
    }

    /// What was promised and does not stand: how many promises were due.
    pub(super) fn judge(
        &self,
        last: Option<LogEpoch>,
        bad: &BTreeSet<Principal>,
        findings: &mut Findings,
    ) -> u64 {
        let mut due = 0u64;
        for (number, receipt) in (0u64..).zip(&self.receipts) {
            if !last.is_some_and(|last| is_due(receipt.promised_by, last.at)) {
                continue;
            }
            due = due.saturating_add(1);
            if !self.is_kept(receipt, bad) {
                findings.add(0, Fault::Omitted, ("receipt", number));
            }
        }
        due
    }

    /// Whether all its events stand in one stream, which has had the head it tells. Of a stream that is not whole it is not
    /// known what heads it has had.
    fn is_kept(&self, receipt: &Receipt, bad: &BTreeSet<Principal>) -> bool {
        let had = receipt.stream.and_then(|head| self.heads.get(&(head.size, head.root)));
        let has_had = |stream: &Principal| {
            receipt.stream.is_none() || bad.contains(stream) || had.is_some_and(|had| had.contains(stream))
        };
        let mut streams = receipt.events.iter().map(|event| self.events.get(event));
        let Some(first) = streams.next().flatten() else { return receipt.events.is_empty() };
        let has_all = |stream: &&Principal| {
            streams.clone().all(|streams| streams.is_some_and(|streams| streams.contains(stream)))
        };
        first.iter().filter(has_all).any(has_had)
    }
}

fn is_due(promised_by: Timestamp, at: Timestamp) -> bool {
    promised_by.as_ms().saturating_add(GRACE_MS) <= at.as_ms()
}
