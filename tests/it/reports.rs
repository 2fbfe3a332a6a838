//! What an auditor's export is told as: events and grants for programs, and the report for people.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::Path,
};

use base64ct::{Base64, Encoding as _};
use casevault::{
    audit::{self, AuditReport, Gravity},
    consent::Terms,
    event::{Step, Verb},
    party::Patient,
    report::{Format, Language, Written, write_events, write_report},
    time::{Timestamp, days},
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    forged::{Forged, Line},
    forgeries::released,
    supervision::{clinic, export, lines, put},
    world::{ALICE, BOB, CAROL, World, keyring},
};

/// The two files of a format.
pub(crate) fn told(directory: &Path, format: Format, at: Timestamp) -> ([String; 2], Written) {
    let files = tempfile::tempdir().unwrap();
    let written =
        write_events(directory, format, at, |name| fs::File::create(files.path().join(name))).unwrap();
    (format.files().map(|name| fs::read_to_string(files.path().join(name)).unwrap()), written)
}

pub(crate) fn page(directory: &Path, language: Language, at: Timestamp) -> (String, AuditReport) {
    let audit = audit::verify(directory, None).unwrap();
    let mut page = Vec::new();
    write_report(directory, &audit, (language, at), &mut page).unwrap();
    (String::from_utf8(page).unwrap(), audit)
}

pub(crate) fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn now(world: &World) -> Timestamp {
    world.in_days(0)
}

/// Everything that is made of an export, each with its name.
fn all(directory: &Path, at: Timestamp) -> Vec<(String, String)> {
    let files = Format::ALL.iter().flat_map(|format| {
        let (texts, _) = told(directory, *format, at);
        format.files().map(str::to_owned).into_iter().zip(texts)
    });
    let pages =
        Language::ALL.iter().map(|language| (format!("{language:?}"), page(directory, *language, at).0));
    files.chain(pages).collect()
}

/// The text between two others.
fn between<'t>(text: &'t str, begin: &str, end: &str) -> &'t str {
    let rest = text.split_once(begin).unwrap_or_else(|| panic!("no {begin}")).1;
    rest.split_once(end).unwrap().0
}

/// A number of the summary.
fn fact(page: &str, name: &str) -> u64 {
    between(page, &format!("id=\"n-{name}\"><data value=\""), "\"").parse().unwrap()
}

#[test]
fn no_name_and_no_content_is_in_what_an_auditor_gets() {
    let world = clinic();
    let directory = export(&world);
    // Names, what a doctor is, what was written, and what a registrar wrote of it.
    let planted = [
        "Alice",
        "Bob",
        "Carol",
        "Dave",
        "Mallory",
        "Sparrow",
        "cardiology",
        "surgery",
        "a rash",
        "it itches",
        "eczema",
        "not in the register",
    ];
    for (name, text) in all(directory.path(), now(&world)) {
        assert!(text.len() > 1000, "{name}");
        for word in planted {
            assert!(!text.contains(word), "{word:?} is in {name}");
        }
    }
}

#[test]
fn every_number_of_the_summary_is_the_audits_or_counted_in_the_events() {
    let world = clinic();
    let directory = export(&world);
    let ([events, grants], written) = told(directory.path(), Format::Ndjson, now(&world));
    let (events, grants) = (objects(&events), objects(&grants));
    let of = |verb: &str| u64::try_from(events.iter().filter(|event| event["verb"] == verb).count()).unwrap();
    // What registrars read besides, letters, is of no folder.
    let opened = |event: &&Value| event["verb"] == "Open" && event.get("folder").is_some();
    let openings = u64::try_from(events.iter().filter(opened).count()).unwrap();
    let is_over = |grant: &&Value| {
        grant.get("ended").is_some() || grant["until"].as_str().unwrap() <= moment(now(&world)).as_str()
    };
    let ended = u64::try_from(grants.iter().filter(is_over).count()).unwrap();
    assert!(ended > 0 && ended < written.grants && of("Deny") > 0);
    for language in Language::ALL {
        let (page, audit) = page(directory.path(), *language, now(&world));
        for (name, number) in [
            ("findings", 0),
            ("events", audit.events),
            ("streams", audit.streams),
            ("epochs", audit.epochs),
            ("openings", openings),
            ("refusals", of("Deny")),
            ("ended", ended),
            ("in-force", written.grants - ended),
        ] {
            assert_eq!(fact(&page, name), number, "{name}, {language:?}");
        }
        assert!(page.contains(&audit.log.root.to_hex()) && page.contains(&audit.vault.to_hex()));
        assert!(page.contains("class=\"verdict sound\""));
        assert_eq!(written.events, audit.events);
        let bars = page.matches("class=\"s").count();
        assert!(bars > 2, "the openings are drawn");
        assert_eq!(page.matches(&format!("lang=\"{}\"", language.tag())).count(), 1);
    }
}

