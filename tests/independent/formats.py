"""The formats of an auditor's export, read strictly: digests and trees, signatures, CBOR, notes, files.

As docs/audit.md says them, and sharing no code with the crate. What is not exactly of its format raises Malformed.
"""

import base64
import binascii
import functools
import hashlib
import json
import re
from types import SimpleNamespace

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

# ---------------------------------------------------------------- bounds

LINE_BYTES_MAX, CARD_BYTES_MAX = 512 * 1024, 2048
STEP_BYTES_MAX, MOMENT_BYTES_MAX = 12 * 1024, 512
EVENT_BYTES_MAX = STEP_BYTES_MAX + MOMENT_BYTES_MAX + 128
NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX, KEY_NAME_BYTES_MAX = 256 * 1024, 64, 255
REGISTRARS_MAX, WITNESSES_MAX = 16, 32
TIME_MAX = 253_402_300_799_999  # the end of the year 9999

# ---------------------------------------------------------------- digests, trees, signatures


def label(words):
    return b"casevault/1 " + words.encode() + b"\0"


def digest(words, *parts):
    """SHA-256 over a label and parts, each part after its length in eight bytes."""
    sized = (len(part).to_bytes(8, "big") + part for part in parts)
    return hashlib.sha256(label(words) + b"".join(sized)).digest()


def leaf_hash(leaf):
    return hashlib.sha256(b"\0" + leaf).digest()


class Frontier:
    """The right edge of an RFC 6962 tree: enough to append, and to know the root."""

    def __init__(self):
        self.size, self.nodes = 0, []

    def append(self, leaf):
        size = self.size
        while size & 1:
            leaf = hashlib.sha256(b"\1" + self.nodes.pop() + leaf).digest()
            size >>= 1
        self.nodes.append(leaf)
        self.size += 1

    def head(self):
        if not self.nodes:
            return (0, hashlib.sha256(b"").digest())
        root = self.nodes[-1]
        for left in reversed(self.nodes[:-1]):
            root = hashlib.sha256(b"\1" + left + root).digest()
        return (self.size, root)


def tree(leaves):
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.head()


EMPTY = tree([])
P = 2**255 - 19
D = -121665 * pow(121666, P - 2, P) % P
# The y of the points whose order divides eight: under such a key, or with such an R, anything can be made to verify.
ORDER_8 = int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")
SMALL = {0, 1, P - 1, ORDER_8, P - ORDER_8}


def y_of(point):
    return (int.from_bytes(point, "little") & (2**255 - 1)) % P


