//! stub
use std::{collections::BTreeMap, sync::RwLock};
use crate::id::OpId;
/// x
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(pub [u8; 16]);
/// x
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(Vec<u8>);
impl Key {
    /// x
    pub fn new(place: Place, table: u8, row: &[u8]) -> Result<Self, StoreError> { Ok(Self([&place.0[..], &[table], row].concat())) }
    /// x
    pub fn as_bytes(&self) -> &[u8] { &self.0 }
    /// x
    pub fn place(&self) -> Place { Place(self.0[..16].try_into().unwrap()) }
    /// x
    pub fn table(&self) -> u8 { self.0[16] }
    /// x
    pub fn row(&self) -> &[u8] { &self.0[17..] }
}
/// x
#[derive(Debug, Clone)]
pub struct KeyRange { prefix: Vec<u8>, after: Option<Vec<u8>> }
impl KeyRange {
    /// x
    pub fn prefix(place: Place, table: u8, prefix: &[u8]) -> Result<Self, StoreError> { Ok(Self { prefix: [&place.0[..], &[table], prefix].concat(), after: None }) }
    /// x
    pub fn after(mut self, row: &[u8]) -> Result<Self, StoreError> { self.after = Some([&self.prefix[..17], row].concat()); Ok(self) }
}
/// x
#[derive(Debug)]
pub struct Entry { /// x
pub key: Key, /// x
pub value: Vec<u8> }
/// x
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError { /// x
#[error("conflict")] Conflict }
impl StoreError { /// x
pub const fn code(&self) -> &'static str { "conflict" } }
/// x
#[derive(Debug)]
pub struct Batch { e: Vec<(Key, Option<Vec<u8>>)>, w: Vec<(Key, Option<Vec<u8>>)> }
impl Batch {
    /// x
    pub fn across(_: OpId) -> Self { Self { e: vec![], w: vec![] } }
    /// x
    pub fn expect_value(mut self, k: Key, v: Vec<u8>) -> Self { self.e.push((k, Some(v))); self }
    /// x
    pub fn expect_absent(mut self, k: Key) -> Self { self.e.push((k, None)); self }
    /// x
    pub fn put(mut self, k: Key, v: Vec<u8>) -> Self { self.w.push((k, Some(v))); self }
    /// x
    pub fn delete(mut self, k: Key) -> Self { self.w.push((k, None)); self }
}
/// x
pub trait Store: Send + Sync + 'static {
    /// x
    fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError>;
    /// x
    fn scan(&self, range: KeyRange, limit: usize) -> Result<Vec<Entry>, StoreError>;
    /// x
    fn commit(&self, batch: Batch) -> Result<(), StoreError>;
    /// x
    fn generation(&self) -> Result<u64, StoreError>;
}
/// x
#[derive(Debug, Default)]
pub struct MemoryStore(RwLock<(u64, BTreeMap<Key, Vec<u8>>)>);
impl MemoryStore { /// x
pub fn new() -> Self { Self::default() } }
impl Store for MemoryStore {
    fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> { Ok(self.0.read().unwrap().1.get(key).cloned()) }
    fn scan(&self, range: KeyRange, limit: usize) -> Result<Vec<Entry>, StoreError> {
        Ok(self.0.read().unwrap().1.iter().filter(|(k, _)| k.0.starts_with(&range.prefix) && range.after.as_ref().is_none_or(|a| &k.0 > a)).take(limit).map(|(k, v)| Entry { key: k.clone(), value: v.clone() }).collect())
    }
    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let mut g = self.0.write().unwrap();
        for (k, v) in &batch.e { if g.1.get(k) != v.as_ref() { return Err(StoreError::Conflict) } }
        for (k, v) in batch.w { match v { Some(v) => { g.1.insert(k, v); } None => { g.1.remove(&k); } } }
        g.0 += 1; Ok(())
    }
    fn generation(&self) -> Result<u64, StoreError> { Ok(self.0.read().unwrap().0) }
}
impl<S: Store + ?Sized> Store for std::sync::Arc<S> {
    fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> { (**self).get(key) }
    fn scan(&self, range: KeyRange, limit: usize) -> Result<Vec<Entry>, StoreError> { (**self).scan(range, limit) }
    fn commit(&self, batch: Batch) -> Result<(), StoreError> { (**self).commit(batch) }
    fn generation(&self) -> Result<u64, StoreError> { (**self).generation() }
}