fn moment(at: Timestamp) -> String {
    format!("{at:?}")
}

#[test]
fn what_is_wrong_is_shown_with_its_gravity_and_first_index() {
    let world = clinic();
    let directory = export(&world);
    let mut changed = lines(directory.path());
    let cut = changed.len() / 3;
    changed.remove(cut);
    put(directory.path(), &changed);
    for language in Language::ALL {
        let (page, audit) = page(directory.path(), *language, now(&world));
        assert_eq!(audit.worst(), Some(Gravity::Tampering));
        assert!(page.contains("class=\"verdict tampering\""));
        let table = between(&page, "id=\"t-findings\"", "</table>");
        let rows: Vec<&str> = table.split("<tr>").skip(2).collect();
        assert_eq!(rows.len(), audit.findings.len());
        assert_eq!(fact(&page, "findings"), u64::try_from(rows.len()).unwrap());
        for (row, finding) in rows.iter().zip(&audit.findings) {
            assert!(row.contains(&format!("<data value=\"{}\">", finding.index)), "{row}");
            assert!(row.contains("class=\"badge tampering\""), "{row}");
        }
    }
}

#[test]
fn a_hostile_export_breaks_out_of_nothing() {
    let world = clinic();
    let directory = export(&world);
    let evil = "</script><script>alert(1)</script>\u{202e}=cmd()";
    let mut changed = lines(directory.path());
    let count = changed.len();
    for (place, member) in [(1, "stream"), (3, "event"), (5, "brings"), (7, "more")] {
        let mut line: Value = serde_json::from_str(&changed[place]).unwrap();
        line[member] = match member {
            "brings" => serde_json::json!([{ "grant": evil }]),
            _ => evil.into(),
        };
        changed[place] = line.to_string();
    }
    for (place, number) in [(9, u64::MAX.to_string()), (11, "1e999".to_owned()), (13, "-1".to_owned())] {
        changed[place] = changed[place].replacen("\"seq\":", &format!("\"seq\":{number},\"was\":"), 1);
    }
    changed[15] = changed[15].replacen("\"received\":", "\"received\":18446744073709551615,\"was\":", 1);
    // A number that a line may hold is kept as it is: in a stream of which nothing else is wrong.
    let line: Value = serde_json::from_str(&changed[count - 1]).unwrap();
    changed[count - 1] =
        changed[count - 1].replacen(&format!("\"seq\":{}", line["seq"]), &format!("\"seq\":{}", u64::MAX), 1);
    changed.insert(19, evil.repeat(20_000));
    put(directory.path(), &changed);
    let policy = directory.path().join("policy.json");
    let mut said: Value = serde_json::from_slice(&fs::read(&policy).unwrap()).unwrap();
    said["origin"] = evil.into();
    said["registrars"] = serde_json::json!([{ "party": evil, "fingerprint": evil }]);
    fs::write(&policy, said.to_string()).unwrap();
    let parties = directory.path().join("parties.ndjson");
    let text = fs::read_to_string(&parties).unwrap();
    fs::write(&parties, format!("{text}{}\n", serde_json::json!({ "stream": evil }))).unwrap();
    let clean = page(export(&world).path(), Language::English, now(&world)).0;
    let tags = |page: &str| page.matches("<script").count();
    for (name, text) in all(directory.path(), now(&world)) {
        for planted in ["alert(1)", "\u{202e}", "cmd()"] {
            assert!(!text.contains(planted), "{planted:?} is in {name}");
        }
        if name == "English" || name == "Chinese" {
            assert_eq!((tags(&text), tags(&clean)), (1, 1), "{name}");
            assert!(text.contains("18,446,744,073,709,551,615"), "{name}");
        }
    }
    let (texts, written) = told(directory.path(), Format::Ndjson, now(&world));
    assert!(written.unreadable >= 8, "{written:?}");
    let unreadable = objects(&texts[0]).into_iter().filter(|event| event["decision"] == "unreadable").count();
    assert_eq!(u64::try_from(unreadable).unwrap(), written.unreadable);
    let mut reader = csv::Reader::from_reader(
        fs::File::open({
            let path = directory.path().join("read.csv");
            fs::write(&path, &told(directory.path(), Format::Csv, now(&world)).0[0]).unwrap();
            path
        })
        .unwrap(),
    );
    assert_eq!(
        reader.records().map(Result::unwrap).count(),
        usize::try_from(written.events + written.unreadable).unwrap()
    );
    assert!(count > 20);
}

