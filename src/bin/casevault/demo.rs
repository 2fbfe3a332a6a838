//! `casevault demo`: a small vault to play with; everybody in it is made up.

use std::{
    fs,
    path::{Path, PathBuf},
};

use casevault::{
    access::Policy,
    consent::Terms,
    credential::{Attestation, Coding, Listing, Reveal},
    crypto::Random,
    party::{Curator, Doctor, KeyFile, Keyring, Owner, Passphrase, Patient, Registrar, Role, RoleType},
    public::PublicPolicy,
    record::Kind,
    session::{Case, Memory, Session, Tools},
    store::SledStore,
    vault::{HostDir, Vault},
};
use clap::Args;
use indicatif::ProgressBar;

use crate::{
    disk,
    failure::{Done, Failure},
    init, screen,
    signed_in::{SignsIn, memory_file},
};

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// The folder to make: the vault, everybody's key files, and a config file.
    directory: PathBuf,
}

/// Of all key files of the demonstration; it stands in a file beside them.
const PASSPHRASE: &str = "everybody here is made up";

const CONFIG: &str = "\
# Settings of the demonstration: paths are meant from this folder.
vault = \"vault\"
key = \"alice.key\"
passphrase-file = \"passphrase\"
";

const CHARTS: [(&str, &str, &[u8]); 3] = [
    ("alice", "Alice Liddell", include_bytes!("../../../examples/data/cough.json")),
    ("bella", "Bella Swift", include_bytes!("../../../examples/data/pressure.json")),
    ("carl", "Carl Rook", include_bytes!("../../../examples/data/rash.json")),
];

const STEPS: u64 = 9;

impl Demo {
    pub(crate) fn run(self) -> Done {
        let path = self.directory;
        if path.symlink_metadata().is_ok() {
            let words = "is there already: give a folder that is not, and it is made";
            return Err(Failure::failed("exists", format!("{} {words}", path.display())));
        }
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or_else(|| Path::new("."));
        // Made beside, and put in its place when all is there.
        let made = tempfile::Builder::new().prefix(".casevault-demo-").tempdir_in(parent);
        let made = made.map_err(|error| Failure::files(parent, "written", &error))?;
        let bar = screen::bar(STEPS, "steps");
        let cases = Stage { place: made.path(), passphrase: Passphrase::new(PASSPHRASE), bar: &bar }.play();
        bar.finish_and_clear();
        let cases = cases?;
        fs::rename(made.path(), &path).map_err(|error| Failure::files(&path, "made", &error))?;
        screen::word(&format!(
            "A vault with a registrar, two doctors, three patients and a curator is in {}; all of them are made up. Try:",
            path.display()
        ));
        cases.told(&path)
    }
}

/// The cases of the demonstration, by the beginnings of their ids.
struct Cases {
    alice: Case,
    carl: Case,
    brandt: String,
}

impl Cases {
    fn told(&self, path: &Path) -> Done {
        let quoted = path.to_string_lossy().replace('\'', r"'\''");
        let (alice, carl, brandt) = (self.alice.id(), self.carl.id(), &self.brandt);
        let lines = [
            format!("cd '{quoted}'"),
            "export CASEVAULT_CONFIG=\"$PWD/config.toml\"    # the vault, Alice's key, the passphrase"
                .to_owned(),
            "casevault config show".to_owned(),
            "casevault show    # Alice's cases, and who may read them".to_owned(),
            "casevault history    # who looked, when, why".to_owned(),
            format!(
                "casevault show {alice} --key dr-brandt.key    # the assigned doctor, who learns who she is"
            ),
            format!("casevault show {alice} --key dr-conti.key    # the second opinion, who does not"),
            "casevault directory --specialty Cardiology".to_owned(),
            format!("casevault assign {carl} {brandt} --days 7 --key carl.key"),
            format!("echo 'seen today' | casevault write {carl} - --key dr-brandt.key"),
            format!("casevault revoke {carl} {brandt} --key carl.key"),
            format!("casevault share {alice} --draft    # what the public would be told, and what not"),
            format!("casevault share {alice} --yes"),
            "casevault curate --key curator.key".to_owned(),
            "casevault attest --key registrar.key    # who waits to be vetted".to_owned(),
            "casevault audit verify vault    # all of it, without a key".to_owned(),
        ];
        lines.iter().try_for_each(|line| screen::answer(line))
    }
}

/// Where the demonstration is made.
struct Stage<'a> {
    place: &'a Path,
    passphrase: Passphrase,
    bar: &'a ProgressBar,
}

