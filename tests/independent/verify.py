#!/usr/bin/env python3
"""Verifies an auditor's export: a second opinion, which shares no code with the crate.

    verify.py EXPORT [--checkpoint FILE] [--receipt FILE]… [--json]

EXPORT is the folder that a vault wrote for its auditor; FILE is a checkpoint that was kept from before, or a receipt that a
party got of the vault. The formats and the rules are those of docs/audit.md. Needs Python 3.9 and the package `cryptography`, and no key, store or network.

Findings go to stdout, the first first, one a line: `<gravity> at event <index>: <fault>`.
Exit codes: 0 fine, 1 could not run, 2 usage, 3 tampering, 4 evidence missing.
"""

import argparse
import json
import pathlib
import sys
from types import SimpleNamespace

from formats import (
    ATTESTATION, AUDITOR, BARRED, CASE, CHARTER, COSIGNED, CREDENTIALS, CURATOR, DOCTOR, EMPTY, GOOD, IDENTITY, MOMENT, MOMENT_BYTES_MAX, OWN,
    POLICY_BYTES_MAX, READ_WRITE, RECEIPT, RECEIPT_BYTES_MAX, REGISTRAR, REGISTRARS_MAX, RULING, SIGNED, STEP, STEP_BYTES_MAX, SUSPENDED, TIME_MAX, TREATMENT,
    BATCHES_MAX, BATCH_FACTS, BATCH_ROWS_MAX, PUBLIC_ROW, U64, VERBS, VETTING, Frontier, Malformed, decode, digest, encode, event_line, from_base64, from_hex, from_json, is_signed,
    label, leaf_hash, lines_of, need, party_line, point, policy_of, read_checkpoint, read_log, seen_by, tree,
)  # fmt: skip

SUCCESSIONS_MAX, PROPOSALS_MAX, MAP_DEPTH_MAX, FINDINGS_MAX, ROOTS_MAX = 16, 16, 24, 1000, 65_536
GRACE_MS = 60_000
FAULTS = """checkpoint log map stream missing malformed position signature time repeated folder seen grant uncovered
    identity unattested standing registrar policy unwitnessed omitted release gate""".split()
GRAVITY = {"time": "warning", "missing": "evidence missing", "unwitnessed": "evidence missing"}


class Fault(Exception):
    """What is wrong with an event: the name of the fault."""


def unless(holds, fault):
    if not holds:
        raise Fault(fault)


# ---------------------------------------------------------------- the policies, each with when it came into force


class Rules:
    def __init__(self, vault, first, charters):
        self.eras, self.charters = [(0, first)], []
        for statement, signatures in charters:
            said = decode(CHARTER, statement, 256 + POLICY_BYTES_MAX)
            before, message = self.eras[-1][1], label("charter") + statement
            signed = {
                card.party
                for card in before.registrars
                for party, signature in signatures
                if party == card.party and is_signed(card.verifying, message, signature)
            }
            need((said.vault, said.version, said.previous) == (vault, len(self.eras), before.digest))
            need(is_sound(said.policy) and len(signed) >= max(before.registrars_needed, 1))
            # When, the vault's stream will say.
            self.eras.append((TIME_MAX, said.policy))
            self.charters.append(digest("charter", statement))
        self.skew = max(policy.clock_skew_s for _, policy in self.eras) * 1000

    def signed(self, charter, received):
        """A charter's last signature was received then: it is in force."""
        if charter in self.charters:
            era = self.charters.index(charter) + 1
            self.eras[era] = (received, self.eras[era][1])

    def at(self, moment):
        """What was in force at a moment; both, at the moment of a change."""
        last = max((era for era, (since, _) in enumerate(self.eras) if since < moment), default=0)
        return [policy for era, (since, policy) in enumerate(self.eras) if era == last or since == moment]

    def card(self, party):
        """The card of a party that is or was a registrar."""
        for _, policy in reversed(self.eras):
            for card in policy.registrars + [former.card for former in policy.former]:
                if card.party == party:
                    return card
        return None

    def is_registrar(self, card, moment):
        return any(is_registrar(policy, card) for policy in self.at(moment))


def is_registrar(policy, card):
    return card.role == REGISTRAR and any(known.digest == card.digest for known in policy.registrars)


def is_sound(policy):
    cards, limits = policy.registrars + [former.card for former in policy.former], policy.thresholds
    return (
        all(card.role == REGISTRAR for card in cards)
        and (policy.public is None or policy.public.curator.role == CURATOR)
        and len({card.party for card in cards}) == len(cards) <= REGISTRARS_MAX
        and 1 <= policy.registrars_needed <= len(policy.registrars)
        and 1 <= limits.warned <= limits.suspended <= limits.barred
    )


