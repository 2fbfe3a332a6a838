//! The events of an export, read in order: decoded and verified on all cores, while those before are followed.
//!
//! ```text
//! round n     all cores   decode chunk n, verify the signatures of chunk n − 1
//!             this one    first follow chunk n − 2, event by event, and read chunk n + 1
//! after it    find who must have signed each event of chunk n: a Case's key stands in an event before
//! ```
//!
//! Four chunks are in memory at once, each bounded in lines and in bytes.

use std::{fs::File, io::BufReader, path::Path};

use crate::{
    audit::{
        State,
        cards::Cards,
        lines::{EventLine, Lines, Statement},
        stream::Cases,
    },
    credential::{AttestationStatement, RulingStatement},
    crypto::VerifyingKey,
    event::Principal,
    id::VaultId,
    merkle::Head,
    spread,
};

/// How many lines one core takes at a time.
const LINES_AT_A_TIME: usize = 32;

/// What a registrar signed, whose signature is good.
#[derive(Debug)]
pub(super) enum Said {
    Attestation(AttestationStatement),
    Ruling(RulingStatement),
}

/// A line, and what came of verifying it.
#[derive(Debug)]
pub(super) struct Checked {
    /// Nothing, if it is not of its format.
    pub(super) line: Option<EventLine>,
    /// Whether the event is signed by whom it names.
    pub(super) is_signed: bool,
    /// What it brought, if the actor signed that too.
    pub(super) said: Option<Said>,
}

/// Whose signature an event must bear.
#[derive(Debug, Clone, Copy)]
enum By {
    /// This key's.
    Key([u8; 32]),
    /// It was verified when the state was kept: the stream's head will say whether this is the same event.
    Kept,
    /// Nobody's who is known.
    Nobody,
}

/// Who signs in the streams, in the order in which they come.
#[derive(Debug)]
pub(super) struct Signers<'a> {
    pub(super) vault: (VaultId, [u8; 32]),
    pub(super) cards: &'a Cards,
    /// What was verified before.
    pub(super) state: Option<&'a State>,
    cases: Cases,
    /// How far the present stream was verified before.
    kept: Option<Head>,
}

impl<'a> Signers<'a> {
    pub(super) fn new(vault: (VaultId, [u8; 32]), cards: &'a Cards, state: Option<&'a State>) -> Self {
        Self { vault, cards, state, cases: Cases::new(vault.0, Principal::Vault(vault.0)), kept: None }
    }

    fn of(&mut self, line: &EventLine) -> By {
        if self.cases.of() != line.stream {
            self.cases = Cases::new(self.vault.0, line.stream);
            self.kept = self.state.and_then(|state| state.head(line.stream));
        }
        let Some(event) = &line.event else { return By::Nobody };
        if !self.cases.learn(&event.step) {
            return By::Nobody;
        }
        let key = match event.step.actor {
            Principal::Folder(folder) => self.cases.key(folder),
            Principal::Party(party) => self.cards.of(party).map(|known| known.key),
            Principal::Vault(vault) => (vault == self.vault.0).then_some(self.vault.1),
        };
        match key {
            None => By::Nobody,
            Some(_) if self.kept.is_some_and(|kept| line.seq < kept.size) => By::Kept,
            Some(key) => By::Key(key),
        }
    }
}

/// A line whose signature is to be verified.
type Waiting = (Option<EventLine>, By);

/// Work for one core.
enum Task<'a> {
    Check(&'a [Waiting]),
    Decode(&'a [Option<&'a [u8]>]),
}

/// What came of it.
enum Done {
    Checked(Vec<(bool, Option<Said>)>),
    Decoded(Vec<Option<EventLine>>),
}

impl Task<'_> {
    fn work(&self) -> Done {
        match self {
            Self::Check(waiting) => {
                let mut keys = Keys::default();
                Done::Checked(waiting.iter().map(|(line, by)| check(line.as_ref(), *by, &mut keys)).collect())
            }
            Self::Decode(lines) => {
                Done::Decoded(lines.iter().map(|line| line.and_then(EventLine::read)).collect())
            }
        }
    }
}

/// Reads the events, and gives them out in their order, until there are no more or the receiver has had enough.
pub(super) fn read(
    path: &Path,
    signers: &mut Signers<'_>,
    mut follow: impl FnMut(Checked) -> bool,
) -> std::io::Result<()> {
    let mut file = BufReader::with_capacity(1 << 16, File::open(path)?);
    let (mut raw, mut waiting, mut ready) =
        (Lines::read(&mut file)?, Vec::<Waiting>::new(), Vec::<Checked>::new());
    while !(raw.is_empty() && waiting.is_empty() && ready.is_empty()) {
        let lines: Vec<Option<&[u8]>> = raw.iter().collect();
        let tasks: Vec<Task<'_>> = waiting
            .chunks(LINES_AT_A_TIME)
            .map(Task::Check)
            .chain(lines.chunks(LINES_AT_A_TIME).map(Task::Decode))
            .collect();
        let (done, beside) = spread::map_beside(&tasks, Task::work, || {
            let goes_on = ready.drain(..).all(&mut follow);
            Ok::<_, std::io::Error>((
                goes_on,
                if goes_on { Lines::read(&mut file)? } else { Lines::default() },
            ))
        });
        let (goes_on, next) = beside?;
        if !goes_on {
            return Ok(());
        }
        let (mut checked, mut decoded) = (Vec::new(), Vec::new());
        for done in done {
            match done {
                Done::Checked(some) => checked.extend(some),
                Done::Decoded(some) => decoded.extend(some),
            }
        }
        let lines = waiting.into_iter().map(|(line, _)| line);
        ready.extend(lines.zip(checked).map(|(line, (is_signed, said))| Checked { line, is_signed, said }));
        let by = |line: Option<EventLine>| {
            let by = line.as_ref().map_or(By::Nobody, |line| signers.of(line));
            (line, by)
        };
        waiting = decoded.into_iter().map(by).collect();
        raw = next;
    }
    Ok(())
}

/// Keys that sign a few lines: to take one of its bytes is a tenth of verifying with it.
#[derive(Default)]
struct Keys(Vec<VerifyingKey>);

impl Keys {
    fn of(&mut self, bytes: &[u8; 32]) -> Option<VerifyingKey> {
        let known = self.0.iter().find(|key| key.as_bytes() == bytes).copied();
        known.or_else(|| {
            let key = VerifyingKey::from_bytes(*bytes).ok()?;
            self.0.push(key);
            Some(key)
        })
    }
}

/// Whether an event and what it brought are signed by whom they must be.
///
/// What was verified before is not verified again: the digest of an event is over its signature, and names what it brought with
/// the signature on that.
fn check(line: Option<&EventLine>, by: By, keys: &mut Keys) -> (bool, Option<Said>) {
    let Some(line) = line else { return (false, None) };
    let key = match by {
        By::Nobody => return (false, None),
        By::Kept => None,
        By::Key(bytes) => match keys.of(&bytes) {
            Some(key) if line.signed.check(&key).is_ok() => Some(key),
            Some(_) | None => return (false, None),
        },
    };
    let said = match (&line.statement, key) {
        (None, _) => None,
        (Some(Statement::Attestation(signed)), Some(key)) => signed.verify(&key).ok().map(Said::Attestation),
        (Some(Statement::Attestation(signed)), None) => signed.claims().ok().map(Said::Attestation),
        (Some(Statement::Ruling(signed)), Some(key)) => signed.verify(&key).ok().map(Said::Ruling),
        (Some(Statement::Ruling(signed)), None) => signed.claims().ok().map(Said::Ruling),
    };
    (true, said)
}
