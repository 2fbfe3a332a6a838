//! Who may do what, by standing, attestation and role: a table by hand, the credit ledger's laws, and what is left to whom
//! nobody vouches for.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
    time::Duration,
};

use casevault::{
    access::{Act, Capacity, Facts, FolderFacts, GrantFacts, Policy, Taker, decide},
    codec,
    consent::{Purpose, Terms},
    credential::{Category, CreditLedger, Standing, Thresholds, Verdict},
    crypto::Secret,
    folder::{Clearance, FolderKind},
    id::{Digest, RulingId},
    party::{Keyring, Role},
    time::{Timestamp, days},
};
use proptest::{prelude::*, sample::select};

const NOW: Timestamp = Timestamp::at_ms(1_790_000_000_000);

static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    Policy::trusting([&Keyring::from_seed(Secret::from_bytes([1; 32])).card(Role::Registrar)])
});

/// The rules, the first that fits: `*` is anyone, `!` is anyone but, `|` is or. `attested` and `role` are the actor's; of a
/// grant (`Give`), the taker's. A reader is `Assigned` (reads and writes the case, reads the identity that came with it),
/// `Asked` for an opinion (reads), or `Vetting`.
const TABLE: &str = "
    act           who           folder                standing   attested  role      taker      outcome

    -- To be heard, to see one's own stream, to take one's own back: always.
    Appeal        Owner         *                     *          *         *         *          Permit
    Close         Owner         *                     *          *         *         *          Permit
    Retract       Owner         *                     *          *         *         *          Permit
    Renew         Owner         *                     *          *         *         *          Permit
    Audit         Owner         *                     *          *         *         *          Permit
    Audit         Auditor       *                     Barred     *         *         *          Barred
    Audit         Auditor       *                     *          *         *         *          Permit
    Audit         *             *                     *          *         *         *          NotOwner

    -- The office.
    Attest        Registrar     *                     *          *         *         *          Permit
    Consult       Registrar     *                     *          *         *         *          Permit
    Govern        Registrar     *                     *          *         *         *          Permit
    Rule          Registrar     *                     *          *         *         *          Permit
    Attest|Consult|Govern|Rule  * *                   *          *         *         *          WrongRole

    -- The directory is for whoever is attested, and not barred.
    Search        *             *                     *          no        *         *          NotAttested
    Search        *             *                     Barred     yes       *         *          Barred
    Search        *             *                     *          yes       *         *          Permit

    -- The public area is its curator's, whom the policy names; to all others it is not there.
    Gather|Release !Curator     *                     *          *         *         *          Absent
    Gather|Release *            *                     *          no        *         *          NotAttested
    Gather|Release *            *                     Barred     yes       *         *          Barred
    Gather|Release *            *                     *          yes       *         *          Permit

    -- A folder is its owner's, and its readers'; to all others it is not there.
    Open          Owner         *                     *          *         *         *          Permit
    Open|Write    Registrar|Auditor|Curator|Stranger  * *        *         *         *          Absent
    Open|Write    !Owner        *                     *          no        *         *          NotAttested
    Open|Write    !Owner        *                     Barred     yes       *         *          Barred
    Open|Write    Asked         Identity              *          yes       *         *          Identity
    Open          *             *                     *          yes       *         *          Permit
    Write         Assigned      Case|Summary          *          yes       *         *          Permit
    Write         !Owner        *                     *          yes       *         *          ReadOnly
    Write         Owner         Identity|Credentials  *          *         *         *          Permit
    Write         Owner         Case|Summary          Barred     *         *         *          Barred
    Write         Owner         Case|Summary          *          *         *         *          Permit

    -- All else is the owner's: a reader may know that it is another's, a stranger may not.
    *             Stranger      *                     *          *         *         *          Absent
    *             !Owner        *                     *          *         *         *          NotOwner

    -- To begin: who one is, always; papers, a doctor who is not barred; a case, a vetted patient in good enough standing.
    Begin         *             Identity              *          *         *         *          Permit
    Begin         *             Credentials           *          *         !Doctor   *          WrongRole
    Begin         *             Credentials           Barred     *         Doctor    *          Barred
    Begin         *             Credentials           *          *         Doctor    *          Permit
    Begin         *             Case|Summary          *          *         !Patient  *          WrongRole
    Begin         *             Case|Summary          *          no        Patient   *          NotAttested
    Begin         *             Case|Summary          Barred     yes       Patient   *          Barred
    Begin         *             Case|Summary          Suspended  yes       Patient   *          Suspended
    Begin         *             Case|Summary          *          yes       Patient   *          Permit

    -- To share: of a case, who is vouched for and not barred.
    Share         *             !Case                 *          *         *         *          Absent
    Share         *             Case                  *          no        *         *          NotAttested
    Share         *             Case                  Barred     yes       *         *          Barred
    Share         *             Case                  *          yes       *         *          Permit

    -- To say of oneself to everybody what one is: a doctor. To a patient who one is, and to the registrars what another
    -- did: who is vouched for, and not barred.
    List          *             *                     *          *         Doctor    *          Permit
    List          *             *                     *          *         *         *          WrongRole
    Report|Reveal *             *                     *          no        *         *          NotAttested
    Report|Reveal *             *                     Barred     yes       *         *          Barred
    Report|Reveal *             *                     *          yes       *         *          Permit

    -- To give: oneself always, registrars to vet whatever the standing, a doctor if both stand well enough.
    Give.Own      *             *                     *          *         *         *          Permit
    Give          *             *                     *          no        *         *          NotAttested
    Give.Vet      *             Identity|Credentials  *          yes       Registrar *          Permit
    Give.Assign   *             Identity              *          yes       !Doctor   *          Identity
    Give.Treat|Give.Opinion|Give.Vet  *  Identity     *          yes       *         *          Identity
    Give          *             Credentials           *          yes       *         *          WrongRole
    Give          *             Case|Summary          *          yes       !Doctor   *          WrongRole
    Give.Vet      *             Case|Summary          *          yes       *         *          WrongRole
    Give          *             *                     Barred     yes       Doctor    *          Barred
    Give          *             *                     Suspended  yes       Doctor    *          Suspended
    Give          *             *                     *          yes       Doctor    Barred     Barred
    Give          *             *                     *          yes       Doctor    Suspended  Suspended
    Give          *             *                     *          yes       Doctor    *          Permit