# ---------------------------------------------------------------- what registrars said of parties, as it was received


class People:
    def __init__(self, vault, rules):
        self.vault, self.rules, self.attested, self.ruled = vault, rules, {}, {}

    def states(self, party, moment):
        """A party's attestations at a moment: as before it, and after each that was received in it."""
        held, states = {}, []
        for received, is_given, signed, said in self.attested.get(party, []):
            if received > moment:
                break
            if received == moment:
                states.append(list(held.values()))
            if is_given:
                held.pop(said.registrar, None)
                held[said.registrar] = (signed, said)
            else:
                held = {registrar: known for registrar, known in held.items() if known[0] != signed}
        return states + [list(held.values())]

    def is_attested(self, card, moment, named):
        """Whether a card was vouched for at a moment; by exactly these attestations, if they are named."""
        for state in self.states(card.party, moment):
            if named in (None, digest("attested", encode([list(signed) for signed, _ in state]))):
                for policy in self.rules.at(moment):
                    vouching = {said.registrar for signed, said in state if self.vouches(policy, signed, said, card, moment)}
                    if is_registrar(policy, card) or len(vouching) >= max(policy.registrars_needed, 1):
                        return True
        return False

    def vouches(self, policy, signed, said, card, moment):
        known = [(known, None) for known in policy.registrars] + [(one.card, one.until) for one in policy.former]
        known = [(one, until) for one, until in known if one.party == said.registrar and one.role == REGISTRAR]
        if not known:
            return False
        registrar, until = known[0]
        statement, signature = signed
        return (
            is_signed(registrar.verifying, label("attestation") + statement, signature)
            and (said.vault, said.subject, said.card, said.role) == (self.vault, card.party, card.digest, card.role)
            and said.starts <= moment < said.ends
            and (until is None or (said.starts if said.at is None else said.at) < until)
        )

    def standing(self, party, moment):
        """The best standing that a party may have had at a moment: rulings received in it do not count yet."""
        strikes, lifted, passed = set(), set(), set()
        while party is not None and party not in passed and len(passed) < SUCCESSIONS_MAX:
            passed.add(party)
            for received, said in self.ruled.get(party, []):
                if received < moment and said.verdict[0] == "strike":
                    strikes.add((said.ruling, *said.verdict[1:]))
                elif received < moment and said.verdict[0] == "lift":
                    lifted.add(said.verdict[1])
            # What counts against the card that its person had before counts against this one.
            given = [said.succeeds for received, _, _, said in self.attested.get(party, []) if received <= moment]
            party = next((earlier for earlier in reversed(given) if earlier is not None), None)
        counting = (weight for ruling, _, weight, starts, ends in strikes if ruling not in lifted and starts <= moment < ends)
        weight = sum(counting)

        def of(limits):
            worse = [limits.warned, limits.suspended, limits.barred]
            return max((GOOD + level for level, least in enumerate(worse, 1) if weight >= least), default=GOOD)

        return min(of(policy.thresholds) for policy in self.rules.at(moment))


# ---------------------------------------------------------------- one stream, by itself