@functools.lru_cache(maxsize=65_536)
def is_key(point):
    """Whether 32 bytes are a point of the curve, and none of small order."""
    y = y_of(point)
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    return y not in SMALL and pow(square, (P - 1) // 2, P) in (0, 1)


@functools.lru_cache(maxsize=65_536)
def public_key(key):
    return Ed25519PublicKey.from_public_bytes(key)


@functools.lru_cache(maxsize=4096)
def is_signed(key, message, signature):
    """Ed25519, strictly: one key, one message, one signature. The same attestations are asked for again and again."""
    if len(signature) != 64 or not is_key(key) or y_of(signature[:32]) in SMALL:
        return False
    try:
        public_key(key).verify(signature, message)
        return True
    except InvalidSignature:
        return False


# ---------------------------------------------------------------- CBOR: one value, one encoding


class Malformed(Exception):
    pass


def need(holds):
    if not holds:
        raise Malformed


def parse(data, at=0, depth=0):
    """One item of what the formats use: unsigned numbers, bytes, texts, arrays, maps with rising numbers for keys, bools."""
    need(at < len(data) and depth < 16)
    major, info = data[at] >> 5, data[at] & 31
    at += 1
    if major == 7:
        need(info in (20, 21))
        return info == 21, at
    width = {24: 1, 25: 2, 26: 4, 27: 8}.get(info, 0)
    need(info < 28 and at + width <= len(data))
    number = int.from_bytes(data[at : at + width], "big") if width else info
    at += width
    if major == 0:
        return number, at
    need(number <= len(data) - at)
    if major in (2, 3):
        piece = data[at : at + number]
        return (piece if major == 2 else piece.decode()), at + number
    need(major in (4, 5))
    items, last = [], -1
    for _ in range(number):
        if major == 5:
            key, at = parse(data, at, depth + 1)
            need(type(key) is int and key > last)
            last = key
        item, at = parse(data, at, depth + 1)
        items.append((last, item) if major == 5 else item)
    return (dict(items) if major == 5 else items), at


def encode(item):
    def head(major, number):
        for info, width in ((24, 1), (25, 2), (26, 4), (27, 8)):
            if number < 24:
                return bytes([major << 5 | number])
            if number < 256**width:
                return bytes([major << 5 | info]) + number.to_bytes(width, "big")
        raise Malformed

    if isinstance(item, bool):
        return b"\xf5" if item else b"\xf4"
    if isinstance(item, int):
        return head(0, item)
    if isinstance(item, bytes):
        return head(2, len(item)) + item
    if isinstance(item, str):
        return head(3, len(item.encode())) + item.encode()
    if isinstance(item, list):
        return head(4, len(item)) + b"".join(map(encode, item))
    return head(5, len(item)) + b"".join(encode(key) + encode(value) for key, value in item.items())


def decode(shape, data, most):
    """A value of a shape, if these are exactly the bytes that encode it."""
    need(len(data) <= most)
    try:
        item, end = parse(data)
    except UnicodeDecodeError:
        raise Malformed from None
    need(end == len(data) and encode(item) == data)
    return shape(item)


# ---------------------------------------------------------------- shapes: what a format holds, by the numbers of its fields


def uint(most):
    def read(item):
        need(type(item) is int and 0 <= item <= most)
        return item

    return read


def raw(length=None):
    def read(item):
        need(type(item) is bytes and length in (None, len(item)))
        return item

    return read


def text(item):
    need(type(item) is str)
    return item


def boolean(item):
    need(type(item) is bool)
    return item


def point(item):
    need(type(item) is bytes and len(item) == 32 and is_key(item))
    return item


def coded(count):
    def read(item):
        need(type(item) is int and 1 <= item <= count)
        return item

    return read


def many(shape):
    def read(item):
        need(type(item) is list)
        return [shape(one) for one in item]

    return read


def nothing(_):
    """A field that no value has yet."""
    raise Malformed


class Maybe:
    """A field that is left out where there is nothing to say: a value that is not there, or an empty list."""

    def __init__(self, shape, otherwise=None):
        self.shape, self.otherwise = shape, otherwise

    def __call__(self, item):
        value = self.shape(item)
        need(value != [])
        return value


def struct(**fields):
    """A map whose keys are the fields' numbers, from zero in this order."""
    numbered = list(enumerate(fields.items()))

    def read(item):
        need(type(item) is dict and all(number < len(numbered) for number in item))
        value = SimpleNamespace()
        for number, (name, shape) in numbered:
            if number in item:
                setattr(value, name, shape(item[number]))
            else:
                need(isinstance(shape, Maybe))
                setattr(value, name, shape.otherwise)
        return value

    return read


def row(*shapes):
    """An array of fixed length."""

    def read(item):
        need(type(item) is list and len(item) == len(shapes))
        return tuple(shape(one) for shape, one in zip(shapes, item))

    return read


def choice(**kinds):
    """One of several: the number of the kind, from zero in this order, and an array of what it holds."""
    numbered = list(kinds.items())

    def read(item):
        need(type(item) is list and len(item) == 2 and type(item[0]) is int and item[0] < len(numbered))
        name, shapes = numbered[item[0]]
        return (name, *row(*shapes)(item[1]))

    return read


ID, DIGEST, SIGNATURE = raw(16), raw(32), raw(64)
U8, U32, U64, TIME = uint(2**8 - 1), uint(2**32 - 1), uint(2**64 - 1), uint(TIME_MAX)
PRINCIPAL = choice(party=[DIGEST], folder=[DIGEST], vault=[ID])
PATIENT, DOCTOR, REGISTRAR, AUDITOR, CURATOR = range(1, 6)
OWN, TREATMENT, OPINION, VETTING = range(1, 5)
IDENTITY, CASE, SUMMARY, CREDENTIALS = range(1, 5)
GOOD, WARNED, SUSPENDED, BARRED = range(1, 5)
READ_WRITE = 2
VERBS = """Enrol Attest Withdraw OpenFolder Rotate Write Amend Stage Grant Assign Revoke Open Close Deny Restore Create
    Report Rule Appeal List Block Reveal Govern Equip Refuse Export Share Retract Release""".split()

HEAD = struct(size=U64, root=DIGEST)
STEP = struct(
    format=U8, vault=ID, op_id=ID, actor=PRINCIPAL, owner=PRINCIPAL, verb=coded(len(VERBS)), folder=Maybe(DIGEST),
    epoch=Maybe(U32), before=Maybe(HEAD), after=Maybe(HEAD), grants=many(DIGEST),
    commitments=Maybe(struct(normal=DIGEST, restricted=DIGEST, very_restricted=DIGEST)), back_links=Maybe(DIGEST),
    subject=Maybe(DIGEST), opening=Maybe(struct(kind=coded(4), verifying=Maybe(point), nonce=ID)),
    counts=Maybe(struct(normal=U32, restricted=U32, very_restricted=U32)), replaces=Maybe(DIGEST),
)  # fmt: skip
MOMENT = struct(
    at=TIME, salt=ID, actor_class=coded(3), on_behalf_of=Maybe(DIGEST), seen=Maybe(HEAD), seen_stream=Maybe(HEAD),
    purpose=Maybe(coded(4)), reason=Maybe(U8),
)  # fmt: skip
EVENT = struct(step=raw(), moment=choice(redacted=[DIGEST], whole=[raw()]), signature=SIGNATURE)
TERMS = struct(purpose=coded(4), rights=coded(2), clearance=coded(3), starts=TIME, ends=TIME)
GRANT = struct(
    grant=ID, vault=ID, folder=DIGEST, epoch=U32, reader=DIGEST, card=DIGEST, attested=Maybe(DIGEST), terms=TERMS,
    because=Maybe(DIGEST), wrap=DIGEST,
)  # fmt: skip
SIGNED = row(raw(), SIGNATURE)
CARD = struct(party=DIGEST, role=coded(5), sealing=raw(1216), verifying=point)
ATTESTATION = struct(
    vault=ID, subject=DIGEST, card=DIGEST, role=coded(5), specialty=text, jurisdiction=text, evidence=Maybe(DIGEST),
    registrar=DIGEST, starts=TIME, ends=TIME, at=Maybe(TIME),
    specialties=Maybe(many(struct(system=text, code=text, display=text)), []), persons=Maybe(many(DIGEST), []),
    succeeds=Maybe(DIGEST),
)  # fmt: skip
VERDICT = choice(strike=[coded(8), U8, TIME, TIME], lift=[ID], confirm=[ID], upheld=[DIGEST], dismissed=[DIGEST])
RULING = struct(vault=ID, ruling=ID, subject=PRINCIPAL, verdict=VERDICT, registrar=DIGEST, at=TIME)
RECEIPT = struct(vault=ID, op_id=ID, events=many(DIGEST), received=TIME, promised_by=TIME, stream=Maybe(HEAD))
RECEIPT_BYTES_MAX = 512 + 40 * 8
EPOCH = struct(vault=ID, number=U64, at=TIME, depth=U8, map=DIGEST, owners=U64, events=U64, generation=U64)


def card_of(item):
    """A card that its own key signed, and whose party is that key's digest."""
    statement, signature = SIGNED(item)
    said = decode(CARD, statement, CARD_BYTES_MAX)
    need(is_signed(said.verifying, label("card") + statement, signature))
    need(digest("party id", said.verifying) == said.party)
    said.digest = digest("card", statement, signature)
    return said


THRESHOLDS = struct(warned=U32, suspended=U32, barred=U32)
CONDUCT = struct(thresholds=THRESHOLDS, new_cases_max=U32, idle_s=U64, reports_max=U32, is_one_card_a_person=boolean)


def is_name(said):
    """The name of a key: no space, no plus, no control character."""
    is_plain = all(symbol >= " " or symbol == "\n" for symbol in said)
    return is_plain and 0 < len(said.encode()) <= KEY_NAME_BYTES_MAX and not re.search("[\\s+]", said)


def witness_of(item):
    """A witness's vkey: its name, key id and key."""
    need(type(item) is str and item.count("+") >= 2)
    name, hexed, material = item.split("+", 2)
    material = from_base64(material)
    need(is_name(name) and len(material) == 33 and material[0] == 4)
    key_id = hashlib.sha256(name.encode() + b"\n" + material).digest()[:4]
    need(key_id.hex() == hexed)
    return name, key_id, point(material[1:])


def witnesses_of(item):
    """Who must see the checkpoints, and how many of them."""
    said = struct(witnesses=many(witness_of), needed=U8)(item)
    names, _, keys = zip(*said.witnesses) if said.witnesses else ((), (), ())
    need(1 <= len(names) == len(set(names)) == len(set(keys)) <= WITNESSES_MAX and said.needed <= len(names))
    return said.witnesses, said.needed


POLICY = struct(
    registrars=many(card_of), registrars_needed=U8, patients_attested=boolean, open_cases_max=U32, longest_grant_s=U64,
    clock_skew_s=U64, denials_per_minute=U32, conduct=Maybe(CONDUCT),
    former=Maybe(many(struct(card=card_of, until=TIME)), []), witnesses=Maybe(witnesses_of, ([], 0)),
    public=Maybe(struct(policy=DIGEST, curator=card_of)),
)  # fmt: skip
COSIGNED = row(raw(), many(row(DIGEST, SIGNATURE)))
POLICY_BYTES_MAX = 2 * 2048 * REGISTRARS_MAX


def policy_of(item):
    said = POLICY(item)
    said.digest = digest("policy", encode(item))
    said.thresholds = said.conduct.thresholds if said.conduct else SimpleNamespace(warned=1, suspended=3, barred=6)
    return said


CHARTER = struct(vault=ID, version=U32, previous=DIGEST, policy=policy_of)

# ---------------------------------------------------------------- the public area

BATCHES_MAX, BATCH_ROWS_MAX = 256 * 1024, 16 * 1024
PLACE = struct(grid=U8, bins=many(uint(2**16 - 1)))
REACHED = struct(k=U32, l=U32, largest=U32, t=uint(2**16 - 1))
BATCH_FACTS = struct(id=ID, place=PLACE, policy=DIGEST, epoch=U64, follows=Maybe(ID), reached=REACHED)
PUBLIC_ROW = struct(id=ID, batch=ID, place=PLACE, said=lambda item: item)

# ---------------------------------------------------------------- files


def from_base64(said):
    need(type(said) is str)
    try:
        data = base64.b64decode(said, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed from None
    need(base64.b64encode(data).decode() == said)
    return data


def from_hex(said, length):
    need(type(said) is str and re.fullmatch("[0-9a-fA-F]*", said) is not None and len(said) == 2 * length)
    return bytes.fromhex(said)


def from_json(data):
    def once(pairs):
        need(len({name for name, _ in pairs}) == len(pairs))
        return dict(pairs)

    try:
        said = json.loads(data.decode(), object_pairs_hook=once)
    except (ValueError, RecursionError):
        raise Malformed from None
    need(type(said) is dict)
    return said


def stream_of(name):
    """A stream's owner, as a line names it."""
    need(type(name) is str)
    kind, colon, hexed = name.partition(":")
    need(colon and kind in ("party", "folder", "vault"))
    return (kind, from_hex(hexed, 16 if kind == "vault" else 32))


def lines_of(path):
    """Each line without its newline; nothing for one that is too long, or has none."""
    with open(path, "rb") as file:
        while line := file.readline(LINE_BYTES_MAX):
            yield line[:-1] if line.endswith(b"\n") else None


BROUGHT = {"attestation": (SIGNED, 3072 + 80), "grant": (GRANT, 512), "ruling": (SIGNED, 512 + 80)}


def event_line(data):
    need(data is not None)
    said = from_json(data)
    need(set(said) == {"stream", "seq", "received", "event", "brings"} and type(said["brings"]) is list)
    brings = []
    for brought in said["brings"]:
        need(type(brought) is dict and len(brought) == 1)
        ((kind, value),) = brought.items()
        need(kind in BROUGHT)
        data = from_base64(value)
        shape, most = BROUGHT[kind]
        value = decode(shape, data, most)
        if kind == "grant":
            value.digest = digest("grant", data)
        brings.append((kind, value))
    return SimpleNamespace(
        name=said["stream"],
        stream=stream_of(said["stream"]),
        seq=U64(said["seq"]),
        received=TIME(said["received"]),
        event=decode(EVENT, from_base64(said["event"]), EVENT_BYTES_MAX),
        brings=brings,
    )


def party_line(data):
    need(data is not None)
    said = from_json(data)
    need(set(said) <= {"stream", "size", "root", "card"} and "stream" in said)
    size, root = said.get("size"), said.get("root")
    need((size is None) == (root is None))
    head = None if size is None else (U64(size), from_hex(root, 32))
    its = said.get("card")
    return stream_of(said["stream"]), head, None if its is None else decode(card_of, from_base64(its), CARD_BYTES_MAX)


def tiles(size, level=0):
    """The tiles of a level, each with the hashes it holds: 256, or at the right edge fewer."""
    count = size >> 8 * level
    for index in range((count + 255) // 256):
        threes, rest = [f"{index % 1000:03}"], index // 1000
        while rest:
            threes.insert(0, f"x{rest % 1000:03}")
            rest //= 1000
        first, end = 256 * index, min(256 * index + 256, count)
        yield "/".join(threes) + (f".p/{end - first}" if end - first < 256 else ""), first, end


def read_log(export, size):
    """The entries of a log of this size, their hashes, and whether the tiles of hashes are theirs."""
    epochs, hashes, are_its = [], [], True
    for path, _, end in tiles(size):
        data, at = (export / "tile/entries" / path).read_bytes(), 0
        while at < len(data):
            length = int.from_bytes(data[at : at + 2], "big")
            need(at + 2 + length <= len(data))
            entry = data[at + 2 : at + 2 + length]
            epochs.append(decode(EPOCH, entry, 256))
            hashes.append(leaf_hash(entry))
            at += 2 + length
        need(len(hashes) == end)
    above = hashes
    for level in range(8):
        for path, first, end in tiles(size, level):
            are_its &= (export / "tile" / str(level) / path).read_bytes() == b"".join(above[first:end])
        above = [tree(above[first : first + 256])[1] for first in range(0, len(above) - 255, 256)]
    return epochs, hashes, are_its


def read_note(note):
    """The text of a C2SP note, and its signature lines: name, key id, signature."""
    need(all(symbol >= " " or symbol == "\n" for symbol in note))
    said, found, signatures = note.rpartition("\n\n")
    need(found and len(note.encode()) <= NOTE_BYTES_MAX and signatures.endswith("\n"))
    lines = signatures[:-1].split("\n")
    need(len(lines) <= NOTE_SIGNATURES_MAX)
    read = []
    for line in lines:
        parts = re.fullmatch("\u2014 ([^\\s+]+) ([^ ]*)", line)
        need(parts and len(parts[1].encode()) <= KEY_NAME_BYTES_MAX)
        signature = from_base64(parts[2])
        need(len(signature) > 4)
        read.append((parts[1], signature[:4], signature[4:]))
    return said + "\n", read


def read_checkpoint(note, vault, vault_key):
    """The head that a checkpoint signs, if it is a C2SP note of this vault's; nothing otherwise."""
    origin = f"casevault/{vault.hex()}"
    key_id = hashlib.sha256(origin.encode() + b"\n\x01" + vault_key).digest()[:4]
    try:
        said, lines = read_note(note)
        own = [signature for *key, signature in lines if key == [origin, key_id]]
        need(len(own) == 1 and is_signed(vault_key, said.encode(), own[0]))
        parts = re.fullmatch("(.*)\n(0|[1-9][0-9]{0,19})\n(.*)\n", said)
        need(parts and parts[1] == origin)
        head = (U64(int(parts[2])), DIGEST(from_base64(parts[3])))
        need(head[0] > 0 or head == EMPTY)
        return head
    except Malformed:
        return None


def seen_by(note, witnesses):
    """Which of these witnesses have one line under a note, and a good one."""
    said, lines = read_note(note)
    seen = []
    for name, key_id, key in witnesses:
        own = [signature for *its, signature in lines if its == [name, key_id]]
        if len(own) == 1 and len(own[0]) == 8 + 64:
            seconds = int.from_bytes(own[0][:8], "big")
            message = f"cosignature/v1\ntime {seconds}\n{said}".encode()
            if seconds * 1000 <= TIME_MAX and is_signed(key, message, own[0][8:]):
                seen.append(name)
    return seen
