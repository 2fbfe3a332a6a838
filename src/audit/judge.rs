//! The judgement, when all streams were read: registrars were registrars, and who was granted to and who acted was attested and in
//! good standing.

use crate::{
    audit::{
        Fault,
        cards::Known,
        epochs::Log,
        people::People,
        stream::Right,
        streams::{Dealing, Deed, Office, Released, Streams, Taken},
    },
    consent::Purpose,
    credential::{Standing, Verdict},
    event::Principal,
    party::Role,
    spread,
};

/// How many dealings are worth a thread.
const DEALINGS_WORTH_A_THREAD: usize = 1024;

impl Streams<'_> {
    /// Judges what one stream alone does not show; of the log what its roots were, if it is the one that its checkpoint signs.
    pub(super) fn judge(&mut self, log: Option<&Log>) {
        let mut people = People::default();
        self.judge_offices(&mut people);
        if !self.bad.contains(&Principal::Vault(self.vault)) {
            self.judge_dealings(&people);
            self.judge_exports(&people, log);
            self.judge_releases(&people);
        }
    }

    /// What became public: by the curator whom the policy of then names, attested then and not barred.
    fn judge_releases(&mut self, people: &People) {
        for Released { place, actor, .. } in &self.releases {
            let (place, actor) = (*place, *actor);
            if self.bad.contains(&actor) {
                continue;
            }
            let areas = self.rules.at(place.received).filter_map(|(_, policy)| policy.public_area());
            let known = areas.map(|area| Known::of(&area.curator));
            let known = { known }.find(|known| Principal::Party(known.party) == actor);
            let fault = match known {
                None => Fault::Uncovered,
                Some(known) if !people.is_attested(&self.rules, (&known, place.received), None) => {
                    Fault::Unattested
                }
                Some(known)
                    if people.standing(&self.rules, known.party, place.received) >= Standing::Barred =>
                {
                    Fault::Standing
                }
                Some(_) => continue,
            };
            self.findings.add(place.index, fault, ("", place.seq));
        }
    }

    /// Exports were taken by auditors attested then and in good standing, each of this log as it was.
    fn judge_exports(&mut self, people: &People, log: Option<&Log>) {
        let exports = std::mem::take(&mut self.exports);
        let roots = log.filter(|_| !exports.is_empty()).map(Log::roots);
        for Taken { place, party, log } in exports {
            let known = self.cards.of(party).filter(|known| known.role == Role::Auditor);
            let is_attested =
                || known.is_some_and(|known| people.is_attested(&self.rules, (known, place.received), None));
            let is_judged = !self.bad.contains(&Principal::Party(party));
            let fault = if is_judged && !is_attested() {
                Fault::Unattested
            } else if is_judged && people.standing(&self.rules, party, place.received) >= Standing::Barred {
                Fault::Standing
            } else if roots.as_ref().is_some_and(|roots| log.is_none_or(|log| !roots.contains(&log))) {
                Fault::Seen
            } else {
                continue;
            };
            self.findings.add(place.index, fault, ("", place.seq));
        }
    }

    /// What registrars did: each statement by whom it names, who was a registrar then.
    fn judge_offices(&mut self, people: &mut People) {
        for office in std::mem::take(&mut self.offices) {
            if self.bad.contains(&Principal::Vault(self.vault)) {
                return;
            }
            let (place, stream) = (office.place, office.stream);
            if let Err(fault) = self.judge_office(office, people) {
                self.findings.add(place.index, fault, (&self.name(stream), place.seq));
                self.bad.insert(stream);
            }
        }
    }

    fn judge_office(&mut self, office: Office, people: &mut People) -> Result<(), Fault> {
        let Office { place, stream, actor, deed } = office;
        let Principal::Party(actor) = actor else { return Err(Fault::Registrar) };
        let card = self.cards.registrar(actor);
        card.filter(|card| self.rules.is_registrar(card, place.received)).ok_or(Fault::Registrar)?;
        match (deed, stream) {
            (Deed::Attested(None) | Deed::Ruled(None), _) => Err(Fault::Registrar),
            (Deed::Attested(Some(attested)), Principal::Party(party)) => {
                people.attest(party, *attested);
                Ok(())
            }
            (Deed::Ruled(Some(ruling)), Principal::Party(party)) => {
                if matches!(ruling.verdict, Verdict::Strike { .. } | Verdict::Lift(_)) {
                    people.rule(party, place.received, &ruling);
                }
                Ok(())
            }
            (Deed::Governed(Some(charter)), _) if self.rules.is_left_out(charter, actor, place.received) => {
                Err(Fault::Policy)
            }
            (Deed::Attested(_) | Deed::Governed(_) | Deed::Other | Deed::Ruled(_), _) => Ok(()),
        }
    }

    /// What was done by right of grants, and what was granted: to cards attested then, of parties then in good standing.
    fn judge_dealings(&mut self, people: &People) {
        let mut rights: Vec<(u32, Right)> =
            std::mem::take(&mut self.rights).into_iter().map(|(right, number)| (number, right)).collect();
        rights.sort_unstable_by_key(|(number, _)| *number);
        let dealings = std::mem::take(&mut self.dealings);
        let faults = spread::map(&dealings, DEALINGS_WORTH_A_THREAD, |dealing| {
            let right = usize::try_from(dealing.right).ok().and_then(|number| rights.get(number));
            right.and_then(|(_, right)| self.judge_dealing(people, *dealing, right))
        });
        for (dealing, fault) in dealings.into_iter().zip(faults) {
            if let Some(fault) = fault {
                self.findings.add(dealing.place.index, fault, ("", dealing.place.seq));
            }
        }
    }

    fn judge_dealing(&self, people: &People, dealing: Dealing, right: &Right) -> Option<Fault> {
        let Right { reader, card, given, purpose } = *right;
        let received = dealing.place.received;
        if self.bad.contains(&Principal::Party(reader)) {
            return None;
        }
        let Some(known) = self.cards.of(reader).filter(|known| known.digest == card) else {
            return Some(Fault::Unattested);
        };
        // A registrar who vets needs nobody else's word.
        let is_to_vet = purpose == Purpose::Vetting;
        let named = given.flatten().filter(|_| !is_to_vet);
        let most = if given.is_some() { Standing::Suspended } else { Standing::Barred };
        if !people.is_attested(&self.rules, (known, received), named) {
            Some(Fault::Unattested)
        } else if is_to_vet && !self.rules.is_registrar(known, received) {
            Some(Fault::Identity)
        } else if !is_to_vet && known.role != Role::Doctor {
            Some(Fault::Grant)
        } else if people.standing(&self.rules, reader, received) >= most {
            Some(Fault::Standing)
        } else {
            None
        }
    }
}