class Stream:
    def __init__(self, vault, of, name=""):
        self.vault, self.of, self.name = vault, of, name
        self.frontier, self.received, self.is_bad = Frontier(), 0, False
        self.folders, self.case_keys, self.acts, self.roots = {}, {}, set(), {0: EMPTY[1]}
        self.releases = Frontier()

    def learn(self, step):
        """A Case's key, from the event that begins it: the Case's id vouches for it."""
        if step.verb == "OpenFolder" and step.folder and step.opening and step.opening.verifying:
            key = step.opening.verifying
            if digest("case id", self.vault, key) != step.folder or step.actor != self.of:
                return False
            self.case_keys[step.folder] = key
        return True

    def append(self, leaf):
        self.frontier.append(leaf)
        size, root = self.frontier.head()
        self.roots[size] = root
        if len(self.roots) > ROOTS_MAX:
            del self.roots[next(iter(self.roots))]

    def next(self, place, step, moment, grants):
        """Follows an event whose signature was verified: gives what the other streams must say of it."""
        unless(step.vault == self.vault and step.format == 1 and self.is_of(step), "folder")
        unless(step.op_id not in self.acts, "repeated")
        self.acts.add(step.op_id)
        self.check_seen(step, moment)
        is_own = step.actor == self.of or step.actor[0] == "folder"
        if step.verb == "OpenFolder":
            return self.begin(step, is_own)
        if step.verb in ("Rotate", "Revoke"):
            return self.renew(step, is_own, place, grants)
        if step.verb in ("Grant", "Assign"):
            return self.give(step, is_own, place, grants)
        if step.verb in ("Write", "Amend", "Stage"):
            return self.write(step, moment, is_own, place)
        if step.verb == "Open" and step.folder:
            return self.open(step, moment, is_own, place)
        if step.verb == "Close":
            folder = self.folder(step)
            unless(is_own and not folder.is_closed, "folder")
            folder.is_closed = True
        elif step.verb in ("Share", "Retract"):
            self.share(step, is_own)
        elif step.verb == "Release":
            before = self.releases.head()
            unless(step.subject and step.folder is None and self.of[0] == "vault", "folder")
            self.releases.append(leaf_hash(step.subject))
            unless(head_of(step.before) == before and head_of(step.after) == self.releases.head(), "folder")
        elif step.verb in ("Appeal", "Block", "Enrol", "List", "Report", "Reveal"):
            unless(is_own and step.folder is None, "folder")
        elif step.verb in ("Create", "Deny", "Restore"):
            unless(step.actor == self.of, "folder")
        elif step.verb == "Export":
            is_here = self.of[0] == "vault" and step.owner == self.of and step.actor[0] == "party"
            unless(is_here and step.folder is None, "folder")
        return []

    def share(self, step, is_own):
        """Of a Case one abstract at a time is shared with the public area, and the one that is shared is taken back."""
        folder = self.folder(step)
        unless(is_own and step.subject, "folder")
        if step.verb == "Share":
            unless(folder.shared is None and folder.kind == CASE, "folder")
            folder.shared = step.subject
        else:
            unless(folder.shared == step.subject, "folder")
            folder.shared = None

    def is_of(self, step):
        is_case = step.owner[0] == "folder" and step.owner[1] in self.case_keys
        is_actor = {
            "folder": step.actor == step.owner and is_case,
            "vault": step.actor == self.of,
            "party": True,
        }
        return (is_case or step.owner == self.of) and is_actor[step.actor[0]]

    def check_seen(self, step, moment):
        if step.folder and moment.seen:
            folder = self.folders.get(step.folder)
            unless(folder and (moment.seen.size, moment.seen.root) in folder.heads, "seen")
        if moment.seen_stream:
            size = moment.seen_stream.size
            is_forgotten = size < next(iter(self.roots))
            unless(is_forgotten or self.roots.get(size) == moment.seen_stream.root, "seen")

    def folder(self, step):
        unless(step.folder in self.folders, "folder")
        return self.folders[step.folder]

    def begin(self, step, is_own):
        unless(step.folder and step.opening and self.of[0] == "party", "folder")
        kind, key, nonce = step.opening.kind, step.opening.verifying, step.opening.nonce
        if key:
            is_its = kind == CASE and digest("case id", self.vault, key) == step.folder
        else:
            is_its = digest("folder id", self.vault, self.of[1], bytes([kind]), nonce) == step.folder
        unless(is_own and is_its and step.folder not in self.folders, "folder")
        self.folders[step.folder] = SimpleNamespace(
            kind=kind, epoch=0, head=EMPTY, heads={EMPTY}, is_closed=False, grants={}, shared=None
        )
        return []

    def renew(self, step, is_own, place, grants):
        """The next epoch: its grants take the place of those before."""
        folder = self.folder(step)
        replaced = digest("replaced", *sorted(folder.grants)) if folder.epoch else None
        unless(
            is_own
            and step.epoch == folder.epoch + 1
            and head_of(step.before) == folder.head
            and step.replaces == replaced
            and step.commitments,
            "folder",
        )
        unless(step.verb == "Rotate" or step.subject in folder.grants, "grant")
        before, folder.grants, folder.epoch = folder.grants, {}, folder.epoch + 1
        had = [(one.reader, one.card, one.terms, one.because) for one in before.values()]
        dealings = []
        for one in named(step, grants):
            is_owners = self.fits(step, one, folder)
            if (one.reader, one.card, one.terms, one.because) not in had:
                unless(self.is_beside(one), "identity")
                if not is_owners:
                    dealings.append(dealing(place, one, is_given=True))
            folder.grants[one.digest] = one
        unless(any(("party", one.reader) == self.of for one in folder.grants.values()), "grant")
        return dealings

    def give(self, step, is_own, place, grants):
        grants = named(step, grants)
        for one in grants:
            unless(self.is_beside(one), "identity")
        folder = self.folder(step)
        unless(is_own and step.epoch == folder.epoch and not folder.is_closed, "folder")
        for one in grants:
            is_owners = self.fits(step, one, folder)
            unless(not is_owners and one.digest not in folder.grants, "grant")
            folder.grants[one.digest] = one
        return [dealing(place, one, is_given=True) for one in grants]

    def is_beside(self, one):
        """Who the owner is comes out with a Case that was granted to the same reader for the same time."""
        case = self.folders.get(one.because)
        if one.because is None or case is None:
            return one.because is None
        return case.kind == CASE and any(
            (granted.reader, granted.card, granted.terms.ends) == (one.reader, one.card, one.terms.ends)
            and granted.terms.purpose == TREATMENT
            for granted in case.grants.values()
        )

    def fits(self, step, one, folder):
        """A grant is of its event's folder and epoch, and for someone who can be given it; whether it is the owner's own."""
        is_owners, purpose = ("party", one.reader) == self.of, one.terms.purpose
        unless(
            (one.vault, one.folder, one.epoch) == (step.vault, step.folder, folder.epoch)
            and is_owners == (purpose == OWN)
            and (one.because is None or folder.kind == IDENTITY),
            "grant",
        )
        is_private = folder.kind in (IDENTITY, CREDENTIALS)
        unless(not is_private or is_owners or one.because or purpose == VETTING, "identity")
        return is_owners

    def write(self, step, moment, is_own, place):
        folder = self.folder(step)
        unless(step.epoch == folder.epoch and not folder.is_closed, "folder")
        counts = step.counts
        clearance = 3 if counts and counts.very_restricted else 2 if counts and counts.restricted else 1
        dealings = []
        if not is_own:

            def may(one):
                return one.terms.rights == READ_WRITE and one.terms.clearance >= clearance

            dealings.append(covered(folder, step, moment, place, may))
        if step.verb != "Stage":
            unless(step.after and head_of(step.before) == folder.head and step.after.size > folder.head[0], "folder")
            folder.head = head_of(step.after)
            folder.heads.add(folder.head)
        return dealings

    def open(self, step, moment, is_own, place):
        folder = self.folder(step)
        if is_own:
            return []
        found = covered(folder, step, moment, place, lambda one: step.subject in (None, one.digest))

        def is_backed(one):
            case = self.folders.get(one.because)
            if one.because is None:
                return one.terms.purpose == VETTING
            granted = case.grants.values() if case else []
            return any(beside.reader == one.reader and holds(beside, place.received) for beside in granted)

        if folder.kind in (IDENTITY, CREDENTIALS):
            own = [one for one in folder.grants.values() if ("party", one.reader) == step.actor]
            unless(any(map(is_backed, own)), "identity")
        return [found]


