"""The results: the tables, the goals, and the file with what the documents show."""

from __future__ import annotations

import json
import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from attrs import astuple, frozen

from .bench import Figure, Row
from .contenders import CONTENDERS
from .scenario import KINDS, WALKED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["GOALS", "SHOWN", "Answer", "headline", "judge", "losses", "markdown", "measured_with", "read", "write"]


@frozen
class Goal:
    """A figure or a ratio, and the most that it may be."""

    case: str
    """The beginning of the case of its rows."""
    client: str
    """Title of the client that is judged."""
    of: Literal["figure", "floor", "official"]
    """What is judged: the highest run of the figure, or the median of one of its ratios."""
    at_most: float


@frozen
class Verdict:
    """A goal, and what was measured in one case."""

    goal: Goal
    case: str
    measured: float

    @property
    def reached(self) -> bool:
        """Whether the goal was reached."""
        return self.measured <= self.goal.at_most


OURS, OURS_16, OURS_64, OURS_TABLE, OURS_PARQUET, OURS_MIRROR, OURS_DETAILS_16 = (
    CONTENDERS[name].title
    for name in ("ours", "ours-16", "ours-64", "ours-table", "ours-parquet", "ours-mirror", "ours-16-details")
)

GOALS = (
    Goal("CPU to decode a page", OURS, "floor", 1.3),
    Goal(f"CPU per page of 100 {KINDS['few'].title}", OURS, "floor", 1.5),
    Goal(f"CPU per page of 100 {KINDS['new'].title}", OURS, "floor", 1.6),
    Goal("CPU per page of 100 procedures", OURS, "official", 1 / 6),
    Goal(f"CPU per page of 100 {KINDS['runs'].title}", OURS, "official", 1 / 7),
    *(Goal(f"CPU per page of 100 {KINDS[data].title} into a table", OURS_TABLE, "official", 1 / 8) for data in WALKED),
    Goal("20,000 items, 50 ms", OURS_16, "floor", 1.25),
    Goal("20,000 items, 50 ms", OURS_16, "official", 1 / 12),
    Goal("10,000 items, 200 ms per response, 64 at once", OURS_64, "floor", 1.6),
    Goal("1,000,000 items, MiB more", OURS, "figure", 10),
    Goal("1,000,000 items, MiB more", OURS_16, "figure", 10),
    Goal("import, ms by the clock", "`from aiotofupilot import TofuPilotSession`", "floor", 1.35),
    Goal("1,000,000 items into Parquet, MiB more", OURS_PARQUET, "figure", 64),
    Goal("20,000 procedures into a file, CPU s", OURS_MIRROR, "floor", 1.5),
    Goal("1,000,000 items into a mirror, MiB more", OURS_MIRROR, "figure", 64),
    Goal("500 runs with 40 measurements each", OURS_DETAILS_16, "floor", 1.3),
    Goal("2,000 runs with a waveform", OURS_DETAILS_16, "figure", 400),
    Goal("100,000 runs in a Postgres, CPU s", OURS, "floor", 2),
    Goal("100,000 runs in a Postgres, CPU s", OURS_16, "floor", 2.5),
    Goal("100,000 runs in a Postgres, CPU s", OURS_MIRROR, "floor", 2),
    Goal("100 items, requests beyond", OURS_16, "figure", 0),
    Goal("500 items, requests beyond", OURS_16, "figure", 6),
    Goal("10,000 items, requests beyond", OURS_16, "figure", 15),
    Goal("5,000 items", OURS, "figure", 0),
    Goal("5,000 items", OURS_16, "figure", 0),
)


def judge(rows: Sequence[Row]) -> Iterable[Verdict]:
    """Yield a verdict for each case of each goal that was measured."""
    for goal in GOALS:
        for row in rows:
            figure: Figure | None = getattr(row, goal.of)
            if figure and row.case.startswith(goal.case) and row.client == goal.client:
                yield Verdict(goal, row.case, figure.high if goal.of == "figure" else figure.median)


_PACKAGES = (
    *("aiotofupilot", "aiohttp", "attrs", "cattrs", "orjson", "tenacity", "yarl"),
    *("httpx", "msgspec", "pandas", "pyarrow", "pydantic", "requests", "tofupilot", "uvloop"),
)

_HEADLINE = (
    *(f"CPU per page of 100 {KINDS[data].title}, µs" for data in WALKED),
    "10,000 items, 50 ms per response, s",
    "64 walks of 1,000 items at once, s",
    "1,000,000 items, peak MiB",
    "10% answer 429, 500 or 503, items per second",
    "10% of requests fail, items per second",
)
_HEADLINE_CLIENTS = tuple(
    CONTENDERS[name].title for name in ("official", "official-retries", "bare", "ours", "ours-16")
)
"""The cases and clients that the README of the benchmarks shows."""


def markdown(rows: Sequence[Row]) -> str:
    """Return a table of rows, the goals, and a line about the versions and the machine."""
    return "\n".join([*_table(rows), *_goals(rows), "", f"Measured with {measured_with()}."]) + "\n"


def headline(rows: Iterable[Row]) -> str:
    """Return the table of benchmarks/README.md: the medians of what matters most. "-": this was not measured."""
    measured = {(row.case, row.client): row for row in rows}
    lines = [f"| median | {' | '.join(_HEADLINE_CLIENTS)} |", f"|-{'|-:' * len(_HEADLINE_CLIENTS)}|"]
    for case in _HEADLINE:
        figures = (_brief(measured.get((case, client))) for client in _HEADLINE_CLIENTS)
        lines.append(f"| {case} | {' | '.join(figures)} |")
    return "\n".join(lines) + "\n"