#[test]
fn the_page_lets_in_its_own_style_and_script_and_loads_nothing() {
    let world = clinic();
    for language in Language::ALL {
        let (page, _) = page(export(&world).path(), *language, now(&world));
        let policy = between(&page, "http-equiv=\"Content-Security-Policy\" content=\"", "\"");
        let digest = |text: &str| format!("'sha256-{}'", Base64::encode_string(&Sha256::digest(text)));
        let (style, script) =
            (between(&page, "<style>", "</style>"), between(&page, "<script>", "</script>"));
        assert_eq!(
            policy,
            format!(
                "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
                digest(style),
                digest(script)
            )
        );
        let body = page.replace(style, "").replace(script, "");
        for outside in
            [" style=", " src=", "http://", "https://", "url(", "@import", "<link", "<img", "<iframe"]
        {
            assert!(!body.contains(outside), "{outside:?}");
        }
        for tag in body.split('<').filter_map(|rest| rest.split('>').next()) {
            let mut handlers =
                tag.split(" on").skip(1).map(|rest| rest.trim_start_matches(char::is_alphabetic));
            assert!(!handlers.any(|rest| rest.starts_with('=')), "{tag}");
        }
        assert!(!style.contains("url(") && !style.contains("@import") && !script.contains("innerHTML"));
        // For who cannot see it, and without the script.
        assert_eq!(page.matches("<svg").count(), page.matches("<title id=").count());
        assert_eq!(page.matches("<svg").count(), page.matches("<desc id=").count());
        assert!(!page.contains("<th>") && page.matches("<th scope=").count() > 10);
        assert_eq!(page.matches("<table").count(), page.matches("<caption").count());
    }
}

#[test]
fn csv_and_ndjson_say_the_same() {
    let world = clinic();
    let directory = export(&world);
    let (jsons, written) = told(directory.path(), Format::Ndjson, now(&world));
    let (csvs, _) = told(directory.path(), Format::Csv, now(&world));
    for (json, text) in jsons.iter().zip(&csvs) {
        let objects = objects(json);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let columns: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), objects.len());
        for (row, object) in rows.iter().zip(&objects) {
            for (column, cell) in columns.iter().zip(row) {
                let said = match object.get(column) {
                    None => String::new(),
                    Some(Value::String(text)) => text.clone(),
                    Some(other) => other.to_string(),
                };
                assert_eq!(cell, said, "{column}");
            }
            let more: BTreeSet<&String> =
                object.as_object().unwrap().keys().filter(|key| !columns.contains(key)).collect();
            assert!(more.is_empty() || more.iter().all(|key| *key == "grants"), "{more:?}");
        }
    }
    assert!(written.events > 50 && written.grants > 8);
}

