//! The public area: patients share what their cases say of nobody, a curator lets it out, some take it back, anyone reads it.

use std::{collections::BTreeMap, path::Path};

use casevault::{
    crypto::Random,
    custodian::PublicQuery,
    log::{KeyName, NoteSigner},
    party::{Curator, Keyring, Patient, Role},
    public::{
        BatchFacts, Counted, PublicPolicy, PublicRow, Use,
        export::{Cover, Export, Format, Withheld},
        policy::Reader,
    },
    session::{Case, Curation, Memory, Session, Tools},
    time::{Clock as _, days},
    vault::Vault,
};

use crate::{
    Outcome,
    charts::counted,
    clock::ClinicClock,
    day::Profile,
    report::{PublicReport, timed},
    say,
};

/// Every so many patients one takes back what she shared.
const TAKES_BACK: usize = 40;

/// Whoever makes anonymised cases public, before the vault is there to know of it.
pub(crate) struct Office {
    keyring: Keyring,
    pub(crate) policy: PublicPolicy,
    /// What signs the exports.
    publisher: Keyring,
}

impl Office {
    pub(crate) fn new(policy: PublicPolicy, random: &mut Random) -> Self {
        Self { keyring: Keyring::generate_with(random), policy, publisher: Keyring::generate_with(random) }
    }

    /// The policy of a vault with this public area.
    pub(crate) fn named_in(&self, policy: casevault::access::Policy) -> casevault::access::Policy {
        policy.curated(self.policy.digest(), &self.keyring.card(Role::Curator))
    }

    /// The curator comes to work.
    pub(crate) fn enrol<'v>(
        self,
        vault: &'v Vault,
        attest: impl FnOnce(casevault::id::PartyId) -> Outcome<()>,
        random: &mut Random,
    ) -> Outcome<Area<'v>> {
        let Self { keyring, policy, publisher } = self;
        let memory = Memory::trusting(vault.trust().clone());
        let tools = Tools::new(ClinicClock, Random::seeded(random.bytes()));
        let who = Profile { name: "Public Area Office".to_owned() };
        let curator = Session::<Curator>::enrol_with(vault, keyring, &who, memory, tools)?;
        attest(curator.id())?;
        let (random, report) = (Random::seeded(random.bytes()), PublicReport::default());
        let (waiting, refused) = (Vec::new(), BTreeMap::new());
        Ok(Area { vault, curator, policy, publisher, random, report, waiting, refused, epochs: 0 })
    }
}

/// The public area, while the clinic works.
pub(crate) struct Area<'v> {
    vault: &'v Vault,
    pub(crate) curator: Session<'v, Curator>,
    policy: PublicPolicy,
    publisher: Keyring,
    random: Random,
    pub(crate) report: PublicReport,
    /// Who will take back what she shared.
    waiting: Vec<(Session<'v, Patient>, Case)>,
    /// Cases of which nothing can be said, by why.
    refused: BTreeMap<&'static str, u64>,
    epochs: u32,
}

impl<'v> Area<'v> {
    /// What the policy says, to whom it concerns.
    pub(crate) fn explain(&self) -> Outcome<()> {
        say(&format!(
            "What a patient is told of the public area:\n\n{}",
            self.policy.explain(Reader::Patient)
        ))
    }

    /// A patient is shown what would be said of her case, and says yes.
    pub(crate) fn share(&mut self, alice: Session<'v, Patient>, case: Case, is_told: bool) -> Outcome<()> {
        let draft = match timed(&mut self.report.seconds_draft, || alice.draft(&case, &self.policy))? {
            Ok(draft) => draft,
            Err(refused) => {
                *self.refused.entry(refused.why.code()).or_default() += 1;
                self.report.refused += 1;
                return if is_told { say(&format!("Her case is not shared: {refused}.")) } else { Ok(()) };
            }
        };
        if is_told {
            say("She is shown what would be public of her case, and says yes:")?;
            for line in &draft.report.lines {
                say(&format!("  {line}"))?;
            }
            say("")?;
        }
        let until = ClinicClock.now().plus(days(365));
        timed(&mut self.report.seconds_share, || {
            alice.share(&case, &draft.said, [Use::CareResearch, Use::PublicResearch], until)
        })?;
        self.report.shared += 1;
        if usize::try_from(self.report.shared)? % TAKES_BACK == 0 {
            self.waiting.push((alice, case));
        }
        Ok(())
    }