";

const ACTS: [&str; 24] = [
    "Appeal",
    "Attest",
    "Audit",
    "Begin",
    "Close",
    "Consult",
    "Gather",
    "Give.Assign",
    "Give.Opinion",
    "Give.Own",
    "Give.Treat",
    "Give.Vet",
    "Govern",
    "List",
    "Open",
    "Release",
    "Renew",
    "Report",
    "Retract",
    "Reveal",
    "Rule",
    "Search",
    "Share",
    "Write",
];

const WHO: [&str; 8] =
    ["Assigned", "Asked", "Auditor", "Curator", "Owner", "Registrar", "Stranger", "Vetting"];

/// One line of all that can be asked.
#[derive(Debug, Clone, Copy)]
struct Asked {
    act: &'static str,
    who: &'static str,
    folder: FolderKind,
    standing: Standing,
    is_attested: bool,
    role: Role,
    taker: Standing,
}

impl Asked {
    fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for (act, who) in ACTS.into_iter().flat_map(|act| WHO.map(|who| (act, who))) {
            for (&folder, &role) in
                FolderKind::ALL.iter().flat_map(|kind| Role::ALL.iter().map(move |role| (kind, role)))
            {
                for (&standing, &taker) in
                    Standing::ALL.iter().flat_map(|one| Standing::ALL.iter().map(move |other| (one, other)))
                {
                    for is_attested in [true, false] {
                        all.push(Self { act, who, folder, standing, is_attested, role, taker });
                    }
                }
            }
        }
        all
    }

    fn cells(&self) -> [String; 7] {
        let Self { act, who, folder, standing, is_attested, role, taker } = self;
        [
            (*act).to_owned(),
            (*who).to_owned(),
            format!("{folder:?}"),
            format!("{standing:?}"),
            if *is_attested { "yes" } else { "no" }.to_owned(),
            format!("{role:?}"),
            format!("{taker:?}"),
        ]
    }

    fn act(&self) -> Act {
        let Self { act, folder: kind, is_attested, role, taker: standing, .. } = *self;
        let give = |terms, is_assignment| Act::Give {
            terms,
            taker: Taker { role, is_attested, is_assignment, standing, is_willing: true },
        };
        match act {
            "Appeal" => Act::Appeal { reports_today: 0 },
            "Attest" => Act::Attest,
            "Audit" => Act::Audit,
            "Begin" => Act::Begin { kind, role, open_cases: 0, cases_today: 0, is_attested },
            "Close" => Act::Close,
            "Consult" => Act::Consult,
            "Gather" => Act::Gather { is_attested },
            "Give.Assign" => give(terms(Purpose::Treatment), true),
            "Give.Opinion" => give(terms(Purpose::Opinion), false),
            "Give.Own" => give(terms(Purpose::Own), false),
            "Give.Treat" => give(terms(Purpose::Treatment), false),
            "Give.Vet" => give(terms(Purpose::Vetting), false),
            "Govern" => Act::Govern,
            "List" => Act::List { role },
            "Open" => Act::Open,
            "Release" => Act::Release { is_attested },
            "Renew" => Act::Renew,
            "Report" => Act::Report { is_attested, reports_today: 0 },
            "Retract" => Act::Retract,
            "Reveal" => Act::Reveal { is_assigned: true, is_attested },
            "Rule" => Act::Rule { is_own_ruling: false },
            "Search" => Act::Search { is_attested },
            "Share" => Act::Share { is_attested, is_open: true, is_shared: false },
            "Write" => Act::Write(Clearance::Normal),
            other => panic!("no such act: {other}"),
        }
    }

    fn facts(&self) -> Facts {
        let Self { who, folder: kind, is_attested, standing, .. } = *self;
        let is_case = matches!(kind, FolderKind::Case | FolderKind::Summary);
        let reader = |terms: Terms, is_backed| {
            let terms = if is_case { terms } else { terms.reading() };
            let (is_current, is_same_card, is_vetted) = (true, true, false);
            Capacity::Reader(GrantFacts {
                terms,
                is_current,
                is_same_card,
                is_attested,
                is_backed,
                is_vetted,
            })
        };
        let capacity = match who {
            "Assigned" => reader(terms(Purpose::Treatment), true),
            "Asked" => reader(terms(Purpose::Opinion), false),
            "Auditor" => Capacity::Auditor,
            "Curator" => Capacity::Curator,
            "Owner" => Capacity::Owner,
            "Registrar" => Capacity::Registrar,
            "Stranger" => Capacity::Stranger,
            "Vetting" => reader(terms(Purpose::Vetting), true),
            other => panic!("nobody is {other}"),
        };
        let folder = Some(FolderFacts { kind, is_closed: false, is_lapsed: false });
        Facts { now: NOW, claimed: NOW, capacity, folder, standing }
    }
}