def head_of(head):
    return head and (head.size, head.root)


def named(step, grants):
    """The grants an event names, each brought with it."""
    brought = {one.digest: one for one in grants}
    unless(len(step.grants) == len(grants) and all(name in brought for name in step.grants), "grant")
    return [brought[name] for name in step.grants]


def holds(one, moment):
    return one.terms.starts <= moment < one.terms.ends


def covered(folder, step, moment, place, may):
    """The grant of the present epoch by which an actor may do this, by both clocks."""
    for one in (folder.grants[name] for name in sorted(folder.grants)):
        is_its = ("party", one.reader) == step.actor
        if is_its and holds(one, place.received) and holds(one, moment.at) and may(one):
            return dealing(place, one, is_given=False)
    raise Fault("uncovered")


def dealing(place, one, is_given):
    """Someone acted by right of a grant, or was given one: whether he could, the others' streams say."""
    return SimpleNamespace(place=place, one=one, is_given=is_given)


# ---------------------------------------------------------------- the whole


class NoEvidence(Exception):
    """A receipt that is not signed by the vault: which."""


class Audit:
    def __init__(self, export, kept=None, receipts=()):
        said = from_json((export / "policy.json").read_bytes())
        self.vault, self.key = from_hex(said.get("vault"), 16), point(from_base64(said.get("vault_key")))
        first = decode(policy_of, from_base64(said.get("first")), POLICY_BYTES_MAX)
        need(type(said.get("charters")) is list)
        charters = [decode(COSIGNED, from_base64(one), 4096 + 256 + POLICY_BYTES_MAX) for one in said["charters"]]
        self.findings, self.heads, self.cards, self.bad = [], [], {}, set()
        self.stream, self.next_head, self.index, self.dealings, self.offices = None, 0, 0, [], []
        self.exports = []
        self.proposed, self.releases = {}, []
        self.receipts = [self.receipt(number, data) for number, data in enumerate(receipts)]
        self.met = {event: set() for receipt in self.receipts for event in receipt.events}
        self.had = {head_of(receipt.stream): set() for receipt in self.receipts if receipt.stream}
        try:
            self.rules = Rules(self.vault, first, charters)
        except Malformed:
            self.add(0, "policy")
            self.rules = Rules(self.vault, first, [])
        self.people = People(self.vault, self.rules)
        self.check_log(export, kept)
        for number, line in enumerate(lines_of(export / "events.ndjson")):
            self.index = number
            self.follow(line)
            self.index = number + 1
        self.end_stream()
        self.pass_over(len(self.heads))
        self.judge()
        self.judge_public(export / "releases.ndjson")
        self.judge_receipts()
        self.findings.sort()

    def add(self, index, fault, name="", seq=0):
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append((index, FAULTS.index(fault), name, seq))

    def receipt(self, number, data):
        try:
            statement, signature = decode(SIGNED, data, RECEIPT_BYTES_MAX + 80)
            need(is_signed(self.key, label("receipt") + statement, signature))
            said = decode(RECEIPT, statement, RECEIPT_BYTES_MAX)
            need(said.vault == self.vault)
        except Malformed:
            raise NoEvidence(number) from None
        return said

    def judge_receipts(self):
        """What was promised by a minute before the last epoch, and stands in no stream, or not as it was promised."""
        due = [
            (number, one)
            for number, one in enumerate(self.receipts)
            if self.last is not None and one.promised_by + GRACE_MS <= self.last
        ]
        for number, one in due:
            streams = set.intersection(*(self.met[event] for event in one.events)) if one.events else None
            had = self.had[head_of(one.stream)] | self.bad if one.stream else streams
            if streams is not None and not streams & had:
                self.add(0, "omitted", "receipt", number)
        self.due = len(due)

    def check_log(self, export, kept):
        note = (export / "checkpoint").read_bytes().decode()
        self.log = read_checkpoint(note, self.vault, self.key)
        epochs, hashes, are_its = read_log(export, self.log[0] if self.log else 0)
        self.epochs, self.last = len(epochs), epochs[-1].at if epochs else None
        numbered = all((one.number, one.vault) == (number, self.vault) for number, one in enumerate(epochs))
        in_order = all(one.at <= other.at for one, other in zip(epochs, epochs[1:]))
        if self.log is None:
            self.add(0, "checkpoint")
        elif tree(hashes) != self.log or not are_its or not numbered or not in_order:
            self.add(0, "log")
        witnesses, needed = self.rules.eras[-1][1].witnesses
        if self.log and len(seen_by(note, witnesses)) < needed:
            self.add(0, "unwitnessed")
        # What the log's earlier roots are made of, if it is the one of the checkpoint.
        self.leaves = hashes if tree(hashes) == self.log else None
        if kept is not None:
            kept = read_checkpoint(kept, self.vault, self.key)
            if kept is None or kept[0] > len(hashes) or tree(hashes[: kept[0]]) != kept:
                self.add(0, "checkpoint")
        for line in lines_of(export / "parties.ndjson"):
            try:
                stream, head, its = party_line(line)
            except Malformed:
                self.add(0, "malformed", "parties.ndjson", len(self.heads))
                continue
            if its:
                if stream != ("party", its.party):
                    self.add(0, "malformed", "parties.ndjson", len(self.heads))
                self.cards[its.party] = its
            if head:
                self.heads.append((stream, head))
        if ("vault", self.vault) not in (stream for stream, _ in self.heads):
            self.add(0, "missing")
        if self.log and not self.makes_map(epochs[-1] if epochs else None):
            self.add(0, "map")

    def makes_map(self, epoch):
        """Whether the streams' heads make the heads map of an epoch."""
        if epoch is None or epoch.depth > MAP_DEPTH_MAX:
            return epoch is None and not self.heads
        buckets, keys = [[] for _ in range(2**epoch.depth)], set()
        for stream, (size, root) in self.heads:
            owner = encode([("party", "folder", "vault").index(stream[0]), [stream[1]]])
            where = digest("head key", self.vault, owner)
            keys.add(where)
            bucket = int.from_bytes(where[:4], "big") >> (32 - epoch.depth)
            buckets[bucket].append(where + digest("head entry", owner, size.to_bytes(8, "big"), root))
        roots = [tree(map(leaf_hash, sorted(bucket)))[1] for bucket in buckets]
        events = sum(size for _, (size, _) in self.heads)
        return (
            tree(map(leaf_hash, roots))[1] == epoch.map
            and len(keys) == len(self.heads) == epoch.owners
            and events == epoch.events
        )

    def follow(self, data):
        stream = self.stream
        try:
            line = event_line(data)
        except Malformed:
            return self.found("malformed", *((stream.name, stream.frontier.size) if stream else ("", 0)))
        line.event_digest = event_digest(line.event)
        if line.event_digest in self.met:
            self.met[line.event_digest].add(line.stream)
        if stream is None or stream.of != line.stream:
            self.end_stream()
            self.begin_stream(line)
            stream = self.stream
        if stream.is_bad:
            return
        step, moment = read_event(line.event)
        place = SimpleNamespace(index=self.index, seq=line.seq, received=line.received, stream=stream)
        fault = None
        try:
            unless(line.seq == stream.frontier.size, "position")
            unless(step and stream.learn(step), "signature")
            unless(is_signed_event(line.event, self.key_of(step.actor)) and moment, "signature")
            if line.received < stream.received or abs(line.received - moment.at) > self.rules.skew:
                self.add(self.index, "time", stream.name, line.seq)
            grants = [value for kind, value in line.brings if kind == "grant"]
            self.dealings += stream.next(place, step, moment, grants)
            stream.received = line.received
            self.office(place, step, line.brings)
        except Fault as found:
            fault = found.args[0]
        stream.append(leaf_hash(encode({0: line.seq, 1: line.received, 2: line.event_digest})))
        if stream.frontier.head() in self.had:
            self.had[stream.frontier.head()].add(stream.of)
        if fault:
            self.found(fault, stream.name, line.seq)

    def key_of(self, actor):
        kind, of = actor
        if kind == "folder":
            return self.stream.case_keys.get(of)
        if kind == "vault":
            return self.key if of == self.vault else None
        its = self.cards.get(of) or self.rules.card(of)
        return its and its.verifying

    def begin_stream(self, line):
        number = next((n for n in range(self.next_head, len(self.heads)) if self.heads[n][0] == line.stream), None)
        self.stream = Stream(self.vault, line.stream, line.name)
        if number is None:
            self.found("missing", line.name, line.seq)
        else:
            self.pass_over(number)
            self.next_head = number + 1

    def pass_over(self, number):
        """The streams whose heads stand before this one are missing."""
        for passed in range(self.next_head, number):
            owner, (size, _) = self.heads[passed]
            if size:
                self.bad.add(owner)
                self.add(self.index, "missing", "", passed)

    def end_stream(self):
        """The stream that was read ends here, as its head says or not."""
        stream = self.stream
        if stream and not stream.is_bad and self.heads[self.next_head - 1][1] != stream.frontier.head():
            self.found("stream", stream.name, stream.frontier.size)

    def found(self, fault, name, seq):
        self.add(self.index, fault, name, seq)
        if self.stream:
            self.stream.is_bad = True
            self.bad.add(self.stream.of)

    # What registrars do is judged when all streams were read: until then it is not known who was one.

    def office(self, place, step, brings):
        if step.verb in ("Attest", "Withdraw", "Rule", "Govern", "Equip", "Refuse"):
            self.offices.append((place, step, brings))
        if step.verb == "Export":
            self.exports.append((place, step))
        if step.verb == "Release":
            self.releases.append((place, step.actor, step.subject))
        if step.verb == "Govern" and step.subject and place.stream.of[0] == "vault":
            self.rules.signed(step.subject, place.received)
        is_first = place.stream.of[0] == "vault" and place.seq == 0
        unless(is_first == (step.verb == "Create"), "policy")
        unless(not is_first or step.subject == self.rules.eras[0][1].digest, "policy")

    def judge(self):
        vault = ("vault", self.vault)
        for place, step, brings in self.offices:
            if vault not in self.bad:
                try:
                    self.judge_office(place, step, brings)
                except Fault as found:
                    self.add(place.index, found.args[0], place.stream.name, place.seq)
                    self.bad.add(place.stream.of)
        for one in self.dealings:
            if vault not in self.bad and ("party", one.one.reader) not in self.bad:
                try:
                    self.judge_dealing(one)
                except Fault as found:
                    self.add(one.place.index, found.args[0], "", one.place.seq)
        for place, actor, _ in self.releases:
            if vault not in self.bad and actor not in self.bad:
                try:
                    self.judge_release(actor, place.received)
                except Fault as found:
                    self.add(place.index, found.args[0], "", place.seq)
        log, roots = Frontier(), set()
        for leaf in self.leaves or [] if self.exports else []:
            log.append(leaf)
            roots.add(log.head()[1])
        for place, step in self.exports if vault not in self.bad else []:
            try:
                self.judge_export(place, step, None if self.leaves is None else roots)
            except Fault as found:
                self.add(place.index, found.args[0], "", place.seq)

    def judge_office(self, place, step, brings):
        registrar = self.rules.card(step.actor[1]) if step.actor[0] == "party" else None
        unless(registrar and self.rules.is_registrar(registrar, place.received), "registrar")
        if step.verb == "Govern":
            self.propose(step, place.received)
        if step.verb in ("Govern", "Equip", "Refuse"):
            return
        kind, shape, most = ("ruling", RULING, 512) if step.verb == "Rule" else ("attestation", ATTESTATION, 3072)
        own = [value for brought, value in brings if brought == kind and signed_digest(kind, value) == step.subject]
        signed = next(iter(own), None)
        unless(signed and is_signed(registrar.verifying, label(kind) + signed[0], signed[1]), "registrar")
        try:
            said = decode(shape, signed[0], most)
        except Malformed:
            raise Fault("registrar") from None
        if kind == "ruling":
            unless(said.subject == step.owner, "registrar")
            self.people.ruled.setdefault(place.stream.of[1], []).append((place.received, said))
        else:
            unless(("party", said.subject) == place.stream.of and said.vault == self.vault, "registrar")
            entry = (place.received, step.verb == "Attest", signed, said)
            self.people.attested.setdefault(said.subject, []).append(entry)

    def propose(self, step, received):
        """A policy that as many registrars signed as must is in force, and cannot be left out."""
        if step.subject in self.rules.charters:
            self.proposed.clear()
            return
        signers = self.proposed.setdefault(step.subject, set())
        signers.add(step.actor)
        needed = max(max(policy.registrars_needed, 1) for policy in self.rules.at(received))
        # Where more wait than a vault keeps, one may have been forgotten with its first signatures.
        unless(len(signers) < needed or len(self.proposed) > PROPOSALS_MAX, "policy")

    def judge_dealing(self, found):
        """To a card then attested, of a party then in good standing."""
        one, moment = found.one, found.place.received
        known = self.cards.get(one.reader) or self.rules.card(one.reader)
        unless(known and known.digest == one.card, "unattested")
        # A registrar who vets needs nobody else's word.
        named = one.attested if found.is_given and one.terms.purpose != VETTING else None
        unless(self.people.is_attested(known, moment, named), "unattested")
        is_to_vet = one.terms.purpose == VETTING
        unless(not is_to_vet or self.rules.is_registrar(known, moment), "identity")
        unless(is_to_vet or known.role == DOCTOR, "grant")
        unless(self.people.standing(one.reader, moment) < (SUSPENDED if found.is_given else BARRED), "standing")

    def judge_release(self, actor, moment):
        """By the curator whom the policy of then names, attested then and not barred."""
        areas = [policy.public for policy in self.rules.at(moment) if policy.public]
        curator = next((area.curator for area in areas if ("party", area.curator.party) == actor), None)
        unless(curator, "uncovered")
        unless(self.people.is_attested(curator, moment, None), "unattested")
        unless(self.people.standing(curator.party, moment) < BARRED, "standing")

    def judge_public(self, path):
        """What is public is what the releases name. Whether it passes its policy's gate is for whoever has that policy."""
        if ("vault", self.vault) in self.bad:
            return
        public = Published(path, len(self.releases))
        told, batches = len(public.journals), public.batches
        is_told = (public.count or 0) == told and all(
            one.release < told and (one.hidden is None or one.hidden < told) for one in batches.values()
        )
        if public.is_malformed or not is_told:
            return self.add(0, "malformed" if public.is_malformed else "release", "releases.ndjson")
        for number, (place, _, subject) in enumerate(self.releases):
            if number >= told:
                self.add(place.index, "release", "", place.seq)
                continue
            its = [one for one in batches.values() if one.release == number]
            gone = [name for name, one in batches.items() if one.hidden == number]
            named = [part for one in its for part in (one.data, one.rows)]
            note = [digest("release", b"batches", *named), digest("release", b"hidden", *gone), public.journals[number]]
            policies = {policy.public.policy for policy in self.rules.at(place.received) if policy.public}
            is_its = digest("release", *note) == subject
            if not is_its or not all(could_be(one, batches, policies) for one in its) or any(one.is_bad for one in its):
                self.add(place.index, "release", "", place.seq)

    def judge_export(self, place, step, roots):
        """By an auditor attested then and in good standing, of a log that this one grew from."""
        if step.actor not in self.bad:
            party, moment = step.actor[1], place.received
            card = self.cards.get(party)
            unless(card and card.role == AUDITOR and self.people.is_attested(card, moment, None), "unattested")
            unless(self.people.standing(party, moment) < BARRED, "standing")
        unless(roots is None or step.subject in roots, "seen")