#[test]
fn an_event_says_who_did_what_by_which_right() {
    let world = clinic();
    let directory = export(&world);
    let ([events, grants], _) = told(directory.path(), Format::Ndjson, now(&world));
    let (events, grants) = (objects(&events), objects(&grants));
    let bob = format!("party:{}", keyring(BOB).party().to_hex());
    let his: Vec<&Value> =
        events.iter().filter(|event| event["verb"] == "Open" && event["actor"] == bob.as_str()).collect();
    assert!(his.len() > 1);
    for event in his.iter().filter(|event| event["stream"] != bob.as_str()) {
        assert_eq!((&event["role"], &event["decision"]), (&"doctor".into(), &"permitted".into()), "{event}");
        let grant = grants.iter().find(|grant| grant["grant"] == event["grant"]).unwrap();
        assert_eq!((&grant["reader"], &grant["folder"]), (&event["actor"], &event["folder"]));
        assert_eq!((&grant["purpose"], &grant["kind"]), (&event["purpose"], &event["kind"]));
    }
    let named = events.iter().filter_map(|event| Some((event, event.get("grant")?)));
    for (event, named) in named {
        assert!(grants.iter().any(|grant| grant["grant"] == *named), "{event}");
        assert_ne!(event["role"], "patient", "an owner needs none: {event}");
    }
    let own = events.iter().filter(|event| event["verb"] == "Open" && event["role"] == "patient");
    assert!(own.into_iter().all(|event| event["purpose"] == "own"));
    let refused = events.iter().find(|event| event["verb"] == "Deny").unwrap();
    assert_eq!(
        (&refused["decision"], &refused["reason"]),
        (&"refused".into(), &"Absent".into()),
        "{refused}"
    );
    assert!(refused["on_behalf_of"].is_string());
    // In the order of the lines, each with its place and the moment to the millisecond.
    let raw = lines(directory.path());
    for (index, (event, line)) in events.iter().zip(&raw).enumerate() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(event["index"], index);
        assert_eq!((&event["stream"], &event["seq"]), (&line["stream"], &line["seq"]));
        assert_eq!(event["received"], moment(Timestamp::at_ms(line["received"].as_u64().unwrap())));
    }
}

/// Where each grant of a case stands, by its reader: how it ended.
fn standing(world: &World) -> BTreeMap<(String, String), Option<String>> {
    let ([_, grants], _) = told(export(world).path(), Format::Ndjson, now(world));
    let standing =
        objects(&grants).into_iter().filter(|grant| grant["owner_role"] == "patient").map(|grant| {
            let reader = [("bob", BOB), ("carol", CAROL)]
                .into_iter()
                .find(|(_, seed)| grant["reader"] == format!("party:{}", keyring(*seed).party().to_hex()));
            let name = reader.map_or("office", |(name, _)| name).to_owned();
            (
                (name, grant["kind"].as_str().unwrap().to_owned()),
                grant.get("how").map(|how| how.as_str().unwrap().to_owned()),
            )
        });
    standing.collect()
}

