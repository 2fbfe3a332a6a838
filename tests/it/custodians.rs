//! Custodians that are not what they should be: one that records, one that changes what it carries, one that is slow, one
//! whose key is its own.

use std::sync::Mutex;

use casevault::{
    codec,
    credential::Trust,
    crypto::{Signed, Signer, Statement, VerifyingKey},
    custodian::{
        Accepted, Answer, Custodian, Request, Response, SealedChart, StreamPage, Submission, Unreachable,
    },
    event::{Receipt, StreamHead, Streamed, Verb},
    id::FolderId,
    merkle::Frontier,
    party::{Keyring, Role},
    session::Memory,
    time::Timestamp,
};

use crate::world::{World, keyring};

/// The verbs of a submission, in their order; none of what is no submission.
pub(crate) fn verbs(request: &Request) -> Vec<Verb> {
    let Request::Submit(submission) = request else { return Vec::new() };
    submission.parts.iter().map(|part| part.event.claimed_step().unwrap().verb).collect()
}

/// Passes everything through, and keeps every byte.
pub(crate) struct Recording<'c> {
    inner: &'c dyn Custodian,
    messages: Mutex<Vec<(Vec<u8>, Vec<u8>)>>,
}

impl<'c> Recording<'c> {
    pub(crate) fn over(inner: &'c dyn Custodian) -> Self {
        Self { inner, messages: Mutex::default() }
    }

    pub(crate) fn messages(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.messages.lock().unwrap().clone()
    }

    /// All that was handed in, in order.
    pub(crate) fn submissions(&self) -> Vec<Submission> {
        let submission = |request: &[u8]| {
            let request = codec::decode(request).unwrap();
            if let Request::Submit(submission) = request { Some(submission) } else { None }
        };
        self.messages().iter().filter_map(|(request, _)| submission(request)).collect()
    }

    /// All that was accepted with an opened folder, in order.
    pub(crate) fn openings(&self) -> Vec<Accepted> {
        let accepted = |response: &[u8]| {
            let Response::Accepted(accepted) = codec::decode(response).unwrap() else { return None };
            Some(accepted).filter(|accepted| !accepted.charts.is_empty())
        };
        self.messages().iter().filter_map(|(_, response)| accepted(response)).collect()
    }

    /// The last opening of a folder.
    pub(crate) fn opening_of(&self, folder: FolderId) -> Accepted {
        self.openings().into_iter().rfind(|accepted| accepted.charts[0].folder == folder).unwrap()
    }

    /// The last chart of a folder.
    pub(crate) fn chart_of(&self, folder: FolderId) -> SealedChart {
        self.opening_of(folder).charts.remove(0)
    }

    /// Every byte that crossed, both ways, in order.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.messages().into_iter().flat_map(|(request, response)| [request, response].concat()).collect()
    }
}

impl Custodian for Recording<'_> {
    fn exchange(&self, message: &[u8]) -> Result<Vec<u8>, Unreachable> {
        let answer = self.inner.exchange(message)?;
        self.messages.lock().unwrap().push((message.to_vec(), answer.clone()));
        Ok(answer)
    }
}

type Answering = Box<dyn FnMut(&Request) -> Option<Response> + Send>;
type Change = Box<dyn FnMut(&Request, &mut Response) + Send>;

/// Changes answers on their way, or answers in the custodian's place.
pub(crate) struct Tampering<'c> {
    inner: &'c dyn Custodian,
    answer: Mutex<Option<Answering>>,
    change: Mutex<Option<Change>>,
    /// How many submissions with records, grants or both came through while it changed answers.
    submitted: Mutex<usize>,
}

impl<'c> Tampering<'c> {
    pub(crate) fn over(inner: &'c dyn Custodian) -> Self {
        Self { inner, answer: Mutex::new(None), change: Mutex::new(None), submitted: Mutex::new(0) }
    }

    /// From now on answers so by itself, and carries only what it has no answer to.
    pub(crate) fn answering(&self, answer: impl FnMut(&Request) -> Option<Response> + Send + 'static) {
        *self.answer.lock().unwrap() = Some(Box::new(answer));
    }

    /// From now on changes answers so.
    pub(crate) fn changing(&self, change: impl FnMut(&Request, &mut Response) + Send + 'static) {
        *self.change.lock().unwrap() = Some(Box::new(change));
        *self.submitted.lock().unwrap() = 0;
    }

    pub(crate) fn honest(&self) {
        *self.answer.lock().unwrap() = None;
        *self.change.lock().unwrap() = None;
    }

    /// How many submissions brought records or grants while answers were changed.
    pub(crate) fn submitted(&self) -> usize {
        *self.submitted.lock().unwrap()
    }
}

