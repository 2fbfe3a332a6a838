//! Conduct: reports and appeals come in, rulings go out.

use crate::{
    access::{Act, Denial, Permit},
    credential::{RulingStatement, Verdict},
    custodian::{Enclosure, Errand, Part},
    event::Verb,
    id::{Digest, RulingId},
    limits::{LETTER_BYTES_MAX, STRIKE_WEIGHT_MAX},
    vault::{
        Vault,
        fault::Fault,
        rows::{LetterRow, PartyRow, RulingRow, Today},
        submit::{Claim, Work},
        tables::Table,
    },
};

impl Work<'_> {
    /// A report or an appeal: a letter that waits for the registrars.
    pub(super) fn petition(&mut self, claim: &Claim<'_>) -> Result<Permit, Fault> {
        let stance = self.stance(claim, None)?;
        let row: PartyRow = self.desk.get(Table::Party, &[])?.ok_or(Denial::Absent)?;
        let is_attested = self.rules.trust.vouched(&row.card, &row.attestations, self.now).is_some();
        let today = self.head.today(self.now);
        let reports_today = today.reports;
        let (act, errand) = if claim.event.verb == Verb::Report {
            (Act::Report { is_attested, reports_today }, Errand::Report)
        } else {
            (Act::Appeal { reports_today }, Errand::Appeal)
        };
        let permit = self.decide(claim, act, (&stance, None))?;
        let Some(Enclosure::Letter(letter)) = &claim.part.enclosure else { return Err(Fault::Malformed) };
        let digest = letter.digest();
        let id = self.vault.shelves.keys.blind(Table::Letter, &[&digest]);
        let is_known = self.desk.get::<LetterRow>(Table::Letter, &[&id])?.is_some();
        let fits =
            claim.event.subject == Some(digest) && crate::codec::encode(letter).len() <= LETTER_BYTES_MAX;
        if !fits || is_known {
            return Err(Fault::Malformed);
        }
        let waits = Some((errand, self.wait(errand, Some(digest))?));
        let letter = LetterRow { letter: letter.clone(), event: self.position(), waits };
        self.desk.put(Table::Letter, &[&id], &letter)?;
        self.head.today = Some(Today { reports: reports_today.saturating_add(1), ..today });
        Ok(permit)
    }

    /// A ruling on conduct, in the stream of whom it is about; or the answer to a letter, in the stream of who wrote it.
    pub(super) fn rule(&mut self, claim: &Claim<'_>) -> Result<Permit, Fault> {
        let event = &claim.event;
        let stance = self.stance(claim, None)?;
        let Some(Enclosure::Ruling(signed, _)) = &claim.part.enclosure else { return Err(Fault::Malformed) };
        let claims = signed.claims()?;
        let appealed = match claims.verdict.appealed() {
            Some(ruling) => Some(self.vault.ruling(self.desk.place, ruling)?.ok_or(Denial::Absent)?),
            None => None,
        };
        let others = self.rules.trust.registrars.len() > 1;
        let is_own = match appealed {
            Some(appealed) => appealed.registrar == claims.registrar,
            None => self.is_silenced(claim, &claims)?,
        };
        let is_own_ruling = others && is_own;
        let permit = self.decide(claim, Act::Rule { is_own_ruling }, (&stance, None))?;
        let card = claim.card.as_ref().ok_or(Fault::Malformed)?;
        let statement = signed.verify(card.verifying_key()).map_err(|_forged| Fault::Malformed)?;
        let RulingStatement { vault, ruling, subject, verdict, registrar, at: _ } = statement;
        let fits = vault == self.vault.id
            && subject == event.owner
            && registrar == card.party()
            && event.subject == Some(signed.digest());
        let mut row: PartyRow = self.desk.get(Table::Party, &[])?.ok_or(Denial::Absent)?;
        if !fits || self.vault.ruling(self.desk.place, ruling)?.is_some() {
            return Err(Fault::Malformed);
        }
        match verdict {
            Verdict::Strike { weight, from, until, .. } => {
                if !(1..=STRIKE_WEIGHT_MAX).contains(&weight) || from >= until {
                    return Err(Fault::Malformed);
                }
            }
            Verdict::Lift(_) | Verdict::Confirm(_) => {
                if !matches!(appealed.map(|appealed| appealed.verdict), Some(Verdict::Strike { .. })) {
                    return Err(Fault::Malformed);
                }
            }
            Verdict::Upheld(letter) | Verdict::Dismissed(letter) => self.answer_letter(letter)?,
        }
        let mut ledger = row.ledger.take().unwrap_or_default();
        ledger.enter(ruling, &verdict);
        if !ledger.prune(self.now) {
            return Err(Fault::Malformed);
        }
        row.ledger = Some(ledger);
        let position = self.position().to_be_bytes();
        self.desk.put(Table::Ruling, &[&position], &RulingRow { signed: signed.clone() })?;
        self.put_party(row)?;
        Ok(permit)
    }

    /// Whether an appeal would be closed, without a word on any ruling, by who made one that counts against its author: what it
    /// is about, he alone would know.
    fn is_silenced(&self, claim: &Claim<'_>, claims: &RulingStatement) -> Result<bool, Fault> {
        let Some(letter) = claims.verdict.report() else { return Ok(false) };
        let id = self.vault.shelves.keys.blind(Table::Letter, &[&letter]);
        let letter: Option<LetterRow> = self.desk.get(Table::Letter, &[&id])?;
        let is_appeal = matches!(letter.and_then(|row| row.waits), Some((Errand::Appeal, _)));
        let decides = |part: &Part| match &part.enclosure {
            Some(Enclosure::Ruling(signed, _)) => {
                signed.claims().is_ok_and(|before| before.verdict.appealed().is_some())
            }
            Some(_) | None => false,
        };
        if !is_appeal || claim.before.iter().any(decides) {
            return Ok(false);
        }
        let ledger = self.desk.get::<PartyRow>(Table::Party, &[])?.and_then(|row| row.ledger);
        let counting: Vec<RulingId> =
            ledger.iter().flat_map(|ledger| ledger.counting(self.now)).map(|strike| strike.ruling).collect();
        let rulings: Vec<RulingRow> = self.vault.shelves.scan(self.desk.place, Table::Ruling, &[])?;
        let mut rulings = rulings.into_iter().filter_map(|row| row.signed.claims().ok());
        Ok(rulings.any(|made| made.registrar == claims.registrar && counting.contains(&made.ruling)))
    }

    fn answer_letter(&mut self, letter: Digest) -> Result<(), Fault> {
        let id = self.vault.shelves.keys.blind(Table::Letter, &[&letter]);
        let row: LetterRow = self.desk.get(Table::Letter, &[&id])?.ok_or(Denial::Absent)?;
        let (errand, place) = row.waits.ok_or(Fault::Malformed)?;
        self.served(errand, place)?;
        self.desk.put(Table::Letter, &[&id], &LetterRow { waits: None, ..row })
    }
}

impl Vault {
    /// A ruling at a party's place, by its id.
    fn ruling(&self, place: crate::store::Place, ruling: RulingId) -> Result<Option<RulingStatement>, Fault> {
        let rows: Vec<RulingRow> = self.shelves.scan(place, Table::Ruling, &[])?;
        let mut statements = rows.into_iter().filter_map(|row| row.signed.claims().ok());
        Ok(statements.find(|statement| statement.ruling == ruling))
    }
}
