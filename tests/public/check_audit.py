#!/usr/bin/env python3
"""Checks AuditEvent.ndjson and Consent.ndjson with an R4 model that is not ours.

    check_audit.py FOLDER [FOLDER …]

Needs `fhirclient` (requirements.txt), whose models refuse what R4 does not know, what is missing, and what is of the wrong type.
Besides: the invariants of R4 that its models do not look at, and that nothing is asked of BALP that is not there. One line a file;
exit code 0 if all hold.
"""

import json
import pathlib
import re
import sys

from fhirclient.models.auditevent import AuditEvent
from fhirclient.models.consent import Consent

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


def codes(event, name):
    return [code["code"] for agent in event.get(name, []) for code in agent.get("type", {}).get("coding", [])]


def check_event(event):
    assert INSTANT.fullmatch(event["recorded"]), event["recorded"]
    assert event["action"] in "CRUDE" and event["outcome"] in ("0", "4", "8", "12")
    # Of a refusal it may not be known who asked.
    assert event["outcome"] == "8" or any(agent["requestor"] for agent in event["agent"]), "somebody asked for it"
    for entity in event.get("entity", []):
        # sev-1: a name or a query, not both.
        assert not ("name" in entity and "query" in entity)
    for profile in event.get("meta", {}).get("profile", []):
        assert profile.startswith("https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."), profile
        assert len(set(codes(event, "agent"))) == len(event["agent"]), "each slice once"


def check_consent(consent):
    # ppc-1 and ppc-2: a policy or a rule; a patient where privacy is the scope.
    assert "policyRule" in consent or "policy" in consent
    assert "patient" in consent
    period = consent["provision"]["period"]
    assert period["start"] <= period.get("end", "9999"), period


def check(path, model, invariants):
    ids = set()
    for line in path.read_text("utf-8").splitlines():
        said = json.loads(line)
        resource = model(said, strict=True)
        assert resource.as_json() == said, "read and written again it is the same"
        assert ID.fullmatch(said["id"]) and said["id"] not in ids, said["id"]
        ids.add(said["id"])
        invariants(said)
    assert ids, f"{path} is empty"
    print(f"ok {path.name}: {len(ids)} resources")


def check_empty_or(path, model, invariants):
    if path.stat().st_size:
        check(path, model, invariants)


def must_fail(model, said, name):
    try:
        model(said, strict=True)
    except Exception:
        return
    raise AssertionError(f"{name}: the models would let anything through")


def main(folders):
    must_fail(AuditEvent, {"resourceType": "AuditEvent"}, "what is missing")
    must_fail(Consent, {"resourceType": "Consent", "status": 1}, "what is of the wrong type")
    for folder in map(pathlib.Path, folders):
        check(folder / "AuditEvent.ndjson", AuditEvent, check_event)
        check_empty_or(folder / "Consent.ndjson", Consent, check_consent)
    assert folders, "no folder was named"


if __name__ == "__main__":
    main(sys.argv[1:])
