"""The results as Markdown and JSON."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from attrs import asdict

from .contenders import CONTENDERS
from .goals import judge
from .kinds import KINDS, WALKED
from .measure import Figure, Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["answers", "document", "headline", "losses", "markdown", "measured_with"]

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

Answers = Mapping[str, Sequence[Row]]
"""The rows of each question, by its name."""


def markdown(answers: Answers, measured: str | None = None) -> str:
    """Return a table of all results, the goals, and a line about the versions and the machine.

    Args:
        answers: The results.
        measured: The line. None: the results were measured here and now.
    """
    rows = [row for rows in answers.values() for row in rows]
    return "\n".join([*_table(rows), *_goals(rows), "", measured or measured_with()]) + "\n"


def headline(answers: Answers) -> str:
    """Return the table of benchmarks/README.md: the medians of what matters most. "-": this was not measured."""
    rows = {(row.case, row.client): row for rows in answers.values() for row in rows}
    lines = [f"| median | {' | '.join(_HEADLINE_CLIENTS)} |", f"|-{'|-:' * len(_HEADLINE_CLIENTS)}|"]
    for case in _HEADLINE:
        figures = (_brief(rows.get((case, client))) for client in _HEADLINE_CLIENTS)
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


def document(answers: Answers, kept: Path | None = None) -> bytes:
    """Return the answers, the versions and the machine as JSON.

    Args:
        answers: The answers.
        kept: A file with the versions and the machine. None: the answers were measured here and now.
    """
    where = {"machine": _machine(), "versions": dict(_versions())} if kept is None else orjson.loads(kept.read_bytes())
    known = where | {"answers": {name: [asdict(row) for row in rows] for name, rows in answers.items()}}
    return orjson.dumps(known, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def answers(document: bytes) -> Answers:
    """Return the answers that a document holds."""
    return {
        name: [Row(**row | {ratio: row[ratio] and Figure(**row[ratio]) for ratio in _FIGURES}) for row in rows]
        for name, rows in orjson.loads(document)["answers"].items()
    }


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
        times, against = {"figure": ("", ""), "floor": ("× ", " × the floor"), "official": ("× ", " × tofupilot")}[
            goal.of
        ]
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


def _versions() -> Iterator[tuple[str, str]]:
    yield "python", platform.python_version()
    for package in _PACKAGES:
        try:
            yield package, version(package)
        except PackageNotFoundError:
            continue


def measured_with() -> str:
    """Return a line about the versions and the machine."""
    machine, versions = _machine(), dict(_versions())
    packages = ", ".join(f"{package} {number}" for package, number in versions.items() if package != "python")
    return f"Measured with Python {versions['python']} on {machine['cores']} cores of {machine['cpu']}; {packages}."


def _machine() -> dict[str, Any]:
    info = Path("/proc/cpuinfo")
    models = [line for line in info.read_text().splitlines() if line.startswith("model name")] if info.exists() else []
    return {
        "cpu": models[0].partition(":")[2].strip() if models else platform.processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "load": os.getloadavg()[0],
    }
