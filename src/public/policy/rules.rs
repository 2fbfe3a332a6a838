//! What a policy asks of the gate.

use crate::{
    codec::Malformed,
    public::{
        Codes, GateRules,
        hierarchy::{Block, reference},
        policy::PublicPolicy,
    },
};

/// The fewest rows of a main diagnosis that is told as it is: one that a single row has becomes its block.
const RARE: u32 = 2;

impl PublicPolicy {
    /// Its rules, as the gate takes them.
    ///
    /// # Errors
    /// [`Malformed`] if its numbers are none the gate takes; those of a sound policy are.
    pub fn gate_rules(&self) -> Result<GateRules, Malformed> {
        let share = self.share();
        let share = (share.of, share.out_of);
        GateRules::new(self.k(), self.l(), share, self.t_thousandths(), RARE)
    }

    /// The code tree that it judges diagnoses by, ICD-10, with the shipped public reference.
    ///
    /// # Errors
    /// [`Malformed`] if the crate was built from other tables.
    pub fn codes() -> Result<Codes, Malformed> {
        Codes::new(Block::all().map(|block| (block.first, block.last, block.chapter.number())), reference())
    }
}