#[test]
fn a_grant_goes_on_through_new_keys_until_it_is_revoked() {
    let world = World::new();
    let alice = world.patient(ALICE, "Alice");
    let (bob, carol) = (world.doctor(BOB, "Bob"), world.doctor(CAROL, "Carol"));
    let case = alice.open_case("a rash").unwrap();
    let until = world.in_days(20);
    alice.assign(&case, bob.id(), Terms::treatment().until(until)).unwrap();
    alice.opinion(&case, carol.id(), Terms::opinion().until(until)).unwrap();
    let hers = || {
        let ([_, grants], _) = told(export(&world).path(), Format::Ndjson, now(&world));
        let reader = format!("party:{}", carol.id().to_hex());
        let is_hers = |grant: &Value| grant["reader"] == reader.as_str() && grant["kind"] == "case";
        objects(&grants).into_iter().filter(is_hers).collect::<Vec<_>>()
    };
    let given = hers();
    let key = |name: &str, kind: &str| (name.to_owned(), kind.to_owned());
    let before = standing(&world);
    assert_eq!(before[&key("bob", "case")], None);
    assert_eq!(before[&key("carol", "case")], None);
    world.clock.advance(days(1));
    alice.revoke(&case, bob.id()).unwrap();
    let after = standing(&world);
    assert_eq!(after[&key("bob", "case")].as_deref(), Some("revoked"));
    assert!(after[&key("bob", "identity")].is_some(), "the identity goes with its case");
    assert_eq!(after[&key("carol", "case")], None, "the new key is hers too");
    assert_eq!(hers(), given, "a new key is no new grant: it is named by the first, and given then");
    assert_eq!((before.len(), given.len()), (after.len(), 1));
    // What expires needs no event.
    let directory = export(&world);
    let in_force = |at| fact(&page(directory.path(), Language::English, at).0, "in-force");
    let before = Timestamp::at_ms(until.as_ms() - 1);
    assert_eq!(in_force(before), in_force(now(&world)));
    assert_eq!(in_force(until) + 1, in_force(now(&world)), "its end is not included");
}

#[test]
fn who_tried_while_suspended_or_withdrawn_is_shown() {
    let world = World::new();
    let alice = world.patient(ALICE, "Alice");
    let bob = world.doctor(BOB, "Bob");
    let case = alice.open_case("a rash").unwrap();
    alice.assign(&case, bob.id(), Terms::treatment()).unwrap();
    let his = bob.cases().unwrap().remove(0);
    let directory = export(&world);
    assert!(!page(directory.path(), Language::English, now(&world)).0.contains("t-tries"));
    world.office().withdraw(bob.id()).unwrap();
    for _ in 0..2 {
        assert!(bob.open(&his).is_err());
    }
    let directory = export(&world);
    for language in Language::ALL {
        let (page, _) = page(directory.path(), *language, now(&world));
        let table = between(&page, "id=\"t-tries\"", "</table>");
        assert_eq!(table.matches("<tr>").count(), 2, "{table}");
        assert!(table.contains(&bob.id().to_hex()) && table.contains("<data value=\"2\">"), "{table}");
    }
}

/// What BALP asks of a profile: agents and entities by their types, and what else is fixed.
struct Pattern {
    profile: &'static str,
    kind: &'static str,
    subtype: &'static str,
    action: &'static str,
    /// Agents by the code of their type, and whether the profile asks for a network.
    agents: &'static [(&'static str, bool)],
    /// Entities by the code of their type and of their role.
    entities: &'static [(&'static str, Option<&'static str>)],
}

/// Of IHE's Basic Audit Log Patterns, version 1.1.
const PATTERNS: &[Pattern] = &[
    Pattern {
        profile: "PatientRead",
        kind: "rest",
        subtype: "read",
        action: "R",
        agents: &[("110152", true), ("110153", true), ("IRCP", false)],
        entities: &[("1", Some("1")), ("2", Some("4"))],
    },
    Pattern {
        profile: "Read",
        kind: "rest",
        subtype: "read",
        action: "R",
        agents: &[("110152", true), ("110153", true), ("IRCP", false)],
        entities: &[("2", Some("4"))],
    },
    Pattern {
        profile: "AuthZconsent",
        kind: "110113",
        subtype: "AuthZ-Consent",
        action: "E",
        agents: &[("110150", true), ("IRCP", false), ("PROV", false), ("authserver", false)],
        entities: &[("1", Some("1")), ("Consent", None)],
    },
    Pattern {
        profile: "PrivacyDisclosure.Source",
        kind: "110106",
        subtype: "disclose",
        action: "R",
        agents: &[("110153", true), ("110152", true), ("429577009", false)],
        entities: &[("1", Some("1")), ("2", Some("4"))],
    },
];

