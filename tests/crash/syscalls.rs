//! Every system call that changes something on disk, in the life of a process that does one verb: killed there, failing
//! there, full from there on.

use std::{
    collections::BTreeSet,
    os::unix::process::ExitStatusExt as _,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use casevault::session::Memory;

use crate::{
    clinic,
    judge::Expected,
    look::{Found, look},
    place::{Files, Place},
    tally::{Tally, Verdict, is_full, sample, skipped},
    trace::{Call, Ended, Injection, Trace, Writers, missing},
    verb::Verb,
};

/// Of several hundred, how many are tried when nobody asks for all.
const BY_DEFAULT: usize = 90;

const THREADS: usize = 2;

/// A verb, where it begins, and what it calls.
struct Scene {
    expected: Expected,
    /// Where it begins; none for a vault that is to be made.
    files: Option<Files>,
    calls: Vec<Call>,
    /// Every file the verb's process touches.
    paths: BTreeSet<String>,
}

impl Scene {
    /// Runs the verb undisturbed, once as it is and once with a single writer, and looks at what it leaves.
    fn of(verb: Verb, (begun, memory): (&Files, &Memory), beside: &Path) -> Self {
        let files = (verb != Verb::Create).then(|| begun.clone());
        let mut scene = Self {
            expected: Expected { verb, ends: None, memory: memory.clone() },
            files,
            calls: Vec::new(),
            paths: BTreeSet::new(),
        };
        let slot = Place::new(beside.join("slot"));
        for writers in [Writers::One, Writers::Any] {
            scene.set(&slot);
            let ended = Trace { job: verb.name(), place: &slot, round: 7 }.plain(writers);
            assert!(ended.said.is_done && ended.said.is_closed, "{verb:?} undisturbed: {:?}", ended.said);
            let (calls, paths) = ended.calls(&slot, writers);
            // What the engine's own threads call, and nobody else.
            let is_theirs = |call: &Call| ["pwrite64", "sync_file_range"].contains(&call.name.as_str());
            scene.calls.extend(calls.into_iter().filter(|call| writers == Writers::Any || is_theirs(call)));
            scene.paths.extend(paths);
        }
        if scene.files.is_some() {
            let after = seen(&slot, memory);
            scene.set(&slot);
            scene.expected.ends = Some([seen(&slot, memory), after]);
        }
        scene
    }

    fn set(&self, slot: &Place) {
        match &self.files {
            Some(files) => slot.lay(files),
            None => slot.clear(),
        }
    }

    fn points(&self) -> impl Iterator<Item = (&Self, &Call, Injection)> {
        let all = move |call| Injection::ALL.map(|injection| (self, call, injection));
        self.calls.iter().flat_map(all)
    }

    /// Tries one point; none if the process ended without coming to it.
    fn attempt(&self, slot: &Place, call: &Call, injection: Injection) -> Option<(Ended, Verdict)> {
        self.set(slot);
        let verb = self.expected.verb;
        let ended = Trace { job: verb.name(), place: slot, round: 7 }.injected(call, injection, &self.paths);
        if !ended.is_injected(call, injection) {
            return None;
        }
        let verdict = match ended.status {
            None => Verdict::Panicked("it hung".to_owned()),
            Some(status) if injection != Injection::Kill && status.signal().is_some() => {
                Verdict::Panicked(format!("it ended with {status}"))
            }
            Some(_) if injection != Injection::Kill && is_unsaid(call, &ended) => {
                Verdict::Silent("acknowledged though the disk had not taken it".to_owned())
            }
            Some(_) => self.expected.judge(slot, &ended.said),
        };
        Some((ended, verdict))
    }
}

/// Whether a sync failed that an acknowledgement rests on, and it was given all the same. An anchor that could not be
/// kept is warned of and kept later; it only says how far the store has come.
fn is_unsaid(call: &Call, ended: &Ended) -> bool {
    let is_sync = ["fsync", "fdatasync"].contains(&call.name.as_str());
    let is_anchor = call.paths.iter().all(|path| path == "host" || path == "host/anchor.new");
    is_sync && !call.is_after && !is_anchor && ended.said.is_done
}

fn seen(place: &Place, memory: &Memory) -> Found {
    let vault = clinic::open(place, 30).unwrap();
    look(&vault, 31, memory.clone()).unwrap()
}

#[test]
fn every_system_call_may_be_the_last_or_fail() {
    if let Some(reason) = missing() {
        return skipped("every_system_call_may_be_the_last_or_fail", &reason);
    }
    let directory = tempfile::tempdir().unwrap();
    // As the trace will name it.
    let path = directory.path().canonicalize().unwrap();
    let begun = Place::new(path.join("begun"));
    let memory = clinic::begin(&begun);
    let files = begun.files();
    let scenes = Verb::ALL.map(|verb| Scene::of(verb, (&files, &memory), &path));
    let points = sample(scenes.iter().flat_map(Scene::points).collect(), BY_DEFAULT);
    let tally = Mutex::new(Tally::new("syscalls"));
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for number in 0..THREADS {
            let slot = Place::new(path.join(format!("slot-{number}")));
            let (points, tally, next) = (&points, &tally, &next);
            scope.spawn(move || {
                while let Some((scene, call, injection)) = points.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let Some((ended, verdict)) = scene.attempt(&slot, call, *injection) else {
                        continue;
                    };
                    let Call { name, nth, writers, paths, .. } = call;
                    let verb = scene.expected.verb.name();
                    let point = format!("{verb}, {name} {nth} ({writers:?}) of {paths:?}, {injection:?}");
                    tally.lock().unwrap().add(&point, ended.said.events.len(), verdict);
                }
            });
        }
    });
    let tally = tally.into_inner().unwrap();
    assert!(tally.points() * 3 > points.len() * 2, "only {} of {} came to be", tally.points(), points.len());
    assert!(!is_full() || tally.points() >= 400);
    tally.finish();
}
