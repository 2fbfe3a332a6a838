//! Reading the public area: no key, no session.

use crate::{
    codec,
    custodian::{
        Custodian, PublicAnswer, PublicPage, PublicPlace, PublicQuery, PublicQuestion, Refusal, Request,
        Response, Unreachable,
    },
    merkle::Head,
    public::{BatchFacts, PublicRow},
};

/// Why the public area was not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublicError {
    /// The answer is none to the question.
    #[error("the custodian's answer does not fit the question: this build may be of another version")]
    Answer,
    /// There was another release since the reading began.
    #[error("the public area has changed since this reading began: begin anew")]
    Changed,
    /// The store failed.
    #[error("the vault's store failed: ask again")]
    Store,
    /// No answer came.
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
}

impl PublicError {
    /// A name for it that stays.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Answer => "public-answer",
            Self::Changed => "public-changed",
            Self::Store => "store",
            Self::Unreachable(_) => "unreachable",
        }
    }
}

/// Reads what is public, at a vault in process or behind any transport.
///
/// All pages of one reading are of one state: after another release the next page is [`PublicError::Changed`].
///
/// # Security
/// What is answered is the custodian's word: the curator's signature is over whole releases, in the vault's stream.
#[derive(Clone, Copy)]
pub struct PublicReader<'c>(&'c dyn Custodian);

impl<'c> PublicReader<'c> {
    /// Over this custodian.
    #[must_use]
    pub const fn over(custodian: &'c dyn Custodian) -> Self {
        Self(custodian)
    }

    /// All batches that are shown, and the head of the releases they are of.
    ///
    /// # Errors
    /// [`PublicError`]; [`PublicError::Changed`] if there is a release meanwhile.
    pub fn batches(&self) -> Result<(Head, Vec<BatchFacts>), PublicError> {
        let (mut all, mut place) = (Vec::new(), None);
        loop {
            let PublicAnswer::Batches(page) = self.ask(PublicQuestion::Batches(place))? else {
                return Err(PublicError::Answer);
            };
            all.extend(page.found);
            place = follow(place, page.next)?;
            if place.is_none() {
                return Ok((page.ledger, all));
            }
        }
    }

    /// A page of the rows that are shown and fit, behind a place where an earlier page ended; it may be short, and the last
    /// one says so by leading nowhere.
    ///
    /// # Errors
    /// [`PublicError`]; [`PublicError::Changed`] if there was a release since the earlier page.
    pub fn rows(
        &self,
        query: &PublicQuery,
        after: Option<PublicPlace>,
    ) -> Result<PublicPage<PublicRow>, PublicError> {
        let PublicAnswer::Rows(page) = self.ask(PublicQuestion::Rows(query.clone(), after))? else {
            return Err(PublicError::Answer);
        };
        follow(after, page.next)?;
        Ok(page)
    }

    fn ask(&self, question: PublicQuestion) -> Result<PublicAnswer, PublicError> {
        let answer = self.0.exchange(&codec::encode(&Request::Public(question)))?;
        match codec::decode::<Response>(&answer) {
            Ok(Response::Public(answer)) => Ok(answer),
            Ok(Response::Refused(Refusal::Conflict)) => Err(PublicError::Changed),
            Ok(Response::Refused(Refusal::Unavailable)) => Err(PublicError::Store),
            Ok(_) | Err(_) => Err(PublicError::Answer),
        }
    }
}

/// The place where a reading goes on, which must lie further on in the same state.
fn follow(
    before: Option<PublicPlace>,
    next: Option<PublicPlace>,
) -> Result<Option<PublicPlace>, PublicError> {
    let key = |place: PublicPlace| (place.batch, place.row);
    let goes_on =
        |(before, next): (PublicPlace, PublicPlace)| before.ledger == next.ledger && key(before) < key(next);
    if before.zip(next).is_none_or(goes_on) { Ok(next) } else { Err(PublicError::Answer) }
}

impl std::fmt::Debug for PublicReader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PublicReader(..)")
    }
}
