//! stub
use minicbor::{Decode, Encode};
use sha2::{Digest as _, Sha256};
use crate::id::Digest;
/// x
pub fn leaf_hash(leaf: &[u8]) -> Digest { let mut h = Sha256::new(); h.update([0]); h.update(leaf); Digest::from_bytes(h.finalize().into()) }
fn node(l: &Digest, r: &Digest) -> Digest { let mut h = Sha256::new(); h.update([1]); h.update(l.as_bytes()); h.update(r.as_bytes()); Digest::from_bytes(h.finalize().into()) }
/// x
#[derive(Debug,Clone,Copy,PartialEq,Eq,Encode,Decode)]
#[cbor(map)]
pub struct Head { /// x
#[n(0)] pub size: u64, /// x
#[n(1)] pub root: Digest }
impl Default for Head { fn default() -> Self { Frontier::new().head() } }
impl std::fmt::Display for Head { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { write!(f, "{}:{}", self.size, self.root) } }
/// x
#[derive(Debug,Clone,PartialEq,Eq,Default,Encode,Decode)]
#[cbor(map)]
pub struct Frontier { #[n(0)] size: u64, #[n(1)] nodes: Vec<Digest> }
impl Frontier {
    /// x
    pub fn new() -> Self { Self::default() }
    /// x
    pub fn size(&self) -> u64 { self.size }
    /// x
    pub fn append(&mut self, leaf: Digest) {
        let mut h = leaf; let mut s = self.size;
        while s & 1 == 1 { if let Some(l) = self.nodes.pop() { h = node(&l, &h); } s >>= 1; }
        self.nodes.push(h); self.size += 1;
    }
    /// x
    pub fn head(&self) -> Head {
        let mut it = self.nodes.iter().rev();
        let root = match it.next() { None => Digest::from_bytes(Sha256::digest([]).into()), Some(f) => it.fold(*f, |acc, l| node(l, &acc)) };
        Head { size: self.size, root }
    }
}
/// x
pub fn root(leaves: &[Digest]) -> Head { let mut f = Frontier::new(); for l in leaves { f.append(*l) } f.head() }
