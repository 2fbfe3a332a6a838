#!/usr/bin/env python3
"""Checks exports with what researchers use, and none of the crate's code.

    check.py VKEY EXPORT [EXPORT …]

VKEY is the vault's key, or a file that holds it; the exports are in the order in which they were published, so that the
differences of neighbours are checked too. Needs the packages of requirements.txt. One line a check; exit code 0 if all hold.
"""

import csv
import functools
import hashlib
import itertools
import json
import pathlib
import subprocess
import sys

import duckdb
import pandas
import polars
import pyarrow
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet
from fhirclient.models.bundle import Bundle

import verify_manifest

ROLES = {"quasi-identifier", "sensitive", "insensitive"}
ANONYMISED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "ANONYED",
    "display": "anonymized",
}
FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")


def same(one, other, what):
    if one != other:
        raise AssertionError(f"{what}: {str(one)[:300]} is not {str(other)[:300]}")


class Export:
    """A folder, its descriptor, and the rows of each table as NDJSON and the standard library say them."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.package = json.loads((self.path / "datapackage.json").read_bytes())
        self.resources = {resource["path"]: resource for resource in self.package["resources"]}
        self.tables = sorted({path.split(".")[0] for path in self.resources})
        self.k = self.package["anonymity"]["k"]
        self.rows = {table: self.from_ndjson(table) for table in self.tables}

    def fields(self, table):
        return self.resources[f"{table}.ndjson"]["schema"]["fields"]

    def types(self, table):
        return {field["name"]: field["type"] for field in self.fields(table)}

    def from_ndjson(self, table):
        lines = (self.path / f"{table}.ndjson").read_text("utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def of_role(self, role):
        return [field["name"] for field in self.fields("cases") if field["role"] == role]


# ---------------------------------------------------------------- the files and what describes them


def check_sums(export):
    lines = (export.path / "SHA256SUMS").read_text().splitlines()
    for line in lines:
        digest, name = line.split("  ")
        same(hashlib.sha256((export.path / name).read_bytes()).hexdigest(), digest, name)
    besides = {"SHA256SUMS", "manifest.json", "manifest.json.sig"}
    same({line[66:] for line in lines} | besides, {path.name for path in export.path.iterdir()}, "files")


def check_descriptors(export):
    for resource in export.package["resources"]:
        for field in resource.get("schema", {}).get("fields", []):
            assert field["role"] in ROLES, field["name"]
    croissant = json.loads((export.path / "croissant.json").read_bytes())
    words = (export.path / "dictionary.md").read_text()
    for records in croissant["recordSet"]:
        theirs = {field["name"]: field["role"] for field in records["field"]}
        same(theirs, {field["name"]: field["role"] for field in export.fields(records["name"])}, "roles in croissant.json")
        for name, role in theirs.items():
            assert any(line.startswith(f"| {name} |") and line.endswith(f"| {role} |") for line in words.splitlines()), name
    same(len(croissant["distribution"]), len(export.resources), "files in croissant.json")


def run(tool, *arguments):
    """A tool of this Python's environment, as a researcher calls it."""
    tool = pathlib.Path(sys.executable).with_name(tool)
    done = subprocess.run([tool, *arguments], capture_output=True, text=True, check=False)
    said = (done.stdout + done.stderr)[-2000:]
    assert done.returncode == 0 and "WARNING" not in said, said


def check_frictionless(export):
    run("frictionless", "validate", str(export.path / "datapackage.json"))


def check_croissant(export):
    run("mlcroissant", "validate", "--jsonld", str(export.path / "croissant.json"))


def check_croissant_records(export):
    import mlcroissant

    dataset = mlcroissant.Dataset(jsonld=str(export.path / "croissant.json"))

    def plain(value):
        if isinstance(value, bytes):
            return value.decode()
        if value is None or isinstance(value, float) and value != value:
            return None
        return [plain(item) for item in value] if hasattr(value, "__iter__") and not isinstance(value, str) else value

    for table in export.tables:
        theirs = [
            {name.split("/")[1]: plain(value) for name, value in record.items()} for record in dataset.records(table)
        ]
        same(theirs, export.rows[table], f"records of {table}")


# ---------------------------------------------------------------- the same rows, types and nulls to every reader