fn check(event: &Value, pattern: &Pattern) {
    let Pattern { profile, kind, subtype, action, agents, entities } = pattern;
    assert_eq!(event["type"]["code"], *kind, "{profile}");
    assert_eq!(event["subtype"][0]["code"], *subtype, "{profile}");
    assert_eq!((&event["action"], &event["outcome"]), (&(*action).into(), &"0".into()), "{profile}");
    let list = |name: &str| event[name].as_array().unwrap().clone();
    let (said, of) = (list("agent"), list("entity"));
    assert_eq!((said.len(), of.len()), (agents.len(), entities.len()), "{profile}");
    for (code, has_network) in *agents {
        let its: Vec<&Value> =
            said.iter().filter(|agent| agent["type"]["coding"][0]["code"] == *code).collect();
        assert_eq!(its.len(), 1, "{profile}: {code}");
        assert!(its[0]["who"].is_object() && its[0]["requestor"].is_boolean(), "{profile}: {code}");
        assert_eq!(its[0].get("network").is_some(), *has_network, "{profile}: {code}");
        assert_eq!(its[0]["requestor"], matches!(*code, "IRCP" | "429577009"), "{profile}: {code}");
    }
    for (code, role) in *entities {
        let its: Vec<&Value> = of.iter().filter(|entity| entity["type"]["code"] == *code).collect();
        assert_eq!(its.len(), 1, "{profile}: {code}");
        assert!(its[0]["what"]["identifier"]["value"].is_string(), "{profile}: {code}");
        assert_eq!(its[0]["role"]["code"].as_str(), *role, "{profile}: {code}");
        if *code == "1" {
            assert_eq!(its[0]["what"]["type"], "Patient", "{profile}");
        }
    }
    // BALP's val-audit-source: who holds the log is the server, the authoriser, the source.
    let holder = match *profile {
        "AuthZconsent" => "authserver",
        _ => "110153",
    };
    let its = said.iter().find(|agent| agent["type"]["coding"][0]["code"] == holder).unwrap();
    assert_eq!(its["who"], event["source"]["observer"], "{profile}");
}