def losses(rows: Iterable[Row]) -> str:
    """Return the table of what each client misses and doubles, in per cent, from the rows of the question ``drift``."""
    cells: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        rates = re.findall(r"([\d.]+) (?:created|removed)", row.case)
        figure = row.note if row.figure is None else f"{row.figure.median:.2g}"
        cells.setdefault(row.client, {}).setdefault(" and ".join(rates), []).append(figure)
    columns = next(iter(cells.values()))
    lines = [f"| created and removed per request | {' | '.join(columns)} |", f"|-{'|-:' * len(columns)}|"]
    for client, figures in cells.items():
        lines.append(f"| {client} | {' | '.join(' / '.join(pair) for pair in figures.values())} |")
    return "\n".join(lines) + "\n"


SHOWN = {
    "decode": "CPU to decode",
    "cpu": "CPU per page",
    "columns": "CPU per page",
    "wall": "10,000 items",
    "details": "500 runs",
    "count": "20,000 items",
    "walks": "64 walks of 1,000 items at once, s",
    "faults": "",
    "drift": "5,000 items",
    "depth": "",
    "memory": "1,000,000 items",
    "waveforms": "2,000 runs",
    "parquet": "1,000,000 items",
    "mirror": "",
    "imports": "import, ms by the clock",
}
"""The questions whose figures a document shows, and how the cases of these begin. Only their rows are kept."""


@frozen
class Answer:
    """The rows of a question that are kept."""

    measured: str
    """The date, the commit, the machine and the versions."""
    rows: Sequence[Row]


def write(answers: Mapping[str, Answer]) -> str:
    """Return the answers that documents show as JSON, with a line for each row. The figures have five digits."""
    questions = []
    for name in (name for name in SHOWN if name in answers):
        rows = [_line(row) for row in answers[name].rows if row.case.startswith(SHOWN[name])]
        about = f'"{name}": {{"measured": {json.dumps(answers[name].measured)}, "rows": ['
        questions.append("\n".join([about, ",\n".join(rows), "]}"]))
    return "{\n" + ",\n".join(questions) + "\n}\n"


def _line(row: Row) -> str:
    figures = {name: getattr(row, name) for name in _FIGURES}
    lists = {name: [float(f"{value:.5g}") for value in astuple(figure)] for name, figure in figures.items() if figure}
    note = {"note": row.note} if row.note else {}
    return json.dumps(
        {"case": row.case, "client": row.client, "rounds": row.rounds, **lists, **note}, ensure_ascii=False
    )


def read(document: str) -> dict[str, Answer]:
    """Return the answers that were written, each by the name of its question."""
    return {
        name: Answer(answer["measured"], [_row(line) for line in answer["rows"]])
        for name, answer in json.loads(document).items()
    }


def _row(line: dict[str, Any]) -> Row:
    return Row(**line | {name: Figure(*line[name]) if name in line else None for name in _FIGURES})


_FIGURES = ("figure", "floor", "official")


def _table(rows: Iterable[Row]) -> Iterator[str]:
    yield "| measured | client | median (lowest to highest) | × the floor | × tofupilot | |"
    yield "|-|-|-:|-:|-:|-|"
    case = None
    for row in rows:
        ratios = ["" if ratio is None else f"× {_spread(ratio)}" for ratio in (row.floor, row.official)]
        figure = "-" if row.figure is None else _spread(row.figure)
        yield f"| {' | '.join(['' if row.case == case else row.case, row.client, figure, *ratios, row.note])} |"
        case = row.case


def _goals(rows: Sequence[Row]) -> Iterator[str]:
    verdicts = list(judge(rows))
    if verdicts:
        yield from ("", "| goal | at most | measured | |", "|-|-:|-:|-|")
    for verdict in verdicts:
        goal, outcome = verdict.goal, "reached" if verdict.reached else "missed"
        times = "" if goal.of == "figure" else "× "
        against = {"figure": "", "floor": " × the floor", "official": " × tofupilot"}[goal.of]
        yield (
            f"| {verdict.case}{against}: {goal.client} "
            f"| {times}{_number(goal.at_most)} | {times}{_number(verdict.measured)} | {outcome} |"
        )


def _brief(row: Row | None) -> str:
    if row is None:
        return "-"
    return row.note.partition(" of ")[0] if row.figure is None else _number(row.figure.median)


def _spread(figure: Figure) -> str:
    if figure.low == figure.high:
        return _number(figure.median)
    return f"{_number(figure.median)} ({_number(figure.low)} to {_number(figure.high)})"


_DIGITS = 3


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) or value >= 10 ** (_DIGITS - 1) else f"{value:.{_DIGITS}g}"


def measured_with() -> str:
    """Return a line about the versions and the machine."""
    info = Path("/proc/cpuinfo")
    models = [line for line in info.read_text().splitlines() if line.startswith("model name")] if info.exists() else []
    cpu = models[0].partition(":")[2].strip() if models else platform.processor()
    packages = ", ".join(_versions())
    return f"Python {platform.python_version()} on {os.cpu_count()} cores of {cpu}; {packages}"


def _versions() -> Iterator[str]:
    for package in _PACKAGES:
        try:
            yield f"{package} {version(package)}"
        except PackageNotFoundError:
            continue
