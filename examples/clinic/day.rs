//! The day.

use std::{
    fs,
    io::Write as _,
    ops::ControlFlow,
    path::Path,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
};

use casevault::{
    access::Policy,
    consent::Terms,
    credential::Attestation,
    crypto::Random,
    error::Error,
    id::PartyId,
    party::{Auditor, Doctor, Keyring, Owner, Patient, Registrar, Role},
    public::PublicPolicy,
    record::Kind,
    session::{Case, Identity, Memory, Record, Session, Tools},
    store::SledStore,
    time::{Clock as _, days},
    vault::{HostDir, Vault},
};
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Outcome,
    charts::{self, counted},
    clock::ClinicClock,
    options::Options,
    public::{Area, Office},
    report::{Report, timed},
    say,
    vetting::Desk,
};

#[derive(Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(crate) name: String,
}

/// The people who work here, and the vault they work with.
struct Clinic<'v> {
    vault: &'v Vault,
    office: Session<'v, Registrar>,
    bob: Session<'v, Doctor>,
    carol: Session<'v, Doctor>,
    dave: Session<'v, Doctor>,
    auditor: Session<'v, Auditor>,
    public: Area<'v>,
    random: Random,
    report: Report,
    /// The parties of the story of vetting.
    vetted: Vec<PartyId>,
}

pub(crate) fn run(options: &Options) -> Outcome<()> {
    let charts = charts::find(options)?;
    charts::check_targets(options)?;
    let temporary = tempfile::tempdir()?;
    let place = options.vault.clone().unwrap_or_else(|| temporary.path().to_owned());
    let mut random = match options.seed {
        Some(seed) => {
            let mut bytes = [0; 32];
            bytes.iter_mut().zip(seed.to_be_bytes()).for_each(|(to, from)| *to = from);
            Random::seeded(bytes)
        }
        None => Random::system()?,
    };
    let registrars = [Keyring::generate_with(&mut random), Keyring::generate_with(&mut random)];
    let public = match options.grid.as_deref() {
        Some("default") => PublicPolicy::shipped_default()?,
        Some(_) | None => PublicPolicy::shipped_small()?,
    };
    let public = Office::new(public, &mut random);
    let policy = Policy::trusting(&registrars.each_ref().map(|keyring| keyring.card(Role::Registrar)));
    let policy = public.named_in(policy);
    let store = SledStore::open(place.join("store"))?;
    let host = HostDir::open(place.join("host"))?;
    let vault = Vault::create_with(store, host, policy, ClinicClock, fork(&mut random))?;
    say(&format!("A new vault in {}: it stores and decides, and cannot read.\n", place.display()))?;

    let (stop, stopped) = mpsc::channel::<()>();
    thread::scope(|threads| {
        // Dropped at the end of the day, however it ends: then the checkpointer stops.
        let _stop = stop;
        let vault = &vault;
        // With a seed nothing happens beside the day, and every run is the same.
        if options.seed.is_none() {
            threads.spawn(move || {
                vault.checkpointing(|span| match stopped.recv_timeout(span) {
                    Err(RecvTimeoutError::Timeout) => ControlFlow::Continue(()),
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => ControlFlow::Break(()),
                });
            });
        }
        let mut clinic = Clinic::open(vault, registrars, public, random)?;
        let bar = progress(charts.len());
        // The curator works after each third of the charts; then some patients change their minds.
        let third = charts.len().div_ceil(3);
        for (number, chart) in charts.iter().enumerate() {
            let is_told = number == 0;
            bar.suspend(|| clinic.see(chart, is_told, options))?;
            bar.inc(1);
            if (number + 1) % third == 0 || number + 1 == charts.len() {
                bar.suspend(|| clinic.public.epoch(options.public.as_deref()))?;
            }
        }
        bar.finish_and_clear();
        clinic.public.take_back()?;
        for _ in 0..2 {
            clinic.public.epoch(options.public.as_deref())?;
        }
        clinic.public.close()?;
        clinic.close(options)
    })?;
    vault.close()?;
    Ok(())
}

impl<'v> Clinic<'v> {
    fn open(vault: &'v Vault, registrars: [Keyring; 2], public: Office, mut random: Random) -> Outcome<Self> {
        let mut report = Report::default();
        let mut sign_in = |registrar| {
            let memory = Memory::trusting(vault.trust().clone());
            let tools = Tools::new(ClinicClock, fork(&mut random));
            Session::<Registrar>::sign_in_with(vault, registrar, memory, tools)
        };
        let [one, other] = registrars;
        let (office, second) = (sign_in(one)?, sign_in(other)?);
        let vetted = Desk::new(vault, [&office, &second], &mut random, &mut report).tell()?;
        let (bob, carol, dave, auditor) = timed(&mut report.seconds.enrol_and_vet, || -> Outcome<_> {
            let bob = enrol::<Doctor>(vault, "Dr. Bob Brandt", &mut random)?;
            let carol = enrol::<Doctor>(vault, "Dr. Carol Conti", &mut random)?;
            let dave = enrol::<Doctor>(vault, "Dr. Dave Dunn", &mut random)?;
            let auditor = enrol::<Auditor>(vault, "Audit Office", &mut random)?;
            for doctor in [&bob, &carol, &dave] {
                office.attest(doctor.id(), Attestation::doctor("general practice"))?;
            }
            office.attest(auditor.id(), Attestation::auditor())?;
            Ok((bob, carol, dave, auditor))
        })?;
        let attest = |curator| Ok(office.attest(curator, Attestation::curator())?);
        let public = public.enrol(vault, attest, &mut random)?;
        report.doctors = 3;
        say(
            "Three more doctors and an auditor enrolled; the registrar looked who they are and attested them.\n",
        )?;
        public.explain()?;
        Ok(Self { vault, office, bob, carol, dave, auditor, public, random, report, vetted })
    }

