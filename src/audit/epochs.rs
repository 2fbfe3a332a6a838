//! The log's entries, out of an export's tiles.

use std::{fs, path::Path};

use crate::{
    audit::AuditError,
    codec,
    log::{LogEpoch, entry_path},
};

/// Reads all epochs, bundle by bundle.
pub(super) fn read(directory: &Path) -> Result<Vec<LogEpoch>, AuditError> {
    let mut epochs = Vec::new();
    for bundle in 0u64.. {
        // A whole bundle, or the one that is still filled.
        let whole = directory.join(entry_path(bundle, 256));
        let partial = (1..256u16).rev().map(|width| directory.join(entry_path(bundle, width)));
        let path = std::iter::once(whole).chain(partial).find(|path| path.is_file());
        let Some(path) = path else { break };
        let bytes = fs::read(&path)?;
        let mut rest = bytes.as_slice();
        while let Some((length, entry)) = rest.split_first_chunk::<2>() {
            let length = usize::from(u16::from_be_bytes(*length));
            let (entry, after) =
                entry.split_at_checked(length).ok_or(AuditError::Malformed("tile/entries"))?;
            epochs.push(codec::decode::<LogEpoch>(entry).or(Err(AuditError::Malformed("tile/entries")))?);
            rest = after;
        }
        if !rest.is_empty() {
            return Err(AuditError::Malformed("tile/entries"));
        }
    }
    Ok(epochs)
}