/// Terms that hold now. Those of the owner's own and of a vetting nobody outside makes: they are read from their bytes.
fn terms(purpose: Purpose) -> Terms {
    let terms = if purpose == Purpose::Treatment { Terms::treatment() } else { Terms::opinion() };
    let mut bytes = codec::encode(&terms.from(NOW).until(NOW.plus(days(14))));
    bytes[2] = purpose.code();
    codec::decode(&bytes).unwrap()
}

/// Whether a cell of the table is about this.
fn is_about(cell: &str, value: &str) -> bool {
    let (cell, is_not) = cell.strip_prefix('!').map_or((cell, false), |cell| (cell, true));
    let is_one = |one: &str| {
        one == "*" || one == value || value.strip_prefix(one).is_some_and(|rest| rest.starts_with('.'))
    };
    cell.split('|').any(is_one) != is_not
}

/// The variants of an enum, as its source names them.
fn variants(source: &str, name: &str) -> BTreeSet<String> {
    let lines = source.lines().skip_while(|line| *line != format!("pub enum {name} {{")).skip(1);
    let names = lines.take_while(|line| *line != "}").filter_map(|line| {
        let word: String =
            line.strip_prefix("    ")?.chars().take_while(char::is_ascii_alphanumeric).collect();
        word.starts_with(|first: char| first.is_ascii_uppercase()).then_some(word)
    });
    names.collect()
}

fn variant_of(debugged: &str) -> String {
    debugged.chars().take_while(char::is_ascii_alphanumeric).collect()
}

#[test]
fn who_may_do_what_is_what_the_table_says() {
    let is_row = |line: &&str| !line.is_empty() && !line.starts_with("--");
    let rows: Vec<Vec<&str>> = TABLE
        .lines()
        .map(str::trim)
        .filter(is_row)
        .skip(1)
        .map(|row| row.split_whitespace().collect())
        .collect();
    let mut used = BTreeMap::new();
    for asked in Asked::all() {
        let cells = asked.cells();
        let fits = |row: &Vec<&str>| row.iter().zip(&cells).all(|(cell, value)| is_about(cell, value));
        let row = rows.iter().position(fits).unwrap_or_else(|| panic!("no row for {asked:?}"));
        *used.entry(row).or_insert(0u32) += 1;
        let decided = match decide(&POLICY, asked.act(), &asked.facts()) {
            Ok(_permit) => "Permit".to_owned(),
            Err(denial) => format!("{denial:?}"),
        };
        assert_eq!(decided, rows[row][7], "{asked:?} by {:?}", rows[row]);
    }
    for (number, row) in rows.iter().enumerate() {
        assert!(row.len() == 8 && used.contains_key(&number), "a row that decides nothing: {row:?}");
    }
}

