//! Pseudonyms: what stands in a case where an id stood.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::fhir::{bundle::Resource, types::is_known};

/// Turns ids to pseudonyms, under a key that is fresh for each import: nothing joins two imports.
///
/// ```text
/// pseudonym = UUID of version 8 from HMAC-SHA256(key, target)[..16]
/// ```
pub struct Pseudonyms {
    key: [u8; 32],
    /// Where each full URL leads.
    targets: BTreeMap<String, String>,
    pub(super) year: Option<u32>,
}

impl Pseudonyms {
    /// With this key, which must be random and used for one import.
    #[must_use]
    pub const fn with_key(key: [u8; 32]) -> Self {
        Self { key, targets: BTreeMap::new(), year: None }
    }

    /// The year in which the import happens, by which ages are reckoned; without it, the chart's own newest date counts.
    #[must_use]
    pub const fn imported_in(mut self, year: u32) -> Self {
        self.year = Some(year);
        self
    }

    /// Learns how a resource is referred to.
    pub(super) fn learn(&mut self, resource: &Resource) {
        let target = target_of(resource);
        self.targets.extend(resource.full_url.clone().map(|url| (url, target)));
    }

    pub(super) fn of(&self, target: &str) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else { return String::new() };
        mac.update(target.as_bytes());
        let digest: [u8; 32] = mac.finalize().into_bytes().into();
        let mut hex: Vec<char> = digest
            .iter()
            .take(16)
            .flat_map(|byte| format!("{byte:02x}").chars().collect::<Vec<_>>())
            .collect();
        // RFC 9562: version 8, the variant of all UUIDs.
        for (position, symbol) in [(12, '8'), (16, 'a')] {
            if let Some(digit) = hex.get_mut(position) {
                *digit = symbol;
            }
        }
        let mut uuid = String::new();
        for (position, symbol) in hex.into_iter().enumerate() {
            if [8, 12, 16, 20].contains(&position) {
                uuid.push('-');
            }
            uuid.push(symbol);
        }
        uuid
    }

    /// What a reference leads to, however it is written.
    fn target(&self, reference: &str, within: &str) -> String {
        if reference.starts_with('#') {
            return format!("{within}{reference}");
        }
        let plain = reference.split("/_history/").next().unwrap_or(reference);
        self.targets.get(plain).cloned().unwrap_or_else(|| plain.to_owned())
    }

    pub(super) fn reference(&self, reference: &str, within: &str) -> String {
        let pseudonym = self.of(&self.target(reference, within));
        if reference.starts_with('#') { format!("#{pseudonym}") } else { format!("urn:uuid:{pseudonym}") }
    }

    /// The type of what a reference leads to, where the document says it.
    pub(super) fn kind_of(&self, reference: &str) -> Option<String> {
        let target = self.target(reference, "");
        let kind = target.rsplit('/').nth(1)?;
        Some(kind.to_owned()).filter(|kind| is_known(kind))
    }
}

impl std::fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pseudonyms(..)")
    }
}

/// How a resource is known inside its document.
pub(super) fn target_of(resource: &Resource) -> String {
    match (&resource.id, &resource.full_url) {
        (Some(id), _) => format!("{}/{id}", resource.kind),
        (None, Some(url)) => url.clone(),
        // Nothing can refer to it; its place tells it from the others.
        (None, None) => format!("{}#{}", resource.kind, resource.place),
    }
}