class Published:
    """What an export says of the public area: releases, their batches, and the rows that are shown."""

    def __init__(self, path, most):
        self.most = most
        self.count, self.journals, self.batches, self.is_malformed = None, [], {}, False
        self.open, self.rows = None, []
        for data in lines_of(path) if path.exists() else []:
            try:
                self.take(data)
            except Malformed:
                self.is_malformed = True
        self.close()

    def take(self, data):
        need(data is not None)
        said = from_json(data)
        names = set(said)
        if names == {"releases"}:
            need(self.count is None)
            self.count = U64(said["releases"])
        elif names == {"release", "journal"}:
            need(self.count is not None and not self.batches and len(self.journals) < self.most)
            need(U64(said["release"]) == len(self.journals))
            self.journals.append(from_hex(said["journal"], 32))
        elif names == {"rows"}:
            need(self.open is not None and type(said["rows"]) is list)
            need(len(self.rows) + len(said["rows"]) <= BATCH_ROWS_MAX)
            for one in said["rows"]:
                one = from_base64(one)
                self.rows.append((decode(PUBLIC_ROW, one, 4096), one))
        else:
            need(names in ({"batch", "release", "rows"}, {"batch", "release", "rows", "hidden"}))
            need(len(self.batches) < BATCHES_MAX)
            self.close()
            data = from_base64(said["batch"])
            facts = decode(BATCH_FACTS, data, 512)
            release, rows, hidden = U64(said["release"]), from_hex(said["rows"], 32), said.get("hidden")
            need(hidden is None or U64(hidden) == hidden)
            need(not self.batches or next(reversed(self.batches)) < facts.id)
            self.batches[facts.id] = SimpleNamespace(
                facts=facts, data=data, release=release, rows=rows, hidden=hidden, is_bad=False
            )
            self.open = facts.id if hidden is None else None

    def close(self):
        """All rows of the batch are there: they are held to what is said of them."""
        if self.open is not None:
            told, rows = self.batches[self.open], sorted(self.rows, key=lambda row: row[0].id)
            is_same = digest("release", b"rows", *(data for _, data in rows)) == told.rows
            are_its = all((row.batch, row.place) == (self.open, told.facts.place) for row, _ in rows)
            is_counted = len({row.id for row, _ in rows}) == len(rows) == told.facts.reached.k
            told.is_bad = not (is_same and are_its and is_counted)
        self.open, self.rows = None, []