#[test]
fn the_table_leaves_out_no_act_and_nobody() {
    let (mut acts, mut capacities) = (BTreeSet::new(), BTreeSet::new());
    for asked in Asked::all() {
        acts.insert(variant_of(&format!("{:?}", asked.act())));
        capacities.insert(variant_of(&format!("{:?}", asked.facts().capacity)));
    }
    assert_eq!(acts, variants(include_str!("../../src/access/act.rs"), "Act"));
    assert_eq!(capacities, variants(include_str!("../../src/access/facts.rs"), "Capacity"));
}

/// Moments a few milliseconds from the beginning of time: strikes meet, overlap and touch.
fn moment() -> impl Strategy<Value = Timestamp> {
    (0u64..24).prop_map(Timestamp::at_ms)
}

fn ruling() -> impl Strategy<Value = RulingId> {
    (0u8..10).prop_map(|id| RulingId::from_bytes([id; 16]))
}

fn verdict() -> impl Strategy<Value = Verdict> {
    let strike = (1u8..5, moment(), 1u64..12).prop_map(|(weight, from, lasts)| Verdict::Strike {
        category: Category::Waste,
        weight,
        from,
        until: from.plus(Duration::from_millis(lasts)),
    });
    prop_oneof![
        5 => strike,
        2 => ruling().prop_map(Verdict::Lift),
        1 => ruling().prop_map(Verdict::Confirm),
        1 => Just(Verdict::Upheld(Digest::from_bytes([1; 32]))),
        1 => Just(Verdict::Dismissed(Digest::from_bytes([2; 32]))),
    ]
}

type Ruled = (RulingId, Verdict);

fn rulings() -> impl Strategy<Value = Vec<Ruled>> {
    proptest::collection::vec((ruling(), verdict()), 0..14)
}

fn thresholds() -> impl Strategy<Value = Thresholds> {
    (1u32..4, 0u32..4, 0u32..4).prop_map(|(warned, suspends, bars)| Thresholds {
        warned,
        suspended: warned + suspends,
        barred: warned + suspends + bars,
    })
}

fn ledger<'a>(rulings: impl IntoIterator<Item = &'a Ruled>) -> CreditLedger {
    let mut ledger = CreditLedger::default();
    rulings.into_iter().for_each(|(ruling, verdict)| ledger.enter(*ruling, verdict));
    ledger
}

