//! What a patient says yes to: one exact abstract, for some uses, until then.
//!
//! ```text
//! sharing = length₁₆ ‖ { abstract, uses, until, salt } ‖ zeros          always SHARING_BYTES: nothing is said by length
//! ```

use std::{collections::BTreeSet, fmt};

use minicbor::{Decode, Encode};

use crate::{
    codec::{self, Malformed, coded, wire},
    limits::SHARING_BYTES,
    public::Abstract,
    time::Timestamp,
};

coded! {
    /// What an anonymised case may be used for.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Use {
        /// By those who treat, to treat better.
        CareResearch = 1, "research in care";
        /// By the public's own researchers.
        PublicResearch = 2, "public research";
        /// By whoever sells what comes of it.
        CommercialResearch = 3, "commercial research";
        /// To teach.
        Education = 4, "education";
    }
}

/// An abstract with the consent to it: one value, sealed as one.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Sharing {
    /// What was shown and said yes to.
    #[n(0)]
    pub case: Abstract,
    /// What for.
    #[n(1)]
    pub uses: BTreeSet<Use>,
    /// Until when, not included; what is public by then stays public.
    #[n(2)]
    pub until: Timestamp,
    /// Random: two sharings of one abstract are two.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub salt: [u8; 16],
}

wire! { Sharing: "sharing", SHARING_BYTES - 2; }

impl Sharing {
    /// The bytes that are sealed, [`SHARING_BYTES`] of them.
    ///
    /// # Errors
    /// [`Malformed`] if it says more than an abstract may, or is for no use.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Malformed> {
        let body = codec::encode(self);
        let length = u16::try_from(body.len()).or(Err(Malformed("sharing")))?;
        if !self.is_bounded() || body.len() > SHARING_BYTES - 2 {
            return Err(Malformed("sharing"));
        }
        let mut bytes = Vec::with_capacity(SHARING_BYTES);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&body);
        bytes.resize(SHARING_BYTES, 0);
        Ok(bytes)
    }

    /// Reads [`Self::to_bytes`] back.
    ///
    /// # Errors
    /// [`Malformed`] for every other bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        let wrong = Malformed("sharing");
        let (length, rest) = bytes.split_first_chunk::<2>().ok_or(wrong)?;
        let (body, padding) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or(wrong)?;
        if bytes.len() != SHARING_BYTES || padding.iter().any(|byte| *byte != 0) {
            return Err(wrong);
        }
        let sharing: Self = codec::decode(body)?;
        if sharing.is_bounded() { Ok(sharing) } else { Err(wrong) }
    }

    fn is_bounded(&self) -> bool {
        self.case.is_bounded() && !self.uses.is_empty()
    }
}

impl fmt::Debug for Sharing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sharing(..)")
    }
}
