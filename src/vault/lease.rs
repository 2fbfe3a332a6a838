//! The lease: which process works on the log, of all that serve the vault.
//!
//! ```text
//! lease = { holder, token, until }        token rises with each lease
//! ```
//!
//! Who does not hold it does not work on the map; it is taken over when it has ended. Each batch of the holder's expects
//! the lease, and the log, as its last batch left them, and makes the lease last longer: a holder that was overtaken writes
//! nothing more. Clocks say only who waits for whom; the store says who writes.

use std::time::Duration;

use crate::{
    event::Principal,
    id::OpId,
    store::{Key, StoreError},
    time::Timestamp,
    vault::{
        Vault,
        desk::{Desk, Shelves},
        fault::Fault,
        rows::{LeaseRow, LogRow, Row},
        tables::{Table, key},
    },
};

/// How long a lease lasts after the holder's last batch.
const LEASE: Duration = Duration::from_secs(30);

/// A row as it was read or last written by this process, which the next batch must find so.
struct AsRead {
    table: Table,
    key: Key,
    sealed: Option<Vec<u8>>,
}

impl AsRead {
    /// Puts a row in its place, into a batch that is refused if another stands there by then.
    fn put(&mut self, shelves: &Shelves, desk: &mut Desk<'_>, row: &impl Row) {
        let sealed = shelves.keys.seal(self.table, &self.key, row, desk.random());
        match self.sealed.replace(sealed.clone()) {
            None => desk.put_new(self.key.clone(), sealed),
            Some(before) => desk.put_plain((self.key.clone(), before), sealed),
        }
    }
}

/// The right to work on the log, until another process takes over.
pub(super) struct Lease {
    token: u64,
    row: AsRead,
    log: AsRead,
}

impl Vault {
    /// Takes the lease: gives it, and the log as it stands.
    pub(super) fn take_lease(&self) -> Result<(Lease, LogRow), Fault> {
        let now = self.clock.now();
        let (row, stands): (AsRead, Option<LeaseRow>) = self.as_read(Table::Lease)?;
        if stands.is_some_and(|row| row.holder != self.holder && is_held(row.until, now)) {
            return Err(Fault::Leased);
        }
        let token = stands.map_or(0, |row| row.token).saturating_add(1);
        let (log, before): (AsRead, Option<LogRow>) = self.as_read(Table::Log)?;
        let mut lease = Lease { token, row, log };
        self.commit_under(&mut lease, self.log_desk(), now.plus(LEASE))?;
        Ok((lease, before.unwrap_or_default()))
    }

    /// Commits what is on a desk, and how the log stands then, if the lease is still this process's.
    pub(super) fn commit_leased(
        &self,
        lease: &mut Lease,
        mut desk: Desk<'_>,
        log: &LogRow,
    ) -> Result<(), Fault> {
        lease.log.put(&self.shelves, &mut desk, log);
        self.commit_under(lease, desk, self.clock.now().plus(LEASE))
    }

    /// Gives the lease back; if that fails it ends by itself.
    pub(super) fn give_back(&self, mut lease: Lease) {
        drop(self.commit_under(&mut lease, self.log_desk(), Timestamp::at_ms(0)));
    }

    fn commit_under(&self, lease: &mut Lease, mut desk: Desk<'_>, until: Timestamp) -> Result<(), Fault> {
        let row = LeaseRow { holder: self.holder, token: lease.token, until };
        lease.row.put(&self.shelves, &mut desk, &row);
        match self.commit_log(desk) {
            // Another has the lease, or the log is another's.
            Err(Fault::Store(StoreError::Conflict)) => Err(Fault::Leased),
            outcome => outcome,
        }
    }

    /// A row of the log's, as it stands.
    fn as_read<T: Row>(&self, table: Table) -> Result<(AsRead, Option<T>), Fault> {
        let key = key(self.log_place(), table, &[])?;
        let sealed = self.shelves.store.get(&key)?;
        let row = match &sealed {
            Some(sealed) => Some(self.shelves.keys.open(table, &key, sealed)?),
            None => None,
        };
        Ok((AsRead { table, key, sealed }, row))
    }

    /// A desk for what is no owner's.
    pub(super) fn log_desk(&self) -> Desk<'_> {
        Desk::beside(&self.shelves, Principal::Vault(self.id), self.fork_random())
    }

    pub(super) fn commit_log(&self, mut desk: Desk<'_>) -> Result<(), Fault> {
        let op_id = OpId::from_bytes(desk.random().bytes());
        desk.commit(op_id, Vec::new())
    }
}

/// Whether a lease lasts; one that lasts longer than any is of a clock that went wrong.
fn is_held(until: Timestamp, now: Timestamp) -> bool {
    now < until && until <= now.plus(LEASE)
}
