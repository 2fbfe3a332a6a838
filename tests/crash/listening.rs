//! A custodian that passes everything through, and listens to the answers.

use casevault::{
    codec,
    custodian::{Answer, Custodian, Response, Unreachable},
    id::Digest,
};

/// What an answer tells about events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    /// They are durable: the custodian signed a receipt.
    Acknowledged(Vec<Digest>),
    /// They stand in a stream.
    Shown(Vec<Digest>),
}

pub(crate) struct Listening<'c, F> {
    inner: &'c dyn Custodian,
    hear: F,
}

impl<'c, F: Fn(Heard) + Send + Sync> Listening<'c, F> {
    pub(crate) fn over(inner: &'c dyn Custodian, hear: F) -> Self {
        Self { inner, hear }
    }
}

impl<F: Fn(Heard) + Send + Sync> Custodian for Listening<'_, F> {
    fn exchange(&self, message: &[u8]) -> Result<Vec<u8>, Unreachable> {
        let answer = self.inner.exchange(message)?;
        match codec::decode::<Response>(&answer) {
            Ok(Response::Accepted(accepted)) => {
                if let Ok(receipt) = accepted.receipt.claims() {
                    (self.hear)(Heard::Acknowledged(receipt.events));
                }
            }
            Ok(Response::Answer(Answer::Stream(page))) => {
                (self.hear)(Heard::Shown(page.events.iter().map(|event| event.event.digest()).collect()));
            }
            Ok(Response::Answer(Answer::Releases(releases, _))) => {
                (self.hear)(Heard::Shown(releases.iter().map(|past| past.event.digest()).collect()));
            }
            Ok(_) | Err(_) => (),
        }
        Ok(answer)
    }
}