#[test]
fn audit_events_follow_ihes_patterns() {
    let mut seen = BTreeMap::new();
    for world in [clinic(), released()] {
        let directory = export(&world);
        let ([events, consents], written) = told(directory.path(), Format::Fhir, now(&world));
        let (events, consents) = (objects(&events), objects(&consents));
        let forged = Forged::of(&world);
        let steps: Vec<Step> = forged.streams.iter().flat_map(|(_, lines)| lines).map(Line::step).collect();
        // What registrars read besides, letters, is of no folder.
        let is_told = |step: &&Step| step.verb != Verb::Open || step.folder.is_some();
        let count = |verb: Verb| steps.iter().filter(is_told).filter(|step| step.verb == verb).count();
        let of = |profile: &str| events.iter().filter(|event| profile_of(event) == Some(profile)).count();
        assert_eq!(of("PatientRead") + of("Read"), count(Verb::Open), "every opening");
        assert_eq!(of("PrivacyDisclosure.Source"), count(Verb::Share), "every case that was shared");
        assert_eq!(
            events.len() - of("AuthZconsent"),
            usize::try_from(written.events).unwrap(),
            "every event"
        );
        let ids: BTreeSet<&str> =
            events.iter().chain(&consents).map(|event| event["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), events.len() + consents.len(), "each has an id of its own");
        for event in &events {
            let id = event["id"].as_str().unwrap();
            assert!(
                id.len() <= 64 && id.chars().all(|symbol| symbol.is_ascii_alphanumeric() || symbol == '-')
            );
            let Some(profile) = profile_of(event) else { continue };
            let pattern = PATTERNS.iter().find(|pattern| pattern.profile == profile).unwrap();
            check(event, pattern);
            *seen.entry(profile.to_owned()).or_insert(0) += 1;
            if profile == "AuthZconsent" {
                let what = &event["entity"][1]["what"]["identifier"];
                assert!(consents.iter().any(|consent| consent["identifier"][0] == *what), "{what}");
            }
        }
        sample(directory.path(), &world);
    }
    let all: BTreeSet<&str> = PATTERNS.iter().map(|pattern| pattern.profile).collect();
    assert_eq!(seen.keys().map(String::as_str).collect::<BTreeSet<_>>(), all);
}

fn profile_of(event: &Value) -> Option<&str> {
    event["meta"]["profile"][0].as_str()?.rsplit_once("IHE.BasicAudit.").map(|(_, profile)| profile)
}

#[test]
fn consents_say_who_may_what_until_when() {
    let world = clinic();
    let directory = export(&world);
    let ([_, consents], _) = told(directory.path(), Format::Fhir, now(&world));
    let ([_, grants], _) = told(directory.path(), Format::Ndjson, now(&world));
    let (consents, grants) = (objects(&consents), objects(&grants));
    let patients: Vec<&Value> = grants.iter().filter(|grant| grant["owner_role"] == "patient").collect();
    assert_eq!(consents.len(), patients.len(), "a patient's grant each, and nobody else's");
    for (consent, grant) in consents.iter().zip(patients) {
        let provision = &consent["provision"];
        assert_eq!(consent["id"], grant["grant"]);
        assert_eq!(
            provision["actor"][0]["reference"]["identifier"]["value"],
            grant["reader"].as_str().unwrap().strip_prefix("party:").unwrap()
        );
        assert_eq!(provision["data"][0]["reference"]["identifier"]["value"], grant["folder"]);
        assert_eq!(provision["period"]["start"], grant["from"]);
        let is_over = grant.get("ended").is_some();
        assert_eq!(consent["status"], if is_over { "inactive" } else { "active" });
        let end = if is_over { &grant["ended"] } else { &grant["until"] };
        assert_eq!(&provision["period"]["end"], end);
        for required in ["scope", "category", "patient", "policyRule"] {
            assert!(!consent[required].is_null(), "{required}");
        }
    }
    // The same grants when their time is over.
    let ([_, later], _) = told(directory.path(), Format::Fhir, world.in_days(400));
    assert!(objects(&later).iter().all(|consent| consent["status"] == "inactive"));
}

/// Leaves samples for the check that is not ours, where it says where.
fn sample(directory: &Path, world: &World) {
    let Ok(place) = env::var("CASEVAULT_REPORTS") else { return };
    let place = Path::new(&place).join(audit::verify(directory, None).unwrap().log.root.to_hex());
    fs::create_dir_all(&place).unwrap();
    write_events(directory, Format::Fhir, now(world), |name| fs::File::create(place.join(name))).unwrap();
}

#[test]
fn a_party_without_a_stream_of_its_own_breaks_nothing() {
    let world = World::new();
    world.enrol::<Patient>(ALICE, "Alice");
    let directory = export(&world);
    for language in Language::ALL {
        let (page, audit) = page(directory.path(), *language, now(&world));
        assert_eq!(fact(&page, "events"), audit.events);
    }
    // What is no export says so.
    let none = tempfile::tempdir().unwrap();
    let error = write_events(none.path(), Format::Csv, now(&world), |_| Ok(Vec::new())).unwrap_err();
    assert_eq!(error.code(), "audit-files");
    fs::write(none.path().join("policy.json"), "{}").unwrap();
    let error = write_events(none.path(), Format::Csv, now(&world), |_| Ok(Vec::new())).unwrap_err();
    assert_eq!(error.code(), "audit-malformed");
}

#[test]
fn every_column_stands_in_the_documentation() {
    let docs = include_str!("../../docs/audit.md");
    let (csvs, _) = told(export(&clinic()).path(), Format::Csv, Timestamp::at_ms(0));
    for (text, part) in csvs.iter().zip(["| of an event |", "| of a grant |"]) {
        let table = between(docs, part, "\n\n");
        let named: BTreeSet<&str> = table
            .lines()
            .filter_map(|row| row.strip_prefix("| `"))
            .flat_map(|row| row.split(" | ").next().unwrap().split(['`', ',', ' ']))
            .filter(|word| !word.is_empty())
            .collect();
        let columns: BTreeSet<&str> = text.lines().next().unwrap().split(',').collect();
        assert_eq!(named, columns);
    }
}
