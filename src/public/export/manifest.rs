//! The manifest: every file of an export, and a signature under exactly these bytes.
//!
//! ```text
//! manifest.json                                   JSON, UTF-8, ending with a newline
//! manifest.json.sig                               one or more lines:  — <key name> base64(key id ‖ Ed25519(manifest.json))
//! manifest.json ‖ "\n" ‖ manifest.json.sig        a C2SP signed note
//! ```
//!
//! A manifest begins with `{`, which no log's name does: it is never taken for a checkpoint under the same key.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::Path,
};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::{
    codec::Malformed,
    id::Digest,
    limits::NOTE_BYTES_MAX,
    log::{Note, NoteSigner, NoteVerifier, Unverified},
    public::export::{
        ExportError,
        cases::Words,
        file::{Draft, Written},
        json::Json,
        write::Cover,
    },
};

pub(super) const MANIFEST: &str = "manifest.json";
pub(super) const SIGNATURE: &str = "manifest.json.sig";
const FORMAT: &str = "casevault public export 1";

/// Writes the manifest of these files, and what signs it.
pub(super) fn put(
    draft: &Draft,
    (cover, words): (&Cover, &Words),
    files: &[Written],
    signer: &NoteSigner<'_>,
) -> Result<(), ExportError> {
    let listed = files.iter().map(|Written { name, bytes, sha256 }| {
        Json::object([
            ("name", Json::text(name)),
            ("bytes", Json::Number(*bytes)),
            ("sha256", Json::Text(sha256.to_hex())),
        ])
    });
    let manifest = Json::object([
        ("format", Json::text(FORMAT)),
        ("name", Json::text(&cover.name)),
        ("version", Json::text(&cover.version)),
        ("published", Json::Text(cover.published.to_string())),
        ("policy", Json::Text(words.policy.to_hex())),
        ("k", Json::Number(u64::from(words.k))),
        ("files", Json::list(listed)),
    ]);
    let text = manifest.page()?;
    let note = Note::sign(&text, signer)?;
    let lines: String = note.signatures().iter().map(|line| format!("{line}\n")).collect();
    draft.put(MANIFEST, &text)?;
    draft.put(SIGNATURE, &lines)?;
    Ok(())
}

/// An export is not the one that was signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotGenuine {
    /// A file is not the one the manifest names.
    #[error("{name} is not the file that was signed")]
    Changed {
        /// The file.
        name: String,
    },
    /// A file cannot be read.
    #[error("a file of the export cannot be read")]
    Files(#[from] io::Error),
    /// The folder holds a file of which the manifest says nothing, or the manifest a name that is none.
    #[error("the folder and its manifest do not name the same files")]
    Unlisted,
    /// The manifest is not by this key.
    #[error("the manifest is not signed by this key")]
    Unverified(#[from] Unverified),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    name: String,
    bytes: u64,
    sha256: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    format: String,
    #[serde(rename = "name")]
    _name: String,
    #[serde(rename = "version")]
    _version: String,
    #[serde(rename = "published")]
    _published: String,
    #[serde(rename = "policy")]
    _policy: String,
    #[serde(rename = "k")]
    _k: u32,
    files: Vec<Listed>,
}

/// Checks that a folder holds the files that this key signed, each byte of them, and no other; says which they are.
///
/// # Errors
/// [`NotGenuine`] if not.
///
/// # Security
/// The key vouches that these files were published together. That they are the newest it does not say.
pub fn verify_export(directory: impl AsRef<Path>, key: &NoteVerifier) -> Result<Vec<Written>, NotGenuine> {
    let directory = directory.as_ref();
    let text = read(&directory.join(MANIFEST))?;
    let lines = read(&directory.join(SIGNATURE))?;
    let malformed = || NotGenuine::Unverified(Unverified::Malformed(Malformed("manifest")));
    let note = Note::parse(&[text.as_slice(), b"\n", lines.as_slice()].concat()).map_err(Unverified::from)?;
    // The note divides at its last empty line: what it says must be the manifest, and nothing else.
    let signed = note.verify(key)?;
    if signed.as_bytes() != text {
        return Err(malformed());
    }
    let Ok(manifest) = serde_json::from_str::<Manifest>(signed) else { return Err(malformed()) };
    if manifest.format != FORMAT {
        return Err(malformed());
    }
    let mut listed = vec![MANIFEST.to_owned(), SIGNATURE.to_owned()];
    let mut files = Vec::new();
    for Listed { name, bytes, sha256 } in manifest.files {
        if name.contains(['/', '\\']) || name.starts_with('.') {
            return Err(NotGenuine::Unlisted);
        }
        let sha256 = Digest::from_hex(&sha256).ok_or_else(malformed)?;
        let (length, digest) = digest_of(&directory.join(&name))?;
        if (length, digest) != (bytes, sha256) {
            return Err(NotGenuine::Changed { name });
        }
        listed.push(name.clone());
        files.push(Written { name, bytes, sha256 });
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        found.push(entry?.file_name().into_string().or(Err(NotGenuine::Unlisted))?);
    }
    listed.sort_unstable();
    found.sort_unstable();
    if listed == found { Ok(files) } else { Err(NotGenuine::Unlisted) }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let most = u64::try_from(NOTE_BYTES_MAX).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    File::open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn digest_of(path: &Path) -> io::Result<(u64, Digest)> {
    let mut file = File::open(path)?;
    let (mut hash, mut length, mut buffer) = (Sha256::new(), 0_u64, vec![0; 64 * 1024]);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((length, Digest::from_bytes(hash.finalize().into())));
        }
        hash.update(buffer.get(..read).unwrap_or_default());
        length = length.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
    }
}