DUCKDB = {"string": "VARCHAR", "integer": "BIGINT", "array": "VARCHAR[]"}
POLARS = {"string": polars.String, "integer": polars.Int64, "array": polars.List(polars.String)}
PANDAS = {"string": "string", "integer": "int64", "array": "object"}
ARROW = {"string": pyarrow.string(), "integer": pyarrow.int64(), "array": pyarrow.list_(pyarrow.string())}


def flat(types):
    """In CSV a list is a JSON text."""
    return {name: "string" if kind == "array" else kind for name, kind in types.items()}


def unfolded(rows, types):
    return [
        {name: json.loads(row[name]) if kind == "array" else row[name] for name, kind in types.items()} for row in rows
    ]


def by_standard_library(path, types):
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        for name, cell in row.items():
            assert not cell.startswith(FORMULA), f"{name} would be a formula"
            row[name] = None if cell == "" else int(cell) if types[name] == "integer" else cell
    return unfolded(rows, types)


def by_duckdb(path, types):
    database = duckdb.connect()
    if path.suffix == ".parquet":
        found = database.read_parquet(str(path))
    elif path.suffix == ".csv":
        columns = {name: DUCKDB[kind] for name, kind in flat(types).items()}
        found = database.sql(f"select * from read_csv('{path}', header = true, columns = {columns})")
    else:
        columns = {name: DUCKDB[kind] for name, kind in types.items()}
        found = database.sql(f"select * from read_json('{path}', format = 'newline_delimited', columns = {columns})")
    expected = flat(types) if path.suffix == ".csv" else types
    same(dict(zip(found.columns, map(str, found.types))), {name: DUCKDB[kind] for name, kind in expected.items()}, "types")
    rows = [dict(zip(found.columns, row)) for row in found.fetchall()]
    return unfolded(rows, types) if path.suffix == ".csv" else rows


def by_polars(path, types):
    if path.suffix == ".parquet":
        found = polars.read_parquet(path)
    elif path.suffix == ".csv":
        found = polars.read_csv(path, schema={name: POLARS[kind] for name, kind in flat(types).items()})
    else:
        found = polars.read_ndjson(path, schema={name: POLARS[kind] for name, kind in types.items()})
    expected = flat(types) if path.suffix == ".csv" else types
    same(dict(found.schema), {name: POLARS[kind] for name, kind in expected.items()}, "types")
    return unfolded(found.to_dicts(), types) if path.suffix == ".csv" else found.to_dicts()


def pandas_types(frame):
    """What the columns are; a text is an `object` before pandas 3, a `str` since."""
    return {name: "str" if str(kind) == "object" else str(kind) for name, kind in frame.dtypes.items()}


def by_pandas(path, types):
    declared = {name: PANDAS[kind] for name, kind in types.items()}
    if path.suffix == ".parquet":
        found = pandas.read_parquet(path)
        told = {name: "int64" if kind == "integer" else "str" for name, kind in types.items()}
        same(pandas_types(found), told, "types")
    elif path.suffix == ".csv":
        # Its own list of what stands for nothing is left as it is: no value may be on it.
        found = pandas.read_csv(path, dtype={name: PANDAS[kind] for name, kind in flat(types).items()})
    else:
        found = pandas.read_json(path, lines=True, dtype=declared)
    rows = found.to_dict("records")
    for row in rows:
        for name, value in row.items():
            if types[name] == "array" and path.suffix != ".csv":
                row[name] = list(value)
            elif pandas.isna(value):
                row[name] = None
    return unfolded(rows, types) if path.suffix == ".csv" else rows


def by_pyarrow(path, types):
    if path.suffix == ".parquet":
        found = pyarrow.parquet.read_table(path)
        found = found.cast(pyarrow.schema([(name, ARROW[kind]) for name, kind in types.items()]))
    elif path.suffix == ".csv":
        options = pyarrow.csv.ConvertOptions(
            column_types={name: ARROW[kind] for name, kind in flat(types).items()}, strings_can_be_null=True
        )
        found = pyarrow.csv.read_csv(path, convert_options=options)
    else:
        schema = pyarrow.schema([(name, ARROW[kind]) for name, kind in types.items()])
        options = pyarrow.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error")
        found = pyarrow.json.read_json(path, parse_options=options)
    rows = found.to_pylist()
    return unfolded(rows, types) if path.suffix == ".csv" else rows


READERS = [by_duckdb, by_polars, by_pandas, by_pyarrow]


