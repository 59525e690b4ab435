"""The pictures that the READMEs show: how long a listing takes, and what it costs the database of the server.

They are not drawn with matplotlib, so that their colours can follow the reader's dark mode.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from .bench import Row

    Points = Sequence[tuple[float, float]]
    """Pairs of numbers of both axes, the one below first."""
    Place = Callable[[float, float], tuple[float, float]]
    """Takes such a pair, and returns pixels."""

__all__ = ["DEPTH", "WALL", "picture"]


@frozen(kw_only=True)
class Chart:
    """What a picture shows: a line of points for each client."""

    title: str
    below: str
    """What the axis below counts."""
    at: str
    """Finds the number of that axis in the case of a row."""
    lines: Mapping[str, tuple[str, str]]
    """The label of each client's line, and its class in the style sheet, from the highest line to the lowest."""
    apart: tuple[float, float]
    """How far apart the numbers of both axes are, the one below first."""


WALL = Chart(
    title="Seconds to list 10,000 procedures",
    below="milliseconds that the server takes for a response",
    at=r"([\d.]+) ms",
    lines={
        "tofupilot": ("official SDK", "official"),
        "**aiotofupilot**": ("aiotofupilot, by default", "one"),
        "**aiotofupilot**, concurrency=4": ("aiotofupilot, concurrency=4", "few"),
        "**aiotofupilot**, concurrency=16": ("concurrency=16", "some"),
        "**aiotofupilot**, concurrency=64": ("concurrency=64", "many"),
    },
    apart=(50, 5),
)
DEPTH = Chart(
    title="CPU seconds of Postgres to list runs",
    below="number of runs",
    at=r"([\d,]+) runs in a Postgres, CPU",
    lines={
        "tofupilot": ("official SDK", "official"),
        "**aiotofupilot**, concurrency=16": ("aiotofupilot, concurrency=16", "some"),
        "**aiotofupilot**": ("aiotofupilot", "few"),
        "aiohttp + orjson, by value": ("a loop without offsets", "many"),
    },
    apart=(25_000, 2),
)

WIDTH, HEIGHT = 800, 400
LEFT, RIGHT, TOP, BOTTOM = 56, 530, 64, 340
"""The edges of the part with the lines, in pixels. The labels are to the right of it."""
LINE_HEIGHT = 19
"""Labels are at least this far apart, in pixels."""

STYLE = """
  svg { font: 14px system-ui, sans-serif }
  .paper { fill: #ffffff } text { fill: #1f2328 } .axis text { fill: #59636e } .axis line { stroke: #d1d9e0 }
  polyline { fill: none; stroke-width: 2.5; stroke-linejoin: round }
  .official { stroke: #cf222e } .one { stroke: #b6e3ff }
  .few { stroke: #54aeff } .some { stroke: #0969da } .many { stroke: #0a3069 }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117 } text { fill: #f0f6fc } .axis text { fill: #9198a1 } .axis line { stroke: #3d444d }
    .official { stroke: #ff7b72 } .one { stroke: #1158c7 }
    .few { stroke: #388bfd } .some { stroke: #79c0ff } .many { stroke: #cae8ff }
  }
"""


def picture(chart: Chart, rows: Sequence[Row]) -> str:
    """Return an SVG document.

    Args:
        chart: What it shows.
        rows: The answers to the question that the chart is about.
    """
    lines = {client: _points(chart, rows, client) for client in chart.lines}
    most_below = max(at for points in lines.values() for at, _ in points)
    most = max(seconds for points in lines.values() for _, seconds in points)

    def place(at: float, seconds: float) -> tuple[float, float]:
        return LEFT + (RIGHT - LEFT) * at / most_below, BOTTOM - (BOTTOM - TOP) * seconds / most

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{chart.title}, by the {chart.below}</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}" rx="8"/>',
        f'<text x="{LEFT}" y="36" font-size="18" font-weight="600">{chart.title}</text>',
        *_axes(chart, place, most_below, most),
        *_lines(chart, place, lines),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _axes(chart: Chart, place: Place, most_below: float, most: float) -> Iterator[str]:
    yield f'<g class="axis"><text x="{(LEFT + RIGHT) / 2}" y="{BOTTOM + 44}" text-anchor="middle">{chart.below}</text>'
    apart_below, apart = chart.apart
    for step in range(int(most / apart) + 1):
        _, y = place(0, step * apart)
        yield f'<line x1="{LEFT}" x2="{RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text x="{LEFT - 10}" y="{y + 5:.1f}" text-anchor="end">{step * apart:,g}</text>'
    for step in range(int(most_below / apart_below) + 1):
        x, _ = place(step * apart_below, 0)
        yield f'<text x="{x:.1f}" y="{BOTTOM + 22}" text-anchor="middle">{step * apart_below:,g}</text>'
    yield "</g>"


def _lines(chart: Chart, place: Place, lines: Mapping[str, Points]) -> Iterator[str]:
    heights = _apart([place(*points[-1])[1] for points in lines.values()])
    for (client, points), height in zip(lines.items(), heights, strict=True):
        label, style = chart.lines[client]
        corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in points))
        yield f'<polyline class="{style}" points="{corners}"/>'
        yield f'<text x="{RIGHT + 12}" y="{height + 5:.1f}">{label}: {points[-1][1]:.1f} s</text>'


def _points(chart: Chart, rows: Sequence[Row], client: str) -> Points:
    """Return what was measured of a client, in the order of the axis below."""
    return sorted(
        (float(at[1].replace(",", "")), row.figure.median)
        for row in rows
        if row.client == client and row.figure and (at := re.search(chart.at, row.case))
    )


def _apart(heights: Sequence[float]) -> Iterator[float]:
    """Yield the heights in their order, moved so far apart that their labels can be read."""
    places: list[float] = []
    for height in reversed(heights):
        places.append(min(height, places[-1] - LINE_HEIGHT) if places else height)
    yield from reversed(places)
