#!/usr/bin/env python3
"""Draws docs/figures/*.svg from what the benchmarks wrote there, and renews the tables of docs/performance.md.

Python's standard library only.

    cargo bench --bench heart -- --json docs/figures/heart.json
    cargo bench --bench scale -- 1000 10000 100000 --csv docs/figures/scale.csv
    (cd benches/peers && cargo run --release -- --csv ../../docs/figures/peers.csv)
    cargo bench --bench crowd -- --csv docs/figures/crowd.csv
    python3 docs/plots.py

A new figure is a function in FIGURES: it returns an SVG made by `lines` or `bars`. A new table is a function in TABLES: it
returns Markdown, which replaces what stands between `<!-- name -->` and `<!-- end -->`. What has no data file is left
out, and named.
"""

import csv
import json
import math
import pathlib
import re
from xml.sax.saxutils import escape

FIGURES_DIR = pathlib.Path(__file__).parent / "figures"
COLOURS = ["#1f6f8b", "#c8553d", "#588157", "#7b5ea7", "#b08900", "#5c677d"]
INK, FAINT, PAPER = "#22303c", "#d5dce1", "#ffffff"
WIDTH = 760


def rows_of(name):
    """The rows of a CSV file: numbers where they are numbers."""

    def value(word):
        try:
            return float(word)
        except ValueError:
            return word

    with open(FIGURES_DIR / name, newline="", encoding="utf-8") as file:
        return [{key: value(word) for key, word in row.items()} for row in csv.DictReader(file)]


def text(x, y, words, size=12, anchor="start", colour=INK, weight="normal"):
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}" '
        f'font-weight="{weight}">{escape(words)}</text>'
    )


def line(x1, y1, x2, y2, colour=FAINT, width=1.0):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def svg(height, title, shapes):
    body = "\n".join(shapes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img" '
        f'font-family="system-ui, sans-serif">\n<title>{escape(title)}</title>\n'
        f'<rect width="{WIDTH}" height="{height:.0f}" fill="{PAPER}"/>\n'
        f"{text(16, 28, title, 16, weight='600')}\n{body}\n</svg>\n"
    )


def short(value):
    """A number as a tick says it."""
    for scale, name in ((1e6, "M"), (1e3, "k")):
        if value >= scale:
            return f"{value / scale:g}{name}"
    return f"{value:g}"


def ticks(low, high, is_log):
    """Where the grid lies, from at most `low` to at least `high`."""
    if is_log:
        first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
        return [10.0**power for power in range(first, max(last, first + 1) + 1)]
    step = 10.0 ** math.floor(math.log10(high or 1))
    step = next(step * part for part in (0.1, 0.2, 0.5, 1, 2) if high / (step * part) <= 6)
    return [step * number for number in range(math.ceil(high / step - 1e-9) + 1)]


def lines(title, x_name, y_name, xs, series, is_log_x=True, is_log_y=False):
    """A line for each of `series` ({name: ys}) over `xs`."""
    height, left, right, top, bottom = 400, 70, 200, 64, 50
    values = [value for ys in series.values() for value in ys]
    y_ticks = ticks(min(values), max(values), is_log_y)
    x_ticks = sorted(set(xs)) if is_log_x else ticks(0, max(xs), False)

    def place(value, ends, start, end, is_log):
        low, high = (math.log10(ends[0]), math.log10(ends[-1])) if is_log else (ends[0], ends[-1])
        share = ((math.log10(value) if is_log else value) - low) / ((high - low) or 1)
        return start + share * (end - start)

    def at_x(x):
        return place(x, x_ticks, left, WIDTH - right, is_log_x)

    def at_y(y):
        return place(y, y_ticks, height - bottom, top, is_log_y)

    shapes = [text(16, 48, y_name, colour="#5c677d")]
    for tick in y_ticks:
        shapes += [line(left, at_y(tick), WIDTH - right, at_y(tick)), text(left - 8, at_y(tick) + 4, short(tick), anchor="end")]
    for tick in x_ticks:
        shapes += [text(at_x(tick), height - bottom + 18, short(tick), anchor="middle")]
    shapes.append(text((left + WIDTH - right) / 2, height - 10, x_name, anchor="middle"))
    ends = []
    for (name, ys), colour in zip(series.items(), COLOURS):
        points = " ".join(f"{at_x(x):.1f},{at_y(y):.1f}" for x, y in zip(xs, ys))
        shapes.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        shapes += [f'<circle cx="{at_x(x):.1f}" cy="{at_y(y):.1f}" r="3.5" fill="{colour}"/>' for x, y in zip(xs, ys)]
        ends.append((at_y(ys[-1]), name, colour))
    # Names at the lines' ends, moved apart where they would cover each other.
    last = -math.inf
    for y, name, colour in sorted(ends):
        last = max(y + 4, last + 15)
        shapes.append(text(WIDTH - right + 10, last, name, colour=colour))
    return svg(height, title, shapes)