    /// A day goes by, and the curator brings the public area to its next epoch.
    pub(crate) fn epoch(&mut self, directory: Option<&Path>) -> Outcome<()> {
        ClinicClock::next_day();
        self.epochs += 1;
        let Self { curator, policy, random, report, .. } = self;
        let begun = std::time::Instant::now();
        let mut curation = curator.curate(std::slice::from_ref(policy))?;
        let changed = curation.epoch(random)?;
        report.seconds_epochs += begun.elapsed().as_secs_f64();
        say(&format!(
            "Epoch {}: {} with {} became public, {} hidden.",
            self.epochs,
            batches(changed.batches),
            counted(u64::try_from(changed.rows)?, "case"),
            batches(changed.hidden)
        ))?;
        for waiting in curation.waiting() {
            say(&format!("  {} wait: {}", waiting.cases, waiting.reason))?;
        }
        let withheld = withheld(&curation);
        let Some(directory) = directory else { return Ok(()) };
        let place = directory.join(format!("epoch-{}", self.epochs));
        self.export(&place, &withheld)
    }

    /// Some take back what they shared; and the next epochs go without it.
    pub(crate) fn take_back(&mut self) -> Outcome<()> {
        for (alice, case) in self.waiting.drain(..) {
            alice.retract(&case)?;
            self.report.taken_back += 1;
        }
        say(&format!("{} taken back.", counted(self.report.taken_back, "case")))
    }

    /// What anyone reads, without a key.
    fn read(&self) -> Outcome<(Vec<BatchFacts>, Vec<PublicRow>)> {
        let public = self.vault.public();
        let (_, batches) = public.batches()?;
        let (mut rows, mut place) = (Vec::new(), None);
        loop {
            let page = public.rows(&PublicQuery::default(), place)?;
            rows.extend(page.found);
            place = page.next;
            if place.is_none() {
                // Pages come batch by batch, an export by the public ids.
                rows.sort_by_key(|row: &PublicRow| row.id);
                return Ok((batches, rows));
            }
        }
    }

    fn export(&self, place: &Path, withheld: &[Withheld]) -> Outcome<()> {
        let (batches, rows) = self.read()?;
        let cover = Cover {
            name: "clinic-cases".to_owned(),
            title: "Anonymised cases of the clinic".to_owned(),
            description: "Cases that patients of a made-up clinic shared.".to_owned(),
            publisher: "The clinic's public area office".to_owned(),
            homepage: "https://example.org/cases".to_owned(),
            licence: "CC-BY-4.0".to_owned(),
            licence_url: "https://creativecommons.org/licenses/by/4.0/".to_owned(),
            version: format!("{}.0.0", self.epochs),
            published: ClinicClock.now(),
        };
        let formats = Format::ALL.iter().copied().collect();
        let export =
            Export { cover: &cover, labels: &self.policy, formats: &formats, batches: &batches, withheld };
        let name = KeyName::parse("clinic.example/public")?;
        let signer = NoteSigner::new(name, self.publisher.signer());
        let rows = rows.into_iter().map(Ok::<_, std::convert::Infallible>);
        export.write(place, rows, &signer)?;
        say(&format!("  exported to {}; its manifest verifies under {}", place.display(), signer.verifier()))
    }

    /// What became of it all.
    pub(crate) fn close(&mut self) -> Outcome<()> {
        let (batches, rows) = self.read()?;
        self.report.epochs = u64::from(self.epochs);
        self.report.public_cases = u64::try_from(rows.len())?;
        self.report.public_batches = u64::try_from(batches.len())?;
        say(&format!(
            "The public area after {}: {} of {} shared, in {}.",
            counted(self.report.epochs, "epoch"),
            counted(self.report.public_cases, "case"),
            self.report.shared,
            counted(self.report.public_batches, "batch").replace("batchs", "batches")
        ))?;
        for (why, count) in &self.refused {
            say(&format!("  not shared, {why}: {count}"))?;
        }
        Ok(())
    }
}

fn batches(count: usize) -> String {
    if count == 1 { "1 batch".to_owned() } else { format!("{count} batches") }
}

/// What waits, for the report of an export: in whole steps of k already.
fn withheld(curation: &Curation<'_, '_>) -> Vec<Withheld> {
    let of = |waiting: casevault::public::Waiting| Withheld {
        reason: waiting.reason.to_string().replace(' ', "-"),
        words: format!("Cases wait: {}.", waiting.reason),
        cases: match waiting.cases {
            Counted::FewerThan(_) => 0,
            Counted::AtLeast(cases) => u64::from(cases),
        },
    };
    curation.waiting().into_iter().map(of).collect()
}
