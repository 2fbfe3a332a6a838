//! Public vectors and real charts, where they are at hand: named as skipped where they are not.

use std::{
    collections::BTreeSet,
    env, fs,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

use casevault::{
    fhir::{Bundle, Pseudonyms, split},
    id::Digest,
    merkle::{Head, verify_consistency, verify_inclusion},
};
use serde_json::Value;

pub(crate) fn directory(variable: &str, test: &str) -> Option<PathBuf> {
    let found = env::var_os(variable).map(PathBuf::from);
    if found.is_none() {
        // Past the test harness, which keeps what passes to itself.
        writeln!(std::io::stderr(), "SKIPPED {test}: {variable} does not name its data").unwrap();
    }
    found
}

pub(crate) fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut queue = vec![directory.to_owned()];
    while let Some(path) = queue.pop() {
        if path.is_dir() {
            queue.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn base64(text: &str) -> Vec<u8> {
    let value = |symbol: u8| match symbol {
        b'A'..=b'Z' => Some(symbol - b'A'),
        b'a'..=b'z' => Some(symbol - b'a' + 26),
        b'0'..=b'9' => Some(symbol - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let (mut bits, mut count, mut bytes) = (0u32, 0u32, Vec::new());
    for digit in text.bytes().filter_map(value) {
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap());
        }
    }
    bytes
}

fn digest(value: &Value) -> Option<Digest> {
    Some(Digest::from_bytes(base64(value.as_str().unwrap_or_default()).try_into().ok()?))
}

fn digests(value: &Value) -> Option<Vec<Digest>> {
    value.as_array().map_or(Some(Vec::new()), |items| items.iter().map(digest).collect())
}

/// The proof files of transparency-dev/merkle, `testdata/`, below the directory that `CASEVAULT_MERKLE_VECTORS` names.
#[test]
fn public_merkle_proofs_are_judged_as_published() {
    let Some(directory) =
        directory("CASEVAULT_MERKLE_VECTORS", "public_merkle_proofs_are_judged_as_published")
    else {
        return;
    };
    let mut checked = 0;
    // Proofs about a part of a tree are another thing, which nothing here makes.
    let is_ours = |path: &PathBuf| {
        !path.components().any(|part| part.as_os_str().to_string_lossy().starts_with("subtree"))
    };
    for path in files(&directory).into_iter().filter(is_ours) {
        let vector: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let is_wrong = vector.get("wantErr").and_then(Value::as_bool).unwrap_or(false);
        let number = |name: &str| vector.get(name).and_then(Value::as_u64).unwrap_or(0);
        let field = |name: &str| vector.get(name).unwrap_or(&Value::Null);
        let proof = digests(field("proof"));
        // One published root is no hash at all, and the proof holds for it: here a root is thirty-two bytes.
        let is_root = |name: &str| vector.get(name).is_none_or(|value| digest(value).is_some());
        if !is_wrong && !["root", "root1", "root2"].into_iter().all(is_root) {
            continue;
        }
        let holds = if vector.get("size1").is_some() {
            let head = |size: &str, root: &str| Some(Head { size: number(size), root: digest(field(root))? });
            let heads = head("size1", "root1").zip(head("size2", "root2"));
            heads.zip(proof).is_some_and(|((old, new), proof)| verify_consistency(&old, &new, &proof).is_ok())
        } else if vector.get("leafIdx").is_some() {
            let head = digest(field("root")).map(|root| Head { size: number("treeSize"), root });
            let parts = head.zip(digest(field("leafHash"))).zip(proof);
            parts.is_some_and(|((head, leaf), proof)| {
                verify_inclusion(&leaf, number("leafIdx"), &head, &proof).is_ok()
            })
        } else {
            continue;
        };
        assert_eq!(holds, !is_wrong, "{}", path.display());
        checked += 1;
    }
    assert!(checked > 100, "{checked} proofs");
    writeln!(std::io::stderr(), "{checked} public Merkle proofs checked").unwrap();
}

/// What says who in a chart, by a search that knows nothing of the crate's.
#[derive(Default)]
struct Who {
    words: BTreeSet<String>,
    strings: BTreeSet<String>,
}

impl Who {
    fn of(chart: &Value) -> Self {
        let mut who = Self::default();
        for resource in chart.get("entry").and_then(Value::as_array).into_iter().flatten() {
            let resource = resource.get("resource").unwrap_or(&Value::Null);
            let kind = resource.get("resourceType").and_then(Value::as_str).unwrap_or_default();
            if ["Patient", "Practitioner", "RelatedPerson", "Organization"].contains(&kind) {
                who.gather(resource, kind);
            }
        }
        who
    }

    fn gather(&mut self, resource: &Value, kind: &str) {
        let texts = |pointer: &str| {
            let value = resource.pointer(pointer).cloned().unwrap_or_default();
            let found = if let Value::Array(items) = value { items } else { vec![value] };
            found.into_iter().filter_map(|value| value.as_str().map(str::to_owned)).collect::<Vec<_>>()
        };
        for index in 0..4 {
            for part in ["family", "given"] {
                for name in texts(&format!("/name/{index}/{part}")) {
                    self.words
                        .extend(name.split(|symbol: char| !symbol.is_alphanumeric()).map(str::to_owned));
                }
            }
            for pointer in [
                format!("/address/{index}/line"),
                format!("/telecom/{index}/value"),
                format!("/identifier/{index}/value"),
            ] {
                // Numbers of five digits and fewer are also codes and parts of measured values.
                self.strings.extend(texts(&pointer).into_iter().filter(|text| text.len() > 5));
            }
            let is_maiden = |url: &String| url.ends_with("mothersMaidenName");
            if texts(&format!("/extension/{index}/url")).first().is_some_and(is_maiden) {
                let maiden = texts(&format!("/extension/{index}/valueString"));
                self.words.extend(maiden.iter().flat_map(|name| name.split(' ').map(str::to_owned)));
            }
        }
        self.strings.extend(texts("/birthDate"));
        self.strings.extend(texts("/id"));
        if kind == "Organization" {
            self.strings.extend(texts("/name"));
        }
        self.words.remove("");
    }
}

/// FHIR R4 charts, `.json` or `.json.gz`, below the directory that `CASEVAULT_FHIR` names.
#[test]
fn real_charts_are_taken_whole_and_their_cases_say_nobodys_name() {
    let test = "real_charts_are_taken_whole_and_their_cases_say_nobodys_name";
    let Some(directory) = directory("CASEVAULT_FHIR", test) else { return };
    let (mut charts, mut entries, mut searched, mut refused) = (0, 0, 0, 0);
    for path in files(&directory).iter().filter(|path| path.to_string_lossy().contains(".json")) {
        let bytes = fs::read(path).unwrap();
        let bundle = match Bundle::parse(&bytes) {
            Ok(bundle) => bundle,
            Err(error) => {
                writeln!(std::io::stderr(), "{}: {error}", path.display()).unwrap();
                refused += 1;
                continue;
            }
        };
        let mut plain = Vec::new();
        if bytes.starts_with(&[0x1f, 0x8b]) {
            flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut plain).unwrap();
        } else {
            plain.clone_from(&bytes);
        }
        let who = Who::of(&serde_json::from_slice(&plain).unwrap());
        let parts = split(&bundle, Pseudonyms::with_key([9; 32])).unwrap();
        assert_eq!(bundle.original(), bytes);
        let stubs = parts.case.iter().filter(|entry| entry.kind == "Patient").count();
        assert_eq!(parts.identity.len() + parts.case.len() - stubs, bundle.len());
        let case: String = parts.case.iter().map(|entry| str::from_utf8(&entry.bytes).unwrap()).collect();
        let words: BTreeSet<&str> = case.split(|symbol: char| !symbol.is_alphanumeric()).collect();
        for word in &who.words {
            assert!(!words.contains(word.as_str()), "{}: {word}", path.display());
        }
        for string in &who.strings {
            assert!(!case.contains(string), "{}: {string}", path.display());
        }
        charts += 1;
        entries += bundle.len();
        searched += who.words.len() + who.strings.len();
    }
    assert!(charts > 0);
    writeln!(
        std::io::stderr(),
        "{charts} charts with {entries} entries, {refused} refused; {searched} strings searched for, none found"
    )
    .unwrap();
}