def check_reader(export, reader, suffix):
    for table in export.tables:
        path, types = export.path / f"{table}{suffix}", export.types(table)
        rows = reader(path, types)
        same([list(row) for row in rows[:1]], [list(types)][: len(rows)], f"columns of {path.name}")
        same(rows, export.rows[table], path.name)
        for row in rows:
            for name, kind in types.items():
                fit = {"string": str, "integer": int, "array": list}[kind]
                assert row[name] is None or isinstance(row[name], fit), f"{name} is {row[name]!r}"


def check_guesses(export):
    """Who gives no types is told the same types by every reader; but a column of nothing but numbers can be no other to CSV."""
    for table in export.tables:
        types, rows = export.types(table), export.rows[table]
        sure = {
            name
            for name, kind in types.items()
            if any(row[name] is not None for row in rows)
            and not (kind == "string" and all(row[name] is None or row[name].isdigit() for row in rows))
        }
        declared = {name: kind for name, kind in flat(types).items() if name in sure}
        path = export.path / f"{table}.csv"
        guessed = {
            "duckdb": dict(zip((found := duckdb.connect().read_csv(str(path))).columns, map(str, found.types))),
            "polars": dict(polars.read_csv(path).schema),
            "pandas": pandas_types(pandas.read_csv(path)),
            "pyarrow": dict(zip((schema := pyarrow.csv.read_csv(path).schema).names, schema.types)),
        }
        told = {"duckdb": DUCKDB, "polars": POLARS, "pyarrow": ARROW, "pandas": {"string": "str", "integer": "int64"}}
        for reader, kinds in guessed.items():
            guess = {name: kind for name, kind in kinds.items() if name in sure}
            same(guess, {name: told[reader][kind] for name, kind in declared.items()}, f"what {reader} guesses of {path.name}")


# ---------------------------------------------------------------- FHIR


def text_of(concept):
    return concept["text"] if "text" in concept else concept["coding"][0]["code"]


def cases_of(bundle):
    """The rows again, from the resources alone."""
    cases = {}
    for entry in bundle["entry"]:
        resource = entry["resource"]
        same(resource["meta"]["security"], [ANONYMISED], "label")
        kind = resource["resourceType"]
        if kind == "Patient":
            tags = {tag["system"].rsplit(":", 1)[1]: tag["code"] for tag in resource["meta"]["tag"]}
            case = {"id": resource["id"], "batch": tags["batch"], "grid": int(tags["grid"])}
            case |= {"diagnoses": [], "drugs": [], "results": [], "procedures": [], "weeks": []}
            case["outcome"] = "died" if resource.get("deceasedBoolean") else "unknown"
            case["gender"] = resource.get("gender")
            assert entry["fullUrl"] not in cases
            cases[entry["fullUrl"]] = case
            continue
        case = cases[resource["subject"]["reference"]]
        if kind == "Condition":
            code = resource["code"]["coding"][0]["code"]
            if resource["code"].get("text") == "main diagnosis":
                case["diagnosis"] = code
                if "clinicalStatus" in resource:
                    status = resource["clinicalStatus"]["coding"][0]["code"]
                    case["outcome"] = {"active": "ongoing", "resolved": "resolved"}[status]
            else:
                case["diagnoses"].append(code)
        elif kind == "MedicationStatement":
            case["drugs"].append(resource["medicationCodeableConcept"]["coding"][0]["code"])
        elif kind == "Procedure":
            case["procedures"].append(resource["code"]["coding"][0]["code"])
        else:
            same(kind, "Observation", "kind of resource")
            code = resource["code"]["coding"][0]
            if not code["system"].endswith(":field"):
                case["results"].append(f"{code['code']}:{resource['valueCodeableConcept']['text']}")
            elif "component" in resource:
                for component in resource["component"]:
                    name, value = component["code"]["coding"][0]["code"], component["valueCodeableConcept"]["text"]
                    if name == "weeks":
                        case["weeks"].append(value)
                    else:
                        case[name] = value
            else:
                case[code["code"]] = resource["valueCodeableConcept"]["text"]
    return list(cases.values())