impl Stage<'_> {
    fn play(&self) -> Done<Cases> {
        let [registrar, curator] =
            [self.key("registrar", Role::Registrar)?, self.key("curator", Role::Curator)?];
        let policy = Policy::trusting([&registrar.card(Role::Registrar)]);
        let (text, public) = init::public_policy("small")?;
        let vault = self.vault(policy, &curator, (&text, &public))?;
        let office = Registrar::sign_in(&vault, registrar, Memory::trusting(vault.trust()))?;
        let clerk = self.enrol::<Curator>(&vault, curator, "Public Area Office")?;
        office.attest(clerk.id(), Attestation::curator())?;
        let brandt = self.doctor((&vault, &office), "dr-brandt", ("Dr. Bob Brandt", "Dr. Heron"))?;
        let conti = self.doctor((&vault, &office), "dr-conti", ("Dr. Carol Conti", "Dr. Finch"))?;
        let mut patients = Vec::new();
        for (file, name, chart) in CHARTS {
            let keyring = self.key(file, Role::Patient)?;
            let patient = self.enrol::<Patient>(&vault, keyring, name)?;
            office.attest(patient.id(), Attestation::patient())?;
            let case = patient.import(chart)?.case;
            patients.push((file, patient, case));
            self.bar.inc(1);
        }
        let [(_, alice, first), (_, bella, second), (_, _, third)] = patients.as_slice() else {
            return Err(Failure::failed("demo", "a patient is missing: use a newer build"));
        };
        alice.assign(first, brandt.id(), Terms::treatment())?;
        alice.opinion(first, conti.id(), Terms::opinion())?;
        bella.assign(second, brandt.id(), Terms::treatment())?;
        for case in brandt.cases()? {
            brandt.open(&case)?.identity()?;
            brandt.write(&case, Kind::Note, "chart reviewed, patient called in")?;
        }
        conti.cases()?.iter().try_for_each(|case| conti.open(case).map(|_chart| ()))?;
        bella.revoke(second, brandt.id())?;
        let cases = Cases { alice: first.clone(), carl: third.clone(), brandt: brandt.id().to_string() };
        self.keep("registrar", &office)?;
        self.keep("curator", &clerk)?;
        self.keep("dr-brandt", &brandt)?;
        self.keep("dr-conti", &conti)?;
        for (file, patient, _) in &patients {
            self.keep(file, patient)?;
        }
        drop((office, clerk, brandt, conti, patients));
        vault.close()?;
        disk::make(&self.place.join("passphrase"), format!("{PASSPHRASE}\n").as_bytes())?;
        disk::make(&self.place.join("config.toml"), CONFIG.as_bytes())?;
        Ok(cases)
    }

    fn vault(&self, policy: Policy, curator: &Keyring, (text, public): (&str, &PublicPolicy)) -> Done<Vault> {
        let place = self.place.join("vault");
        let policy = policy.curated(public.digest(), &curator.card(Role::Curator));
        let host = HostDir::open(place.join("host"))?;
        disk::make(&place.join(init::PUBLIC), text.as_bytes())?;
        Ok(Vault::create(SledStore::open(place.join("store"))?, host, policy)?)
    }

    /// A new key file and a card.
    fn key(&self, file: &str, role: Role) -> Done<Keyring> {
        let keyring = Keyring::generate()?;
        let locked = KeyFile::lock(&keyring, &self.passphrase)?;
        disk::make(&self.place.join(format!("{file}.key")), &locked.to_bytes())?;
        disk::make(&self.place.join(format!("{file}.card")), keyring.card(role).to_text().as_bytes())?;
        self.bar.inc(1);
        Ok(keyring)
    }

    fn enrol<'v, R: Owner>(&self, vault: &'v Vault, keyring: Keyring, who: &str) -> Done<Session<'v, R>> {
        let (memory, tools) =
            (Memory::trusting(vault.trust()), Tools::new(casevault::time::SystemClock, Random::system()?));
        Ok(Session::<R>::enrol_with(vault, keyring, who, memory, tools)?)
    }

    fn doctor<'v>(
        &self,
        (vault, office): (&'v Vault, &Session<'v, Registrar>),
        file: &str,
        (name, pseudonym): (&str, &str),
    ) -> Done<Session<'v, Doctor>> {
        let doctor = self.enrol::<Doctor>(vault, self.key(file, Role::Doctor)?, name)?;
        doctor.write_name(name)?;
        let specialty = Coding::snomed("394579002", "Cardiology");
        office.attest(doctor.id(), Attestation::doctor(specialty).jurisdiction("GB"))?;
        let listing = Listing::new(pseudonym).language("en").region("GB-SCT").reveals(Reveal::NameOnly);
        doctor.list(&listing)?;
        Ok(doctor)
    }

    fn keep<R: RoleType>(&self, file: &str, session: &Session<'_, R>) -> Done {
        let path = self.place.join(format!("{file}.key.memory"));
        disk::make(&path, &memory_file(R::ROLE, &session.save()))
    }
}