/// All the moments at which something can be otherwise than before, and some behind.
fn moments() -> impl Iterator<Item = Timestamp> {
    (0..40).map(Timestamp::at_ms)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn a_ledger_is_the_same_in_whatever_order_and_however_often(
        (rulings, shuffled) in rulings().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        again in proptest::collection::vec(any::<prop::sample::Index>(), 0..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let whole = ledger(&rulings);
        prop_assert_eq!(&ledger(&shuffled), &whole);
        let repeated = again.iter().filter(|_| !shuffled.is_empty()).map(|index| index.get(&shuffled));
        prop_assert_eq!(&ledger(shuffled.iter().chain(repeated)), &whole);
        let (one, other) = shuffled.split_at(cut.index(shuffled.len() + 1));
        let (mut first, mut second) = (ledger(one), ledger(other));
        let kept = first.clone();
        first.merge(&second);
        second.merge(&kept);
        prop_assert_eq!(&first, &whole);
        prop_assert_eq!(&second, &whole);
        second.merge(&first);
        prop_assert_eq!(&second, &whole);
    }

    #[test]
    fn a_strike_counts_from_its_beginning_to_its_end_unless_it_was_lifted(
        rulings in rulings(),
        thresholds in thresholds(),
    ) {
        let whole = ledger(&rulings);
        let is_lifted = |strike: RulingId| rulings.iter().any(|(_, verdict)| *verdict == Verdict::Lift(strike));
        for now in moments() {
            let mut expected = BTreeSet::new();
            for (ruling, verdict) in &rulings {
                if let Verdict::Strike { weight, from, until, .. } = *verdict
                    && from <= now && now < until && !is_lifted(*ruling)
                {
                    expected.insert((*ruling, weight, from, until));
                }
            }
            let counting: BTreeSet<_> = whole
                .counting(now)
                .map(|strike| (strike.ruling, strike.weight, strike.from, strike.until))
                .collect();
            prop_assert_eq!(&counting, &expected);
            let weight = expected.iter().map(|(_, weight, ..)| u32::from(*weight)).sum();
            prop_assert_eq!(whole.standing(&thresholds, now), thresholds.of(weight));
        }
    }

    #[test]
    fn once_nothing_new_begins_a_standing_only_gets_better_and_then_is_good(
        rulings in rulings(),
        thresholds in thresholds(),
    ) {
        let whole = ledger(&rulings);
        // The last beginning lies before 24, the last end before 36.
        let later: Vec<Standing> = moments().skip(23).map(|now| whole.standing(&thresholds, now)).collect();
        prop_assert!(later.is_sorted_by(|before, after| after <= before));
        prop_assert_eq!(later.last(), Some(&Standing::Good));
    }

    #[test]
    fn a_standing_ends_at_the_first_moment_that_is_better(rulings in rulings(), thresholds in thresholds()) {
        let whole = ledger(&rulings);
        for now in moments() {
            let present = whole.standing(&thresholds, now);
            let better = moments().filter(|later| *later > now);
            let first = better.into_iter().find(|later| whole.standing(&thresholds, *later) < present);
            prop_assert_eq!(whole.ends(&thresholds, now), first, "from {:?}, {:?}", now, present);
        }
    }

    #[test]
    fn more_weight_is_no_better_and_a_lifted_strike_no_worse(
        rulings in rulings(),
        (one_more, verdict) in (ruling(), verdict()),
        heavier in 1u8..5,
        thresholds in thresholds(),
    ) {
        let before = ledger(&rulings);
        let mut after = before.clone();
        after.enter(one_more, &verdict);
        let grow = |(ruling, verdict): &Ruled| {
            let Verdict::Strike { category, weight, from, until } = *verdict else { return (*ruling, *verdict) };
            (*ruling, Verdict::Strike { category, weight: weight.saturating_add(heavier), from, until })
        };
        let grown = ledger(&rulings.iter().map(grow).collect::<Vec<_>>());
        let (is_strike, is_lifting) =
            (matches!(verdict, Verdict::Strike { .. }), matches!(verdict, Verdict::Lift(_)));
        for now in moments() {
            let known = before.standing(&thresholds, now);
            let then = after.standing(&thresholds, now);
            prop_assert!(is_strike || then <= known);
            prop_assert!(is_lifting || then >= known);
            prop_assert!(grown.standing(&thresholds, now) >= known);
        }
        for weight in 0..40 {
            prop_assert!(thresholds.of(weight) <= thresholds.of(weight + 1));
        }
    }

    #[test]
    fn what_is_left_out_when_it_has_ended_changes_no_standing(
        rulings in rulings(),
        thresholds in thresholds(),
        now in moment(),
    ) {
        let whole = ledger(&rulings);
        let mut pruned = whole.clone();
        prop_assert!(pruned.prune(now));
        for later in moments().filter(|later| *later >= now) {
            prop_assert_eq!(pruned.standing(&thresholds, later), whole.standing(&thresholds, later));
        }
    }
}

/// Why somebody may who is barred, or for whom nobody vouches: these acts are all there are, each of one's own.
fn own(act: &Act, facts: &Facts) -> Option<&'static str> {
    let is_barred = facts.standing == Standing::Barred;
    let is_to_vet = facts
        .folder
        .is_some_and(|folder| matches!(folder.kind, FolderKind::Credentials | FolderKind::Identity));
    let begins = |wanted| matches!(act, Act::Begin { kind, .. } if *kind == wanted);
    let gives = |wanted| matches!(act, Act::Give { terms, .. } if terms.purpose() == wanted);
    let is_to_attested = matches!(act, Act::Give { taker, .. } if taker.is_attested);
    let is_doctors = matches!(act, Act::List { role: Role::Doctor } | Act::Begin { role: Role::Doctor, .. });
    let writes = matches!(act, Act::Write(_));
    let reasons = [
        (matches!(act, Act::Appeal { .. }), "who is ruled on is heard"),
        (matches!(act, Act::Audit), "one's own stream says who looked at one's data"),
        (matches!(act, Act::Close), "to end a case takes nothing from anybody"),
        (matches!(act, Act::Open), "one's own data"),
        (matches!(act, Act::Renew), "to take back what one granted"),
        (
            matches!(act, Act::List { .. }) && is_doctors,
            "nobody is shown who is not vouched for; to shut someone out",
        ),
        (begins(FolderKind::Identity), "who one is, is there to be vetted by"),
        (
            begins(FolderKind::Credentials) && is_doctors && !is_barred,
            "and so are papers; who is barred brings no first ones",
        ),
        (gives(Purpose::Own), "one's own key"),
        (gives(Purpose::Vetting) && is_to_vet, "so that one is vetted, or vetted again"),
        (
            is_to_attested && !is_barred,
            "what is hers, to a doctor who is vouched for, though she is not any more",
        ),
        (writes && is_to_vet, "who one is, one may always say"),
        (writes && !is_barred, "one's own case goes on when an attestation has ended"),
    ];
    let why = reasons.into_iter().find(|(is_so, _)| *is_so).map(|(_, why)| why);
    why.filter(|_| facts.capacity == Capacity::Owner)
}