    /// One patient, from the door to the door.
    fn see(&mut self, chart: &Path, is_told: bool, options: &Options) -> Outcome<()> {
        let tell = |line: String| if is_told { say(&line) } else { Ok(()) };
        let document = fs::read(chart).map_err(|error| format!("{}: {error}", chart.display()))?;
        let name = chart.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let (vault, office, random) = (self.vault, &self.office, &mut self.random);
        let alice = timed(&mut self.report.seconds.enrol_and_vet, || -> Outcome<_> {
            let alice = enrol::<Patient>(vault, &format!("the patient of {name}"), random)?;
            office.attest(alice.id(), Attestation::patient())?;
            Ok(alice)
        })?;
        tell(format!("A patient enrols as party {} and is vetted.", alice.id()))?;
        let imported = match timed(&mut self.report.seconds.import, || alice.import(&document)) {
            Ok(imported) => imported,
            Err(error @ Error::Malformed(_)) => {
                say(&format!("{name}: not imported: {error}"))?;
                self.report.charts_refused += 1;
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        self.report.patients += 1;
        self.report.bytes_in += u64::try_from(document.len())?;
        self.report.records += u64::try_from(imported.case_records + imported.identity_records)?;
        self.report.strings_struck += imported.report.struck;
        tell(format!(
            "The chart is imported: {} records under pseudonyms in case {}, {} that say who in the identity.",
            imported.case_records,
            imported.case.id(),
            imported.identity_records
        ))?;
        self.consult(&alice, &imported.case, &tell, options)?;
        let restored = timed(&mut self.report.seconds.restore, || original(&alice))?;
        if restored == document {
            self.report.bundles_restored_identical += 1;
        }
        tell(format!(
            "The chart as it came, byte for byte, comes back to the patient: {}.",
            restored == document
        ))?;
        timed(&mut self.report.seconds.verify, || -> Outcome<()> {
            let own = alice.verify_stream()?;
            let audited = self.auditor.check_owner(alice.id(), &[own.head])?;
            self.report.events += audited.signatures;
            self.report.streams_verified += 1;
            Ok(())
        })?;
        if is_told {
            say("\nWho did what, by the patient's own stream:")?;
            for line in alice.history()? {
                say(&format!("  {line}"))?;
            }
            say("")?;
        }
        self.public.share(alice, imported.case, is_told)
    }

    fn consult(
        &mut self,
        alice: &Session<'_, Patient>,
        case: &Case,
        tell: &dyn Fn(String) -> Outcome<()>,
        options: &Options,
    ) -> Outcome<()> {
        let in_14_days = ClinicClock.now().plus(days(14));
        let (bob, carol, dave) = (&self.bob, &self.carol, &self.dave);
        let his = timed(&mut self.report.seconds.assign_and_open, || -> Outcome<_> {
            alice.assign(case, bob.id(), Terms::treatment().until(in_14_days))?;
            let his = granted(bob, case)?;
            let chart = bob.open(&his)?;
            let records = chart.records()?.len();
            let who = chart.identity()?;
            let told = match name_in(&who) {
                Some(name) => format!("learns who it is: {name}"),
                None => "asks who it is: the chart names no patient".to_owned(),
            };
            let records = counted(u64::try_from(records)?, "record");
            tell(format!("Doctor Bob is assigned. He opens {records}, and {told}."))?;
            Ok(his)
        })?;
        self.report.opens_assigned += 1;
        let records = timed(&mut self.report.seconds.opinion, || -> Outcome<_> {
            alice.opinion(case, carol.id(), Terms::opinion())?;
            let chart = carol.open(&granted(carol, case)?)?;
            let is_told_who = chart.identity().is_ok();
            let who = if is_told_who { "told" } else { "not told" };
            tell(format!(
                "Doctor Carol is asked for an opinion. She opens the case; whose it is, she is {who}."
            ))?;
            Ok(chart.records()?)
        })?;
        self.report.opens_opinion += 1;
        if let Some(directory) = &options.dump_opinion {
            dump(directory, case, &records)?;
        }
        if dave.open(&his).is_err() && dave.cases()?.is_empty() {
            self.report.opens_refused += 1;
            tell("Doctor Dave, whom nobody asked, finds nothing and opens nothing.".to_owned())?;
        }
        timed(&mut self.report.seconds.write, || -> Outcome<()> {
            bob.write(&his, Kind::Note, "seen today, chart reviewed")?;
            bob.write(&his, Kind::Prescription, "paracetamol 500 mg, one when needed, at most four a day")?;
            Ok(())
        })?;
        self.report.records += 2;
        tell("Doctor Bob writes a note and a prescription, signed by him.".to_owned())?;
        let residue = timed(&mut self.report.seconds.revoke, || -> Outcome<_> {
            let revocation = alice.revoke(case, bob.id())?;
            Ok(alice.residue(&revocation)?)
        })?;
        if bob.open(&his).is_err() {
            self.report.opens_refused += 1;
        }
        tell(format!(
            "The patient revokes: Bob is refused at once. He could have read {} records, and by the log opened {}.",
            residue.could_read, residue.did_open
        ))?;
        Ok(())
    }

    fn close(&mut self, options: &Options) -> Outcome<()> {
        let auditor = &self.auditor;
        let own = [self.bob.id(), self.carol.id(), self.dave.id(), auditor.id(), self.public.curator.id()];
        for owner in own.into_iter().chain(self.vetted.iter().copied()) {
            self.report.events +=
                timed(&mut self.report.seconds.verify, || auditor.check_owner(owner, &[]))?.signatures;
            self.report.streams_verified += 1;
        }
        self.report.events += auditor.check_vault(&[])?.signatures;
        self.report.streams_verified += 1;
        self.report.public = self.public.report.clone();
        let report = &self.report;
        say(&format!(
            "{}, {} from {} bytes; {} came back identical; {}, each in the vault's own stream; {} in {}, all verified.",
            counted(report.patients, "patient"),
            counted(report.records, "record"),
            report.bytes_in,
            counted(report.bundles_restored_identical, "chart"),
            counted(report.opens_refused + report.withdrawn_locked_out, "refused opening"),
            counted(report.events, "event"),
            counted(report.streams_verified, "stream")
        ))?;
        if let Some(path) = &options.report {
            fs::write(path, serde_json::to_vec_pretty(report)?)?;
        }
        if report.patients == 0 {
            let refused = counted(report.charts_refused, "chart");
            return Err(format!("{refused} refused, none imported: see above why").into());
        }
        Ok(())
    }
}

pub(crate) fn enrol<'v, R: Owner>(
    vault: &'v Vault,
    name: &str,
    random: &mut Random,
) -> Outcome<Session<'v, R>> {
    let keyring = Keyring::generate_with(random);
    let memory = Memory::trusting(vault.trust().clone());
    let tools = Tools::new(ClinicClock, fork(random));
    Ok(Session::<R>::enrol_with(vault, keyring, &Profile { name: name.to_owned() }, memory, tools)?)
}