def bars(title, note, groups, series, marks=None, left=300):
    """Bars to the right on a scale of tens: for each of `groups` one of each of `series` ({name: values}).

    `marks` are goals, one for each group or none.
    """
    bar, gap, top = 14, 12, 92
    block = bar * len(series) + gap
    height = top + block * len(groups) + 30
    values = [value for of in series.values() for value in of] + [mark for mark in marks or [] if mark]
    scale = ticks(min(values), max(values), True)
    low, high = math.log10(scale[0]), math.log10(scale[-1])
    right = 70

    def at(value):
        return left + (math.log10(value) - low) / (high - low) * (WIDTH - left - right)

    shapes = [text(16, 48, note, colour="#5c677d")]
    x = 16
    for (name, _), colour in zip(series.items(), COLOURS):
        if len(series) > 1:
            shapes += [f'<rect x="{x}" y="60" width="11" height="11" fill="{colour}"/>', text(x + 16, 70, name)]
            x += 34 + 7 * len(name)
    for tick in scale:
        shapes += [line(at(tick), top - 6, at(tick), height - 26), text(at(tick), height - 10, short(tick), anchor="middle")]
    for index, group in enumerate(groups):
        y = top + block * index
        shapes.append(text(left - 8, y + bar * len(series) / 2 + 4, group, anchor="end"))
        for number, ((_, of), colour) in enumerate(zip(series.items(), COLOURS)):
            value, y_bar = of[index], y + bar * number
            mark = marks[index] if marks else None
            if mark and value > mark:
                colour = COLOURS[1]
            wide = max(at(value) - left, 1)
            shapes.append(f'<rect x="{left}" y="{y_bar:.1f}" width="{wide:.1f}" height="{bar - 2}" fill="{colour}"/>')
            shapes.append(text(left + wide + 5, y_bar + 10, f"{value:.3g}", 11))
        if marks and marks[index]:
            shapes.append(line(at(marks[index]), y - 3, at(marks[index]), y + block - gap + 1, INK, 2.5))
    return svg(height, title, shapes)


def heart():
    """Each row of the heart's table that has a goal: how many times what stands beside it."""
    rows = json.loads((FIGURES_DIR / "heart.json").read_text(encoding="utf-8"))["rows"]
    rows = [row for row in rows if row["goal"]]
    marks = [row["goal"]["times"] + row["goal"]["plus"] / row["beside"]["median"] for row in rows]
    note = "times what stands beside it, scale of tens; the black mark is the goal; red is over it"
    return bars("The vault beside the raw store and primitives", note, [row["work"] for row in rows], {"ratio": [row["ratio"] for row in rows]}, marks)


def scale_time():
    rows = rows_of("scale.csv")
    named = {"sign in": "sign_in_us", "open": "open_us", "grant": "grant_us", "write": "write_us", "read a record": "read_us"}
    series = {name: [row[key] / 1e3 for row in rows] for name, key in named.items()}
    return lines("Point operations as owners grow", "owners", "milliseconds, median, scale of tens", [row["owners"] for row in rows], series, is_log_y=True)


def scale_memory():
    rows = rows_of("scale.csv")
    series = {"resident": [row["resident_bytes"] / 2**20 for row in rows], "at most": [row["resident_peak_bytes"] / 2**20 for row in rows]}
    return lines("Memory as owners grow", "owners", "MiB resident", [row["owners"] for row in rows], series)


def scale_disk():
    rows = rows_of("scale.csv")
    series = {"files": [row["store_bytes"] / row["owners"] / 1024 for row in rows], "rows in them": [row["row_bytes"] / row["owners"] / 1024 for row in rows]}
    return lines("Disk as owners grow", "owners", "KiB an owner, with an Identity and a case of five records", [row["owners"] for row in rows], series)


def peers():
    rows = rows_of("peers.csv")
    named = {"put 1,000": lambda row: row["put_us_a_record"], "grant": lambda row: row["grant_us"] / 1e3, "open 1,000": lambda row: row["open_us"] / 1e3}
    series = {name: [of(row) for row in rows] for name, of in named.items()}
    return bars("A folder of 1,000 records of 1 KiB", "milliseconds, scale of tens", [row["peer"] for row in rows], series, left=240)