impl Custodian for Tampering<'_> {
    fn exchange(&self, message: &[u8]) -> Result<Vec<u8>, Unreachable> {
        if let Some(answer) = self.answer.lock().unwrap().as_mut()
            && let Some(response) = answer(&codec::decode(message).unwrap())
        {
            return Ok(codec::encode(&response));
        }
        let answer = self.inner.exchange(message)?;
        let mut change = self.change.lock().unwrap();
        let Some(change) = change.as_mut() else { return Ok(answer) };
        let request: Request = codec::decode(message).unwrap();
        if let Request::Submit(submission) = &request
            && submission.parts.iter().any(|part| !part.records.is_empty() || !part.grants.is_empty())
        {
            *self.submitted.lock().unwrap() += 1;
        }
        let mut response: Response = codec::decode(&answer).unwrap();
        change(&request, &mut response);
        Ok(codec::encode(&response))
    }
}

type Act<'c> = Box<dyn FnOnce() + Send + 'c>;

/// Is slow: something else happens before it carries the first message of a kind.
pub(crate) struct Meanwhile<'c> {
    inner: &'c dyn Custodian,
    waits_for: fn(&Request) -> bool,
    act: Mutex<Option<Act<'c>>>,
}

impl<'c> Meanwhile<'c> {
    pub(crate) fn over(
        inner: &'c dyn Custodian,
        waits_for: fn(&Request) -> bool,
        act: impl FnOnce() + Send + 'c,
    ) -> Self {
        Self { inner, waits_for, act: Mutex::new(Some(Box::new(act))) }
    }

    pub(crate) fn has_acted(&self) -> bool {
        self.act.lock().unwrap().is_none()
    }
}

impl Custodian for Meanwhile<'_> {
    fn exchange(&self, message: &[u8]) -> Result<Vec<u8>, Unreachable> {
        let is_awaited = (self.waits_for)(&codec::decode(message).unwrap());
        let act = if is_awaited { self.act.lock().unwrap().take() } else { None };
        if let Some(act) = act {
            act();
        }
        self.inner.exchange(message)
    }
}

/// Signs with a key of its own, which whoever met it first trusts: it can promise, and tell of streams, what it likes.
pub(crate) struct Evil<'c> {
    pub(crate) between: Tampering<'c>,
    trust: Trust,
    key: Keyring,
}

const EVIL: u8 = 99;

impl<'c> Evil<'c> {
    pub(crate) fn over(world: &'c World, inner: &'c dyn Custodian) -> Self {
        let trust = world.vault.trust().clone();
        Self { between: Tampering::over(inner), trust, key: keyring(EVIL) }
    }

    /// The memory of who met this custodian first.
    pub(crate) fn trusting(&self) -> Memory {
        Memory::trusting(Trust { vault_key: evil_key(), ..self.trust.clone() })
    }

    fn signed_anew<T: Statement>(&self, signed: &mut Signed<T>) {
        if let Ok(statement) = signed.verify(&self.trust.vault_key) {
            *signed = Signed::sign(&statement, self.key.signer());
        }
    }
}

fn evil_key() -> VerifyingKey {
    *keyring(EVIL).card(Role::Registrar).verifying_key()
}

/// Signs as the custodian whose key is its own.
pub(crate) fn signed_by_evil<T: Statement>(statement: &T) -> Signed<T> {
    let key = keyring(EVIL);
    let signer: &Signer = key.signer();
    Signed::sign(statement, signer)
}

impl Custodian for Evil<'_> {
    fn exchange(&self, message: &[u8]) -> Result<Vec<u8>, Unreachable> {
        let mut response: Response = codec::decode(&self.between.exchange(message)?).unwrap();
        if let Response::Hello(trust, _) = &mut response {
            trust.vault_key = evil_key();
        }
        if let Response::Accepted(accepted) = &mut response {
            self.signed_anew(&mut accepted.receipt);
        }
        if let Response::Answer(Answer::Stream(page)) = &mut response {
            self.signed_anew(&mut page.head);
        }
        Ok(codec::encode(&response))
    }
}

/// A stream as it is told by a custodian that signs what it likes.
pub(crate) struct Told {
    events: Vec<Streamed>,
}

impl Told {
    /// As it stands.
    pub(crate) fn of(events: Vec<Streamed>) -> Self {
        Self { events }
    }

    /// Tells another stream than the page does, with its head.
    pub(crate) fn tell(&self, page: &mut StreamPage, change: impl FnOnce(&mut Vec<Streamed>)) {
        let mut whole = self.events.clone();
        change(&mut whole);
        let mut frontier = Frontier::new();
        for (seq, streamed) in (0u64..).zip(&whole) {
            frontier.append(streamed.entry(seq).hash());
        }
        let head: StreamHead = page.head.claims().unwrap();
        page.head = signed_by_evil(&StreamHead { head: frontier.head(), ..head });
        page.events = whole.into_iter().skip(usize::try_from(page.first).unwrap()).collect();
    }
}

/// A receipt for all that a submission asks for, with no head of any stream.
pub(crate) fn false_receipt(submission: &Submission, trust: &Trust, now: Timestamp) -> Signed<Receipt> {
    let first = submission.parts[0].event.claimed_step().unwrap();
    let events = submission.parts.iter().map(|part| part.event.digest()).collect();
    signed_by_evil(&Receipt {
        vault: trust.vault,
        op_id: first.op_id,
        events,
        received: now,
        promised_by: now,
        stream: None,
    })
}