def could_be(told, batches, policies):
    """Whether a batch is one that its release could bring: under the policy of then, or what remains of one that is hidden."""
    if told.facts.follows is None:
        return told.facts.policy in policies
    before = batches.get(told.facts.follows)
    return (
        before is not None
        and before.hidden is not None
        and before.hidden <= told.release
        and before.release < told.release
        and (before.facts.policy, before.facts.place) == (told.facts.policy, told.facts.place)
        and before.facts.reached.k > told.facts.reached.k
    )


def signed_digest(words, signed):
    return digest(words, *signed)


def moment_digest(event):
    kind, value = event.moment
    return digest("moment", value) if kind == "whole" else value


def is_signed_event(event, by):
    return by and is_signed(by, label("event") + moment_digest(event) + event.step, event.signature)


def event_digest(event):
    return digest("event digest", event.step, moment_digest(event), event.signature)


def read_event(event):
    """What an event says, before its signature is looked at: its step and its moment, or nothing."""
    try:
        step = decode(STEP, event.step, STEP_BYTES_MAX)
        step.verb = VERBS[step.verb - 1]
    except Malformed:
        return None, None
    try:
        need(event.moment[0] == "whole")
        return step, decode(MOMENT, event.moment[1], MOMENT_BYTES_MAX)
    except Malformed:
        return step, None


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("export", type=pathlib.Path)
    arguments.add_argument("--checkpoint", type=pathlib.Path, help="a checkpoint that was kept from before")
    arguments.add_argument("--receipt", type=pathlib.Path, action="append", default=[], help="a receipt of the vault's")
    arguments.add_argument("--json", action="store_true", help="the report as one JSON object")
    given = arguments.parse_args()
    try:
        kept = given.checkpoint and given.checkpoint.read_bytes().decode()
        audit = Audit(given.export, kept, [path.read_bytes() for path in given.receipt])
    except NoEvidence as error:
        sys.exit(f"receipt {error} is not signed by this vault: it is no evidence against it")
    except Malformed:
        sys.exit("what the audit rests on is not of its format: policy.json or tile/entries")
    except (OSError, UnicodeDecodeError) as error:
        sys.exit(f"the export cannot be read: {error}")
    findings = [
        {"index": index, "fault": FAULTS[fault], "gravity": GRAVITY.get(FAULTS[fault], "tampering"), "stream": name, "seq": seq}
        for index, fault, name, seq in audit.findings
    ]
    if given.json:
        size, root = audit.log or EMPTY
        report = {
            "vault": audit.vault.hex(),
            "log": {"size": size, "root": root.hex()},
            "epochs": audit.epochs,
            "streams": len(audit.heads),
            "events": audit.index,
            "receipts": audit.due,
            "findings": findings,
        }
        print(json.dumps(report, indent=2))
    else:
        for found in findings:
            print(f"{found['gravity']} at event {found['index']}: {found['fault']}")
        print(f"{audit.index} events in {len(audit.heads)} streams, {len(findings)} findings", file=sys.stderr)
    gravities = {found["gravity"] for found in findings}
    sys.exit(3 if "tampering" in gravities else 4 if "evidence missing" in gravities else 0)


if __name__ == "__main__":
    main()
