//! The journal of an epoch: what the curator must know again after a crash.

use minicbor::{Decode, Encode};

use crate::{
    codec::wire,
    id::{BatchId, Handle, PersonToken},
    limits::JOURNAL_BYTES_MAX,
    public::{Batch, Class},
};

/// What happened in an epoch. It ties rows to cases: it stays with the curator, sealed.
///
/// Whoever keeps it writes it in the same step as what it tells of, the batches that went public and were hidden.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Journal<K = Class> {
    /// Which epoch: the first is 1.
    #[n(0)]
    pub epoch: u64,
    /// The batches that went public.
    #[n(1)]
    pub made: Vec<Made<K>>,
    /// The batches that were hidden.
    #[n(2)]
    pub hidden: Vec<BatchId>,
    /// The hidden batches of which all that comes back has come: what else they had never does.
    #[n(3)]
    pub settled: Vec<BatchId>,
}

/// A batch that went public, and whose rows they are.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Made<K = Class> {
    /// The batch.
    #[n(0)]
    pub batch: Batch<K>,
    /// The grid its class is of.
    #[n(1)]
    pub grid: u8,
    /// Of each row, in their order, the case and the person.
    #[n(2)]
    pub owners: Vec<(Handle, PersonToken)>,
}

wire! { Journal: "journal of an epoch", JOURNAL_BYTES_MAX; }

impl<K> std::fmt::Debug for Journal<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { epoch, made: _, hidden: _, settled: _ } = self;
        write!(f, "Journal({epoch}, ..)")
    }
}

impl<K> std::fmt::Debug for Made<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { batch: _, grid: _, owners: _ } = self;
        f.write_str("Made(..)")
    }
}
