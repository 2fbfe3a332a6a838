//! What holds for any bytes whatever: no panic, and what is read is written again as it was.

use casevault::{
    codec::{self, Wire},
    crypto::{Secret, Signer},
    custodian::{Request, Response},
    event::{SignedEvent, Step},
    fhir::{Bundle, Pseudonyms, split},
    log::{
        Checkpoint, CosignRequest, KeyName, LogProof, Note, NoteSigner, NoteVerifier, SignedCheckpoint, Tile,
        Witness, WitnessSigner, WitnessState,
    },
    merkle::Head,
    party::{Card, KeyFile},
    record::SealedRecord,
    time::Timestamp,
};

/// One value, one encoding.
fn one_encoding<T: Wire>(bytes: &[u8]) {
    if let Ok(value) = codec::decode::<T>(bytes) {
        assert_eq!(codec::encode(&value), bytes);
    }
}

pub(crate) fn card(bytes: &[u8]) {
    one_encoding::<Card>(bytes);
}

pub(crate) fn event(bytes: &[u8]) {
    one_encoding::<Step>(bytes);
    one_encoding::<SignedEvent>(bytes);
}

pub(crate) fn fhir(bytes: &[u8]) {
    if let Ok(bundle) = Bundle::parse(bytes) {
        assert_eq!(bundle.original(), bytes);
        let split = split(&bundle, Pseudonyms::with_key([7; 32])).expect("what was parsed can be split");
        for entry in &split.case {
            Bundle::parse(&entry.bytes).expect("what is left is still FHIR");
        }
    }
}

pub(crate) fn key_file(bytes: &[u8]) {
    if let Ok(file) = KeyFile::from_bytes(bytes) {
        assert_eq!(file.to_bytes(), bytes);
    }
}

pub(crate) fn message(bytes: &[u8]) {
    one_encoding::<Request>(bytes);
    one_encoding::<Response>(bytes);
}

/// One text, one value: of every kind that the transparency log has.
pub(crate) fn note(bytes: &[u8]) {
    let one_text = |text: Option<String>| assert!(text.is_none_or(|text| text.as_bytes() == bytes));
    one_text(Note::parse(bytes).ok().map(|note| note.to_string()));
    one_text(SignedCheckpoint::parse(bytes).ok().map(|checkpoint| checkpoint.to_string()));
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    one_text(Checkpoint::parse(text).ok().map(|checkpoint| checkpoint.to_string()));
    one_text(LogProof::parse(text).ok().map(|proof| proof.to_string()));
    one_text(NoteVerifier::parse(text).ok().map(|key| key.to_string()));
    one_text(Witness::parse(text).ok().map(|key| key.to_string()));
    one_text(Tile::from_path(text).ok().map(Tile::path));
    one_text(Tile::from_entries_path(text).ok().and_then(Tile::entries_path));
}

pub(crate) fn sealed_record(bytes: &[u8]) {
    if let Ok(record) = SealedRecord::from_bytes(bytes) {
        assert_eq!(record.to_bytes(), bytes);
    }
}

/// One text, one value: what a witness is asked and keeps. It signs what the log signed, and its answer adds its own line and
/// no other.
pub(crate) fn witness(bytes: &[u8]) {
    let one_text = |text: Option<String>| assert!(text.is_none_or(|text| text.as_bytes() == bytes));
    one_text(CosignRequest::parse(bytes).ok().map(|request| request.to_string()));
    let text = std::str::from_utf8(bytes).ok();
    one_text(text.and_then(|text| WitnessState::parse(text).ok()).map(|state| state.to_string()));
    let keys = [1, 2].map(|seed| Signer::from_seed(&Secret::from_bytes([seed; 32])));
    let [log, witness] = ["log.example", "witness.example"].map(|name| KeyName::parse(name).expect("a name"));
    let (log, witness) = (NoteSigner::new(log, &keys[0]), WitnessSigner::new(witness, &keys[1]));
    let known = |_: &KeyName| Some(WitnessState::new(log.verifier()));
    if let Ok(pending) = witness.consider(bytes, known) {
        let line = pending.keep(Timestamp::at_ms(0), |_, _| Ok::<(), ()>(())).expect("kept").expect("a line");
        let asked = CosignRequest::parse(bytes).expect("it was read").checkpoint().clone();
        asked.verify(&log.verifier()).expect("the log signed it");
        asked.with_answer(&witness.witness(), line.as_bytes()).expect("its own line");
    }
    let empty = SignedCheckpoint::sign(Head::default(), &log).expect("a head");
    if let Ok(seen) = empty.with_answer(&witness.witness(), bytes) {
        assert_eq!(seen.note().signatures().len(), 2);
        assert!(seen.verify(&log.verifier()).is_ok() && witness.witness().verify(&seen).is_ok());
    }
}
