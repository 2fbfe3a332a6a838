#!/usr/bin/env python3
"""Verifies that an export is the one that was signed, without the crate: `docs/exports.md` says the format.

    verify_manifest.py EXPORT VKEY

EXPORT is the folder; VKEY the vault's key as text (`name+id+base64`), had from elsewhere than the folder, or a file that holds
it. Needs Python 3.9 and the package `cryptography`. Exit codes: 0 as signed, 1 not as signed, 2 usage.
"""

import base64
import hashlib
import json
import pathlib
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT = "casevault public export 1"
MEMBERS = {"format", "name", "version", "published", "policy", "k", "files"}
TEXT_BYTES_MAX = 256 * 1024
# The group's order, and its points of small order: a signature under one of those shows nothing.
ORDER = 2**252 + 27742317777372353535851937790883648493
PRIME = 2**255 - 19
SMALL_Y = {
    0, 1, PRIME - 1,
    0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD83D3D706A17C7,
    0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
}  # fmt: skip


class NotGenuine(Exception):
    """Why the export is not believed."""


def need(holds, why):
    if not holds:
        raise NotGenuine(why)


def is_small(point):
    return (int.from_bytes(point, "little") & (2**255 - 1)) % PRIME in SMALL_Y


def read_vkey(text):
    """A C2SP verifier key: name, key id, Ed25519 key."""
    name, number, material = text.strip().split("+", 2)
    material = base64.b64decode(material, validate=True)
    need(len(material) == 33 and material[0] == 1, "the key is none for notes")
    key_id = hashlib.sha256(name.encode() + b"\n" + material).digest()[:4]
    need(key_id.hex() == number, "the key is not the one that its id names")
    need(not is_small(material[1:]), "the key is a weak one")
    return name, key_id, material[1:]


def signatures(lines, name, key_id):
    """What the key of this name has under the text; lines of other keys are passed over."""
    need(lines.endswith("\n"), "the signature has no end")
    for line in lines[:-1].split("\n"):
        need(line.startswith("\u2014 ") and line.count(" ") == 2, "a line is no signature line")
        _, whose, signed = line.split(" ")
        signed = base64.b64decode(signed, validate=True)
        if whose == name and signed[:4] == key_id:
            yield signed[4:]


def verify_signature(manifest, lines, vkey):
    name, key_id, key = read_vkey(vkey)
    found = list(signatures(lines.decode(), name, key_id))
    need(len(found) == 1, "the key has not signed, or more than once")
    signature = found[0]
    need(len(signature) == 64 and int.from_bytes(signature[32:], "little") < ORDER, "no signature")
    need(not is_small(signature[:32]), "the signature is a weak one")
    need(manifest.endswith(b"\n") and b"\0" not in manifest, "the manifest is no text of a note")
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, manifest)
    except InvalidSignature:
        raise NotGenuine("the manifest is not what the key signed") from None


def digest_of(path):
    digest, length = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
            length += len(block)
    return length, digest.hexdigest()


def read_text(path):
    with path.open("rb") as file:
        text = file.read(TEXT_BYTES_MAX + 1)
    need(len(text) <= TEXT_BYTES_MAX, f"{path.name} is too long")
    return text


def verify(directory, vkey):
    """The manifest, if all that it names is there as signed, and nothing else."""
    directory = pathlib.Path(directory)
    text = read_text(directory / "manifest.json")
    verify_signature(text, read_text(directory / "manifest.json.sig"), vkey)
    manifest = json.loads(text)
    need(set(manifest) == MEMBERS and manifest["format"] == FORMAT, "the manifest is of another format")
    names = ["manifest.json", "manifest.json.sig"]
    for file in manifest["files"]:
        name = file["name"]
        need(not set(name) & set("/\\") and not name.startswith("."), "the manifest names no file of the folder")
        need(digest_of(directory / name) == (file["bytes"], file["sha256"]), f"{name} is not the file that was signed")
        names.append(name)
    found = sorted(path.name for path in directory.iterdir())
    need(found == sorted(names), "the folder holds other files than the manifest names")
    return manifest


def main(arguments):
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    directory, vkey = arguments
    try:
        if "+" not in vkey:
            vkey = pathlib.Path(vkey).read_text()
        manifest = verify(directory, vkey)
    except (NotGenuine, OSError, ValueError, KeyError, TypeError) as why:
        print(f"not as signed: {why}")
        return 1
    print(f"as signed: {manifest['name']} {manifest['version']}, {len(manifest['files'])} files")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
