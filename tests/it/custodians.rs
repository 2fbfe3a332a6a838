//! Custodians that are not what they should be: one that records, one that changes what it carries.

use std::sync::Mutex;

use casevault::{
    codec,
    custodian::{Custodian, Request, Response, Unreachable},
};

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

    /// Every byte that crossed, both ways, in order.
    #[cfg(feature = "sled")]
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

type Change = Box<dyn FnMut(&Request, &mut Response) + Send>;

/// Changes answers on their way.
pub(crate) struct Tampering<'c> {
    inner: &'c dyn Custodian,
    change: Mutex<Option<Change>>,
    /// How many submissions with records, grants or both came through while it changed answers.
    submitted: Mutex<usize>,
}

impl<'c> Tampering<'c> {
    pub(crate) fn over(inner: &'c dyn Custodian) -> Self {
        Self { inner, change: Mutex::new(None), submitted: Mutex::new(0) }
    }

    /// From now on changes answers so.
    pub(crate) fn changing(&self, change: impl FnMut(&Request, &mut Response) + Send + 'static) {
        *self.change.lock().unwrap() = Some(Box::new(change));
        *self.submitted.lock().unwrap() = 0;
    }

    pub(crate) fn honest(&self) {
        *self.change.lock().unwrap() = None;
    }

    /// How many submissions brought records or grants while answers were changed.
    pub(crate) fn submitted(&self) -> usize {
        *self.submitted.lock().unwrap()
    }
}

impl Custodian for Tampering<'_> {
    fn exchange(&self, message: &[u8]) -> Result<Vec<u8>, Unreachable> {
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