pub(crate) fn granted(doctor: &Session<'_, Doctor>, case: &Case) -> Outcome<Case> {
    let cases = doctor.cases()?;
    Ok(cases.into_iter().find(|granted| granted.id() == case.id()).ok_or("the case was not granted")?)
}

/// The name that the chart's own Patient resource says.
fn name_in(who: &Identity) -> Option<String> {
    let patients = who.records().iter().filter(|record| record.kind() == Kind::Resource);
    let mut patients =
        patients.filter_map(|record| serde_json::from_slice::<Value>(record.content().bytes()).ok());
    let patient =
        patients.find(|resource| resource.get("resourceType").is_some_and(|kind| kind == "Patient"))?;
    let name = patient.pointer("/name/0")?;
    let parts = [name.pointer("/given/0"), name.get("family")];
    let parts: Vec<&str> = parts.into_iter().flatten().filter_map(Value::as_str).collect();
    if parts.is_empty() { Some(name.get("text")?.as_str()?.to_owned()) } else { Some(parts.join(" ")) }
}

fn original(alice: &Session<'_, Patient>) -> Outcome<Vec<u8>> {
    let chart = alice.open(&alice.identity_folder()?)?;
    let original = chart.records_of(Kind::Original)?.into_iter().next().ok_or("no document was kept")?;
    Ok(original.content().bytes().to_vec())
}

/// What the second doctor read, a record a line: FHIR resources as they are, everything else with its kind.
fn dump(directory: &Path, case: &Case, records: &[Record]) -> Outcome<()> {
    fs::create_dir_all(directory)?;
    let mut file = fs::File::create(directory.join(format!("{}.ndjson", case.id().to_hex())))?;
    for record in records {
        if record.kind() == Kind::Resource {
            file.write_all(record.content().bytes())?;
        } else {
            let line = serde_json::json!({ "kind": record.kind().word(), "text": record.value::<String>()? });
            serde_json::to_writer(&mut file, &line)?;
        }
        file.write_all(b"\n")?;
    }
    Ok(())
}

fn progress(length: usize) -> ProgressBar {
    let bar = ProgressBar::new(u64::try_from(length).unwrap_or(u64::MAX));
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} charts, {elapsed} gone, {eta} to go");
    if let Ok(style) = style { bar.with_style(style) } else { bar }
}

fn fork(random: &mut Random) -> Random {
    Random::seeded(random.bytes())
}
