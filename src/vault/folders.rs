//! Beginning a folder, renewing its key, closing it; granting.

use std::collections::BTreeSet;

use crate::{
    access::{Act, Capacity, Denial, Permit, Taker},
    consent::{Grant, GrantStatement, Purpose},
    credential::Standing,
    event::{Principal, Step, Verb},
    folder::{Epoch, FolderKind, owned_folder},
    id::Digest,
    limits::READERS_MAX,
    merkle::Frontier,
    party::{CaseKey, Role},
    vault::{
        fault::Fault,
        rows::{ConsentRow, EpochRow, FolderRow, GrantRow, MineRow, OutboxRow, PartyRow, Today},
        standing::{Stance, folder_facts},
        submit::{Claim, Work},
        tables::Table,
    },
};

impl Work<'_> {
    pub(super) fn open_folder(&mut self, claim: &Claim<'_>) -> Result<Permit, Fault> {
        let event = &claim.event;
        let folder = event.folder.ok_or(Fault::Malformed)?;
        let opening = event.opening.ok_or(Fault::Malformed)?;
        let is_case = opening.kind == FolderKind::Case;
        let act = self.beginning(claim, opening.kind)?;
        let me = Principal::Party(self.owner);
        let is_own = event.actor == me && event.owner == me;
        let capacity = if is_own { Capacity::Owner } else { Capacity::Stranger };
        let stance = Stance::of(capacity, self.own_standing()?);
        let permit = self.decide(claim, act, (&stance, None))?;
        // The id vouches for a Case's key, or for another folder's owner: nobody begins a folder under another's id.
        let vault = self.vault.id;
        let id_fits = match opening.verifying {
            Some(key) => is_case && CaseKey::folder_of(vault, &key) == folder,
            None => !is_case && owned_folder(vault, self.owner, opening.kind, opening.nonce) == folder,
        };
        // A folder without a key is nothing: its first epoch stands beside its beginning.
        let next = claim.after.first().ok_or(Fault::Malformed)?.event.claims()?;
        let is_keyed = next.verb == Verb::Rotate
            && next.folder == Some(folder)
            && next.subject == Some(claim.part.event.digest());
        if !id_fits || !is_keyed || self.folder(folder)?.is_some() {
            return Err(Fault::Malformed);
        }
        if opening.kind == FolderKind::Identity && self.head.identity.replace(folder).is_some() {
            return Err(Fault::Conflict);
        }
        if opening.kind == FolderKind::Credentials && self.head.credentials.replace(folder).is_some() {
            return Err(Fault::Conflict);
        }
        if is_case {
            self.head.open_cases = self.head.open_cases.saturating_add(1);
            let today = self.head.today(self.now);
            self.head.today = Some(Today { cases: today.cases.saturating_add(1), ..today });
        }
        let row = FolderRow {
            folder,
            kind: opening.kind,
            verifying: opening.verifying,
            nonce: opening.nonce,
            epoch: Epoch::from_number(0),
            commitments: None,
            list: Frontier::new(),
            is_closed: false,
            opened: self.position(),
            touched: Some(self.now),
        };
        self.put_folder(&row)?;
        Ok(permit)
    }

    /// What beginning a folder would be, with the cases counted that are open.
    fn beginning(&mut self, claim: &Claim<'_>, kind: FolderKind) -> Result<Act, Fault> {
        let is_attested = match &claim.card {
            Some(card) => self.vault.repute(&self.rules, card, self.now)?.is_attested,
            None => false,
        };
        let role = claim.card.as_ref().map_or(Role::Auditor, crate::party::Card::role);
        if kind == FolderKind::Case && self.head.open_cases >= self.rules.policy.open_cases_max {
            // A case that has lapsed counts until here: what is counted now is exact.
            let rows = self.desk.scan::<FolderRow>(Table::Folder, &[])?;
            let live = rows.iter().map(|(_, row)| folder_facts(&self.rules, row, self.now));
            let live = live.filter(|facts| facts.kind == kind && !facts.is_closed && !facts.is_lapsed);
            self.head.open_cases = u32::try_from(live.count()).unwrap_or(u32::MAX);
        }
        let cases_today = self.head.today(self.now).cases;
        Ok(Act::Begin { kind, role, open_cases: self.head.open_cases, cases_today, is_attested })
    }

    /// Something was written or granted in a folder: from now on it is idle anew, unless it has lapsed.
    pub(super) fn touch(&self, folder: &mut FolderRow) {
        if !folder_facts(&self.rules, folder, self.now).is_lapsed {
            folder.touched = Some(self.now);
        }
    }

    /// The next epoch: commitments, wraps for who remains, the way back.
    pub(super) fn renew(&mut self, claim: &Claim<'_>) -> Result<Permit, Fault> {
        let event = &claim.event;
        let mut folder = self.named_folder(event)?;
        let stance = self.stance(claim, Some(&folder))?;
        let permit = self.decide(claim, Act::Renew, (&stance, Some(&folder)))?;
        let before = if folder.commitments.is_some() { self.grants_of(&folder)? } else { Vec::new() };
        let replaced = self.replaced(&folder)?;
        let is_next = event.epoch == Some(folder.epoch.next())
            && event.before == Some(folder.list.head())
            && event.replaces == replaced;
        if !is_next {
            return Err(Fault::Conflict);
        }
        let links = claim.part.back_links.as_ref();
        let linked = links.map(crate::folder::BackLinks::digest) == event.back_links
            && links.is_some() == folder.commitments.is_some();
        let commitments = event.commitments.filter(|_| linked).ok_or(Fault::Malformed)?;
        let is_asking = self.check_remaining(claim, &folder, &before)?;
        for row in before {
            self.desk.delete_at(self.desk.place, Table::Grant, &[&self.grant_row(&row.grant.statement)])?;
        }
        folder.epoch = folder.epoch.next();
        folder.commitments = Some(commitments);
        let epoch = EpochRow { event: self.position(), back_links: links.cloned() };
        let row = self.vault.folder_row(folder.folder);
        self.desk.put(Table::Epoch, &[&row, &folder.epoch.number().to_be_bytes()], &epoch)?;
        self.put_grants(claim, &folder)?;
        if is_asking {
            self.wait_to_be_vetted()?;
        }
        // A new key is no act in a case: what lapses goes on to lapse.
        self.put_folder(&folder)?;
        self.salts.push((folder.folder, folder.epoch));
        Ok(permit)
    }

    /// Who gets the new key: the owner; those who had the old one, under the same terms; others by a decision. Whether the
    /// owner asks to be vetted by it: who may look on does not make her wait again.
    fn check_remaining(
        &self,
        claim: &Claim<'_>,
        folder: &FolderRow,
        before: &[GrantRow],
    ) -> Result<bool, Fault> {
        let statements: Vec<GrantStatement> = claim.part.grants.iter().map(|grant| grant.statement).collect();
        let next = FolderRow { epoch: folder.epoch.next(), ..folder.clone() };
        let (mut has_owner, mut is_asking) = (false, false);
        for statement in &statements {
            if statement.reader == self.owner {
                has_owner = true;
                continue;
            }
            let had = before.iter().any(|row| {
                let GrantStatement { reader, card, terms, because, .. } = row.grant.statement;
                (reader, card, terms, because)
                    == (statement.reader, statement.card, statement.terms, statement.because)
            });
            if !had {
                drop(self.decide_give(claim, &next, statement)?);
                is_asking |= statement.terms.purpose() == Purpose::Vetting;
            }
        }
        if event_ends(claim) {
            let ended = claim.event.subject;
            let was = before
                .iter()
                .find(|row| Some(row.grant.statement.digest()) == ended)
                .ok_or(Fault::Conflict)?;
            let GrantStatement { reader, because, .. } = was.grant.statement;
            if statements.iter().any(|statement| statement.reader == reader && statement.because == because) {
                return Err(Fault::Malformed);
            }
        }
        if has_owner { Ok(is_asking) } else { Err(Fault::Malformed) }
    }

    pub(super) fn give(&mut self, claim: &Claim<'_>) -> Result<Permit, Fault> {
        let mut folder = self.named_folder(&claim.event)?;
        if claim.event.epoch != Some(folder.epoch) {
            return Err(Fault::Conflict);
        }
        let grants = claim.part.grants.as_slice();
        let is_vetting = grants.iter().all(|grant| grant.statement.terms.purpose() == Purpose::Vetting);
        let is_assignment = claim.event.verb == Verb::Assign;
        let is_own = grants.iter().any(|grant| grant.statement.reader == self.owner);
        let is_identity = folder.kind == FolderKind::Identity;
        // Who is vetted anew lets all registrars look in one act; every other grant is to one.
        if is_own || (is_assignment || !is_vetting) && is_assignment != is_identity {
            return Err(Denial::Identity.into());
        }
        let (Some((last, others)), true) = (grants.split_last(), grants.len() == 1 || is_vetting) else {
            return Err(Fault::Malformed);
        };
        for grant in others {
            drop(self.decide_give(claim, &folder, &grant.statement)?);
        }
        let permit = self.decide_give(claim, &folder, &last.statement)?;
        self.put_grants(claim, &folder)?;
        if is_vetting {
            self.wait_to_be_vetted()?;
        }
        self.touch(&mut folder);
        self.put_folder(&folder)?;
        Ok(permit)
    }

    fn decide_give(
        &self,
        claim: &Claim<'_>,
        folder: &FolderRow,
        statement: &GrantStatement,
    ) -> Result<Permit, Fault> {
        let stance = self.stance(claim, Some(folder))?;
        let reader = self.vault.party(statement.reader)?;
        let role = reader.as_ref().map_or(Role::Auditor, |row| row.card.role());
        let is_attested = match &reader {
            Some(row) if row.card.digest() == statement.card => self.is_attested_as(row, statement),
            Some(_) | None => false,
        };
        let standing = match &reader {
            Some(row) => self.vault.standing(&self.rules, row, self.now)?,
            None => Standing::Good,
        };
        let is_assignment = statement.because.is_some() && self.stands_beside(claim, statement)?;
        let is_willing = match &reader {
            Some(row) => self.is_willing(folder, row)?,
            None => true,
        };
        let taker = Taker { role, is_attested, is_assignment, standing, is_willing };
        let act = Act::Give { terms: statement.terms, taker };
        self.decide(claim, act, (&stance, Some(folder)))
    }

    /// Whether a reader takes what is granted: has not shut this owner out, and takes new cases or has this one already.
    fn is_willing(&self, folder: &FolderRow, reader: &PartyRow) -> Result<bool, Fault> {
        let party = reader.card.party();
        if self.vault.has_shut_out(party, self.owner)? {
            return Ok(false);
        }
        if folder.kind != FolderKind::Case || reader.is_accepting != Some(false) {
            return Ok(true);
        }
        Ok(!self.vault.grants_at(self.desk.place, folder, party)?.is_empty())
    }

    /// Whether an earlier part of the same submission grants the Case to the same reader for the same time.
    fn stands_beside(&self, claim: &Claim<'_>, identity: &GrantStatement) -> Result<bool, Fault> {
        let because = identity.because.map_or(Ok(None), |because| self.folder(because))?;
        if because.is_none_or(|folder| folder.kind != FolderKind::Case) {
            return Ok(false);
        }
        for part in claim.before {
            let event = part.event.claims()?;
            let beside = part.grants.iter().map(|grant| &grant.statement).any(|case| {
                event.verb == Verb::Grant
                    && Some(case.folder) == identity.because
                    && (case.reader, case.card) == (identity.reader, identity.card)
                    && (case.terms.starts(), case.terms.ends())
                        == (identity.terms.starts(), identity.terms.ends())
                    && case.terms.purpose() == Purpose::Treatment
            });
            if beside {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Puts down the grants an event brings, each as its event signs it.
    fn put_grants(&mut self, claim: &Claim<'_>, folder: &FolderRow) -> Result<(), Fault> {
        let digests: Vec<Digest> = claim.part.grants.iter().map(|grant| grant.statement.digest()).collect();
        if digests != claim.event.grants || digests.len() > READERS_MAX {
            return Err(Fault::Malformed);
        }
        let mut seen = BTreeSet::new();
        for grant in &claim.part.grants {
            let GrantStatement { vault, folder: of, epoch, reader, because, terms, .. } = grant.statement;
            // The owner holds its own folder's key as the owner and nobody else does; a Case stands behind an identity only.
            let fits = vault == self.vault.id
                && of == folder.folder
                && epoch == folder.epoch
                && (reader == self.owner) == (terms.purpose() == Purpose::Own)
                && (because.is_none() || folder.kind == FolderKind::Identity);
            if !fits || !grant.is_whole() || !seen.insert((reader, because)) {
                return Err(Fault::Malformed);
            }
            self.put_grant(grant, folder)?;
        }
        Ok(())
    }

    fn put_grant(&mut self, grant: &Grant, folder: &FolderRow) -> Result<(), Fault> {
        let statement = grant.statement;
        let event = self.position();
        let row = self.grant_row(&statement);
        self.desk.put(Table::Grant, &[&row], &GrantRow { grant: grant.clone(), event })?;
        let consent = self.vault.shelves.keys.blind(Table::Consent, &[&statement.digest()]);
        let (folder_row, epoch) =
            (self.vault.folder_row(folder.folder), statement.epoch.number().to_be_bytes());
        self.desk.put(Table::Consent, &[&folder_row, &epoch, &consent], &ConsentRow { statement, event })?;
        let is_known =
            statement.reader == self.owner || self.vault.mine(statement.reader, folder.folder)?.is_some();
        if !is_known {
            let mine = MineRow { owner: self.owner, folder: folder.folder, kind: folder.kind };
            self.outbox.push(OutboxRow { reader: statement.reader, mine });
        }
        Ok(())
    }

    pub(super) fn close(&mut self, claim: &Claim<'_>) -> Result<Permit, Fault> {
        let mut folder = self.named_folder(&claim.event)?;
        let stance = self.stance(claim, Some(&folder))?;
        let permit = self.decide(claim, Act::Close, (&stance, Some(&folder)))?;
        if folder.kind != FolderKind::Case {
            return Err(Fault::Malformed);
        }
        if !folder_facts(&self.rules, &folder, self.now).is_lapsed {
            self.head.open_cases = self.head.open_cases.saturating_sub(1);
        }
        folder.is_closed = true;
        self.put_folder(&folder)?;
        Ok(permit)
    }

    /// The grants of a folder's present epoch.
    pub(super) fn grants_of(&self, folder: &FolderRow) -> Result<Vec<GrantRow>, Fault> {
        let epoch = folder.epoch.number().to_be_bytes();
        let prefix = [self.vault.folder_row(folder.folder).as_slice(), &epoch].concat();
        let rows = self.desk.scan::<GrantRow>(Table::Grant, &prefix)?;
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }

    /// The digest of all grants of a folder's present epoch; none before the first.
    fn replaced(&self, folder: &FolderRow) -> Result<Option<Digest>, Fault> {
        if folder.commitments.is_none() {
            return Ok(None);
        }
        let epoch = folder.epoch.number().to_be_bytes();
        let prefix = [self.vault.folder_row(folder.folder).as_slice(), &epoch].concat();
        let rows = self.desk.scan::<ConsentRow>(Table::Consent, &prefix)?;
        Ok(Some(Step::replaced(rows.into_iter().map(|(_, row)| row.statement.digest()))))
    }

    fn grant_row(&self, statement: &GrantStatement) -> Vec<u8> {
        let keys = &self.vault.shelves.keys;
        let reader = keys.blind(Table::Grant, &[&statement.folder, &statement.reader]);
        let because = statement.because.map_or([0; 16], |case| keys.blind(Table::Grant, &[&case]));
        let epoch = statement.epoch.number().to_be_bytes();
        [self.vault.folder_row(statement.folder).as_slice(), &epoch, &reader, &because].concat()
    }
}

fn event_ends(claim: &Claim<'_>) -> bool {
    claim.event.verb == Verb::Revoke
}

impl Work<'_> {
    /// Whether a reader's card is vouched for now, by exactly the attestations the grant relies on.
    fn is_attested_as(&self, row: &PartyRow, statement: &GrantStatement) -> bool {
        if row.card.role() == Role::Registrar {
            return self.rules.trust.is_registrar(&row.card);
        }
        let vouched = self.rules.trust.vouched(&row.card, &row.attestations, self.now);
        vouched.is_some_and(|vouched| statement.attested == Some(vouched.digest))
    }
}