def check_fhir(export):
    bundle = json.loads((export.path / "cases.fhir.json").read_bytes())
    # R4's elements, their types and how often they may occur: it raises what is wrong.
    assert Bundle(bundle, strict=True).type == "collection"
    same(bundle["meta"]["security"], [ANONYMISED], "label")
    urls = [entry["fullUrl"] for entry in bundle["entry"]]
    same(len(urls), len(set(urls)), "resources")
    found = cases_of(bundle)
    for theirs, row in itertools.zip_longest(found, export.rows["cases"]):
        said = {name: value for name, value in row.items() if name != "diagnosis_level" and value is not None}
        gender = theirs.pop("gender")
        assert gender in (None, row.get("sex")), gender
        same(theirs, said, "a case of the Bundle")


# ---------------------------------------------------------------- k


def check_classes(rows, columns, k, what):
    """Each combination of values of each subset of the columns is of none or of at least k cases."""
    if not rows:
        return
    frame = pandas.DataFrame(rows, columns=columns).fillna("")
    for size in range(1, len(columns) + 1):
        for subset in itertools.combinations(columns, size):
            least = frame.groupby(list(subset)).size().min()
            assert least >= k, f"{what}: {least} cases by {', '.join(subset)}"


def columns_of(export):
    return [*export.of_role("quasi-identifier"), "grid", "batch"]


def check_k(export):
    check_classes(export.rows["cases"], columns_of(export), export.k, "the export")
    batches = {batch["id"]: batch for batch in export.rows["batches"]}
    for batch, count in pandas.DataFrame(export.rows["cases"]).groupby("batch").size().items():
        same(batches.pop(batch)["k"], count, "cases of a batch")
    same(batches, {}, "batches without cases")


def check_difference(before, after):
    same(columns_of(before), columns_of(after), "columns")
    for one, other, what in [(before, after, "what went"), (after, before, "what came")]:
        known = {row["id"]: row for row in other.rows["cases"]}
        rows = [row for row in one.rows["cases"] if row["id"] not in known]
        check_classes(rows, columns_of(one), max(before.k, after.k), what)
        for row in one.rows["cases"]:
            same(known.get(row["id"], row), row, "a case that stayed")


def numbers_of(value):
    if isinstance(value, dict):
        return [found for name, member in value.items() if name != "l" for found in numbers_of(member)]
    if isinstance(value, list):
        return [found for item in value for found in numbers_of(item)]
    return [value] if isinstance(value, int) else []


def check_report(export):
    report = json.loads((export.path / "suppression.json").read_bytes())
    reached = report.pop("reached", {})
    assert reached.get("k", export.k) >= export.k
    for number in numbers_of(report):
        assert number >= export.k and number % export.k == 0, number


# ---------------------------------------------------------------- all


def checks_of(export, vkey):
    yield "manifest", lambda: verify_manifest.verify(export.path, vkey)
    yield "checksums", lambda: check_sums(export)
    yield "roles in every descriptor", lambda: check_descriptors(export)
    yield "frictionless validate", lambda: check_frictionless(export)
    yield "mlcroissant validate", lambda: check_croissant(export)
    yield "mlcroissant records", lambda: check_croissant_records(export)
    yield "csv, by the standard library", lambda: check_reader(export, by_standard_library, ".csv")
    for suffix in [".ndjson", ".csv", ".parquet"]:
        if f"cases{suffix}" in export.resources:
            for reader in READERS:
                name = f"{suffix[1:]}, {reader.__name__.replace('_', ' ')}"
                yield name, functools.partial(check_reader, export, reader, suffix)
    yield "csv, without types", lambda: check_guesses(export)
    yield "FHIR R4", lambda: check_fhir(export)
    yield "k of every subset", lambda: check_k(export)
    yield "no number below k in the report", lambda: check_report(export)


def main(arguments):
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    vkey, *paths = arguments
    if "+" not in vkey:
        vkey = pathlib.Path(vkey).read_text()
    exports = [Export(path) for path in paths]
    checks = [(f"{export.path.name}: {name}", check) for export in exports for name, check in checks_of(export, vkey)]
    for before, after in itertools.pairwise(exports):
        name = f"{before.path.name} to {after.path.name}: k of every subset of what went and came"
        checks.append((name, functools.partial(check_difference, before, after)))
    failed = 0
    for name, check in checks:
        try:
            check()
            print(f"ok      {name}", flush=True)
        except Exception as why:
            failed += 1
            print(f"FAILED  {name}: {type(why).__name__}: {why}", flush=True)
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
