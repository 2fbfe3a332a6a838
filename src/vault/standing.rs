//! How a party stands, and how a reader stands to a folder: by its grants, looked at wherever something is handed out.

use crate::{
    access::{Capacity, FolderFacts, GrantFacts},
    consent::{GrantStatement, Purpose},
    credential::{CreditLedger, Standing},
    folder::FolderKind,
    id::{Digest, FolderId, PartyId},
    limits::SUCCESSIONS_MAX,
    party::{Card, Role},
    store::Place,
    time::Timestamp,
    vault::{
        Vault,
        fault::Fault,
        rows::{FolderRow, GrantRow, PartyRow},
        rules::Rules,
        tables::Table,
    },
};

/// How an actor stands to the data it wants to touch.
#[derive(Debug)]
pub(super) struct Stance {
    pub(super) capacity: Capacity,
    /// The grant it relies on.
    pub(super) grant: Option<GrantRow>,
    pub(super) standing: Standing,
}

impl Stance {
    pub(super) const fn of(capacity: Capacity, standing: Standing) -> Self {
        Self { capacity, grant: None, standing }
    }
}

/// What the registrars say of a party, of its card and of its conduct.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Repute {
    pub(super) is_attested: bool,
    pub(super) standing: Standing,
}

/// What a decision looks at of a folder.
pub(super) fn folder_facts(rules: &Rules, folder: &FolderRow, now: Timestamp) -> FolderFacts {
    let is_idle = folder.touched.is_some_and(|touched| touched.plus(rules.policy.idle()) <= now);
    FolderFacts {
        kind: folder.kind,
        is_closed: folder.is_closed,
        is_lapsed: folder.kind == FolderKind::Case && is_idle,
    }
}

impl Vault {
    /// Whether enough registrars vouch for a card now, and how its party stands; a registrar of the policy needs nobody
    /// else's word.
    pub(super) fn repute(&self, rules: &Rules, card: &Card, now: Timestamp) -> Result<Repute, Fault> {
        if card.role() == Role::Registrar {
            return Ok(Repute { is_attested: rules.trust.is_registrar(card), standing: Standing::Good });
        }
        match self.party(card.party())?.filter(|row| row.card == *card) {
            Some(row) => Ok(Repute {
                is_attested: rules.trust.vouched(card, &row.attestations, now).is_some(),
                standing: self.standing(rules, &row, now)?,
            }),
            None => Ok(Repute { is_attested: false, standing: Standing::Good }),
        }
    }

    /// How a party stands: what counts against the card its person had before counts against this one.
    pub(super) fn standing(&self, rules: &Rules, row: &PartyRow, now: Timestamp) -> Result<Standing, Fault> {
        let ledger = self.whole_ledger(row)?;
        Ok(ledger.standing(&rules.policy.standing_thresholds(), now))
    }

    pub(super) fn whole_ledger(&self, row: &PartyRow) -> Result<CreditLedger, Fault> {
        let mut ledger = row.ledger.clone().unwrap_or_default();
        let mut earlier = row.succeeds;
        for _ in 0..SUCCESSIONS_MAX {
            let Some(row) = earlier.map_or(Ok(None), |party| self.party(party))? else { break };
            if let Some(known) = &row.ledger {
                ledger.merge(known);
            }
            earlier = row.succeeds;
        }
        Ok(ledger)
    }

    /// The grant a reader relies on: the one it names, or the one that reaches farthest.
    pub(super) fn reader(
        &self,
        (rules, now): (&Rules, Timestamp),
        (place, folder): (Place, &FolderRow),
        card: &Card,
        named: Option<Digest>,
    ) -> Result<Stance, Fault> {
        let Repute { is_attested, standing } = self.repute(rules, card, now)?;
        let mut best: Option<(GrantFacts, GrantRow)> = None;
        for row in self.grants_at(place, folder, card.party())? {
            let GrantStatement { card: granted, terms, because, .. } = row.grant.statement;
            let is_named = named.is_none_or(|named| named == row.grant.statement.digest());
            let is_backed = match because {
                None => true,
                Some(case) => self.is_backed(now, place, case, card.party())?,
            };
            let is_vetted = terms.purpose() == Purpose::Vetting && {
                let owner: Option<PartyRow> = self.shelves.read(place, Table::Party, &[])?;
                let vetting = (now, terms.starts());
                owner.is_some_and(|owner| {
                    owner.refused.is_some_and(|refused| terms.starts() <= refused)
                        || rules.trust.is_vetted(&owner.card, &owner.attestations, vetting)
                })
            };
            let facts = GrantFacts {
                terms,
                is_current: true,
                is_same_card: granted == card.digest(),
                is_attested,
                is_backed,
                is_vetted,
            };
            let reach = |facts: &GrantFacts| {
                let holds = facts.is_backed
                    && !facts.is_vetted
                    && facts.terms.starts() <= now
                    && now < facts.terms.ends();
                (holds, facts.terms.rights(), facts.terms.clearance())
            };
            if is_named && best.as_ref().is_none_or(|(known, _)| reach(&facts) > reach(known)) {
                best = Some((facts, row));
            }
        }
        Ok(match best {
            Some((facts, row)) => Stance { capacity: Capacity::Reader(facts), grant: Some(row), standing },
            None => Stance::of(Capacity::Stranger, standing),
        })
    }

    /// A reader's grants of a folder's present epoch.
    pub(super) fn grants_at(
        &self,
        place: Place,
        folder: &FolderRow,
        reader: PartyId,
    ) -> Result<Vec<GrantRow>, Fault> {
        let keys = &self.shelves.keys;
        let epoch = folder.epoch.number().to_be_bytes();
        let reader = keys.blind(Table::Grant, &[&folder.folder, &reader]);
        let prefix = [self.folder_row(folder.folder).as_slice(), &epoch, &reader].concat();
        self.shelves.scan(place, Table::Grant, &prefix)
    }

    /// Whether a reader's grant of a Case still holds.
    pub(super) fn is_backed(
        &self,
        now: Timestamp,
        place: Place,
        case: FolderId,
        reader: PartyId,
    ) -> Result<bool, Fault> {
        Ok(self.backing(now, place, case, reader)?.is_some())
    }

    /// A reader's grant of a Case that holds now.
    pub(super) fn backing(
        &self,
        now: Timestamp,
        place: Place,
        case: FolderId,
        reader: PartyId,
    ) -> Result<Option<GrantStatement>, Fault> {
        let folder: Option<FolderRow> = self.shelves.read(place, Table::Folder, &[&self.folder_row(case)])?;
        let Some(folder) = folder else { return Ok(None) };
        let grants = self.grants_at(place, &folder, reader)?.into_iter().map(|row| row.grant.statement);
        Ok(grants.into_iter().find(|statement| {
            let terms = statement.terms;
            terms.starts() <= now && now < terms.ends()
        }))
    }
}
