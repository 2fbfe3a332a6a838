#!/usr/bin/env python3
"""Verifies many exports in one process: a line for each on stdin, a line of what was found on stdout.

    EXPORT[<tab>CHECKPOINT]    ->    {"events": n, "streams": n, "findings": [[index, fault, stream, position], ...]}

What verify.py finds, word for word. What is asked of the same bytes again is remembered: signatures, and lines as they are read.
"""

import functools
import json
import pathlib
import sys

import formats
import verify

formats.is_signed = verify.is_signed = functools.lru_cache(maxsize=None)(formats.is_signed.__wrapped__)
verify.event_line = functools.lru_cache(maxsize=65_536)(verify.event_line)
remembered, read_event = {}, verify.read_event


def read_event_again(event):
    """By the step's and the moment's own bytes; a step that is malformed is so again."""
    key = (event.step, event.moment)
    if key not in remembered:
        remembered[key] = read_event(event)
    return remembered[key]


verify.read_event = read_event_again


def judge(export, kept=None):
    try:
        audit = verify.Audit(pathlib.Path(export), kept and pathlib.Path(kept).read_bytes().decode())
    except verify.Malformed:
        return {"error": "malformed"}
    except (OSError, UnicodeDecodeError) as error:
        return {"error": str(error)}
    findings = [[index, verify.FAULTS[fault], name, seq] for index, fault, name, seq in audit.findings]
    return {"events": audit.index, "streams": len(audit.heads), "findings": findings}


for line in sys.stdin:
    print(json.dumps(judge(*line.rstrip("\n").split("\t"))), flush=True)