fn taker() -> impl Strategy<Value = Taker> {
    (select(Role::ALL), select(Standing::ALL), any::<[bool; 3]>()).prop_map(
        |(role, standing, [is_attested, is_assignment, is_willing])| Taker {
            role,
            is_attested,
            is_assignment,
            standing,
            is_willing,
        },
    )
}

/// Any act, of a party whose attestation is this.
fn act(is_attested: bool) -> impl Strategy<Value = Act> {
    let few = 0u32..60;
    let begin = (select(FolderKind::ALL), select(Role::ALL), few.clone(), few.clone());
    prop_oneof![
        few.clone().prop_map(|reports_today| Act::Appeal { reports_today }),
        select(&[Act::Attest, Act::Audit, Act::Close, Act::Consult, Act::Govern, Act::Open, Act::Renew][..]),
        begin.prop_map(move |(kind, role, open_cases, cases_today)| Act::Begin {
            kind,
            role,
            open_cases,
            cases_today,
            is_attested,
        }),
        (select(Purpose::ALL), taker())
            .prop_map(|(purpose, taker)| Act::Give { terms: terms(purpose), taker }),
        select(Role::ALL).prop_map(|role| Act::List { role }),
        few.prop_map(move |reports_today| Act::Report { is_attested, reports_today }),
        any::<bool>().prop_map(move |is_assigned| Act::Reveal { is_assigned, is_attested }),
        any::<bool>().prop_map(|is_own_ruling| Act::Rule { is_own_ruling }),
        Just(Act::Search { is_attested }),
        select(Clearance::ALL).prop_map(Act::Write),
    ]
}

/// Any capacity a party has who is no registrar; a checker of streams is one by being attested.
fn capacity(is_attested: bool) -> impl Strategy<Value = Capacity> {
    let reader = (select(Purpose::ALL), any::<[bool; 4]>()).prop_map(
        move |(purpose, [is_current, is_same_card, is_backed, is_vetted])| {
            Capacity::Reader(GrantFacts {
                terms: terms(purpose),
                is_current,
                is_same_card,
                is_attested,
                is_backed,
                is_vetted,
            })
        },
    );
    let others =
        if is_attested { vec![Capacity::Stranger, Capacity::Auditor] } else { vec![Capacity::Stranger] };
    prop_oneof![2 => Just(Capacity::Owner), 2 => reader, 1 => select(others)]
}

/// An act and its facts, of a party that is barred, or for whom nobody vouches.
fn outcast() -> impl Strategy<Value = (Act, Facts)> {
    any::<bool>().prop_flat_map(|is_attested| {
        let standings: Vec<Standing> = Standing::ALL
            .iter()
            .copied()
            .filter(|standing| !is_attested || *standing == Standing::Barred)
            .collect();
        let folder = (select(FolderKind::ALL), any::<[bool; 2]>())
            .prop_map(|(kind, [is_closed, is_lapsed])| FolderFacts { kind, is_closed, is_lapsed });
        let facts =
            (capacity(is_attested), proptest::option::weighted(0.9, folder), select(standings)).prop_map(
                |(capacity, folder, standing)| Facts { now: NOW, claimed: NOW, capacity, folder, standing },
            );
        (act(is_attested), facts)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(6000) })]

    #[test]
    fn who_is_barred_or_unvetted_is_permitted_what_is_its_own_and_nothing_else((act, facts) in outcast()) {
        if decide(&POLICY, act, &facts).is_ok() {
            prop_assert!(own(&act, &facts).is_some(), "{:?} with {:?}", act, facts);
        }
    }
}