def crowd_table():
    rows = rows_of("crowd.csv")
    first = rows[0]
    lines = [
        "| threads | writes a second | against one | raw puts a second | against one | vault / raw |",
        "| ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        writes, puts = row["writes_per_s"], row["raw_puts_per_s"]
        lines.append(
            f"| {row['threads']:.0f} | {writes:,.0f} | {writes / first['writes_per_s']:.2f} × | {puts:,.0f} "
            f"| {puts / first['raw_puts_per_s']:.2f} × | {writes / puts:.2f} |"
        )
    return "\n".join(lines)


FIGURES = {
    "heart": heart,
    "peers": peers,
    "scale-disk": scale_disk,
    "scale-memory": scale_memory,
    "scale-time": scale_time,
}


def shown(unit, value):
    """A value with three digits and its unit."""
    scales = [(1, "B"), (2**10, "KiB"), (2**20, "MiB"), (2**30, "GiB")] if unit == "bytes" else [(1, "ns"), (1e3, "µs"), (1e6, "ms"), (1e9, "s")]
    scale, name = next(((scale, name) for scale, name in reversed(scales) if abs(value) >= scale), scales[0])
    value /= scale
    return f"{value:.{0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2}f} {name}"


def markdown(head, rows):
    """A table; all columns after the first to the right, save for those of words."""
    lines_of = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines_of)


def heart_table():
    rows = json.loads((FIGURES_DIR / "heart.json").read_text(encoding="utf-8"))["rows"]
    met = {None: "", True: "yes", False: "**no**"}
    return markdown(
        ["work", "casevault", "beside it", "", "ratio", "goal", "met"],
        [
            [
                row["work"],
                shown(row["unit"], row["casevault"]["median"]),
                row["beside_is"],
                shown(row["unit"], row["beside"]["median"]),
                f"{row['ratio']:.2f}",
                row["goal"]["words"] if row["goal"] else "",
                met[row["met"]],
            ]
            for row in rows
        ],
    )


def peers_table():
    rows = rows_of("peers.csv")
    return markdown(
        ["1,000 × 1 KiB", "put, a record", "grant", "open and read all"],
        [[row["peer"], *(shown("ns", row[key] * 1e3) for key in ("put_us_a_record", "grant_us", "open_us"))] for row in rows],
    )


def scale_table():
    rows = rows_of("scale.csv")
    named = [
        ("sign in", "sign_in_us", 1e3, "ns"),
        ("write a record, durable", "write_us", 1e3, "ns"),
        ("open a case of five records", "open_us", 1e3, "ns"),
        ("read one of them", "read_us", 1e3, "ns"),
        ("grant the case", "grant_us", 1e3, "ns"),
        ("enrol an owner with a case, all cores", "enrol_with_case_us", 1e3, "ns"),
        ("open the vault", "open_vault_ms", 1e6, "ns"),
        ("resident memory", "resident_bytes", 1, "bytes"),
        ("resident memory, at most", "resident_peak_bytes", 1, "bytes"),
        ("rows, keys and values", "row_bytes", 1, "bytes"),
        ("the store's files", "store_bytes", 1, "bytes"),
    ]
    cells = [[name, *(shown(unit, row[key] * by) for row in rows), f"{rows[-1][key] / rows[0][key]:.2f}"] for name, key, by, unit in named]
    cells.append(["files over rows", *(f"{row['store_over_rows']:.2f}" for row in rows), f"{rows[-1]['store_over_rows'] / rows[0]['store_over_rows']:.2f}"])
    return markdown(["owners", *(f"{row['owners']:,.0f}" for row in rows), "last / first"], cells)


TABLES = {"crowd": crowd_table, "heart": heart_table, "peers": peers_table, "scale": scale_table}


def or_none(name, draw):
    try:
        return draw()
    except FileNotFoundError as missing:
        print(f"left out: {name}, for there is no {missing.filename}")
        return None


def main():
    for name, draw in FIGURES.items():
        if figure := or_none(name, draw):
            (FIGURES_DIR / f"{name}.svg").write_text(figure, encoding="utf-8")
            print(f"drawn: {name}")
    page = FIGURES_DIR.parent / "performance.md"
    words = page.read_text(encoding="utf-8")
    for name, draw in TABLES.items():
        if table := or_none(name, draw):
            between = re.compile(f"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
            words = between.sub(lambda found: found[1] + table + "\n" + found[2], words)
    page.write_text(words, encoding="utf-8")


if __name__ == "__main__":
    main()
