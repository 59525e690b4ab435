"""The picture that the READMEs show: how long a listing takes, depending on how far away the server is.

It is not drawn with matplotlib, so that its colours can follow the reader's dark mode.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from .bench import Row

    Points = Sequence[tuple[float, float]]
    """Pairs of the milliseconds of a response and the seconds of a listing."""
    Place = Callable[[float, float], tuple[float, float]]
    """Takes milliseconds and seconds, and returns pixels."""

__all__ = ["picture"]

LINES = {
    "tofupilot": ("official SDK", "official"),
    "**aiotofupilot**": ("aiotofupilot, by default", "one"),
    "**aiotofupilot**, concurrency=4": ("aiotofupilot, concurrency=4", "few"),
    "**aiotofupilot**, concurrency=16": ("concurrency=16", "some"),
    "**aiotofupilot**, concurrency=64": ("concurrency=64", "many"),
}
"""The label of each client's line, and its class in the style sheet. The client that takes longest comes first."""

TITLE = "Seconds to list 10,000 procedures"
BELOW = "milliseconds that the server takes for a response"

WIDTH, HEIGHT = 800, 400
LEFT, RIGHT, TOP, BOTTOM = 56, 530, 64, 340
"""The edges of the part with the lines, in pixels. The labels are to the right of it."""
LINE_HEIGHT = 19
"""Labels are at least this far apart, in pixels."""
SECONDS_APART, MILLISECONDS_APART = 5, 50

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


def picture(rows: Sequence[Row]) -> str:
    """Return an SVG document.

    Args:
        rows: The answers to the question `wall`.
    """
    lines = {client: _points(rows, client) for client in LINES}
    most_ms = max(at for points in lines.values() for at, _ in points)
    most_seconds = max(seconds for points in lines.values() for _, seconds in points)

    def place(ms: float, seconds: float) -> tuple[float, float]:
        return LEFT + (RIGHT - LEFT) * ms / most_ms, BOTTOM - (BOTTOM - TOP) * seconds / most_seconds

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{TITLE}, by the {BELOW}</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}" rx="8"/>',
        f'<text x="{LEFT}" y="36" font-size="18" font-weight="600">{TITLE}</text>',
        *_axes(place, most_ms, most_seconds),
        *_lines(place, lines),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _axes(place: Place, most_ms: float, most_seconds: float) -> Iterator[str]:
    yield f'<g class="axis"><text x="{(LEFT + RIGHT) / 2}" y="{BOTTOM + 44}" text-anchor="middle">{BELOW}</text>'
    for seconds in range(0, int(most_seconds) + 1, SECONDS_APART):
        _, y = place(0, seconds)
        yield f'<line x1="{LEFT}" x2="{RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text x="{LEFT - 10}" y="{y + 5:.1f}" text-anchor="end">{seconds}</text>'
    for ms in range(0, int(most_ms) + 1, MILLISECONDS_APART):
        x, _ = place(ms, 0)
        yield f'<text x="{x:.1f}" y="{BOTTOM + 22}" text-anchor="middle">{ms}</text>'
    yield "</g>"


def _lines(place: Place, lines: Mapping[str, Points]) -> Iterator[str]:
    heights = _apart([place(*points[-1])[1] for points in lines.values()])
    for (client, points), height in zip(lines.items(), heights, strict=True):
        label, style = LINES[client]
        corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in points))
        yield f'<polyline class="{style}" points="{corners}"/>'
        yield f'<text x="{RIGHT + 12}" y="{height + 5:.1f}">{label}: {points[-1][1]:.1f} s</text>'


def _points(rows: Sequence[Row], client: str) -> Points:
    """Return what was measured of a client, in the order of the milliseconds."""
    return sorted(
        (float(ms[1]), row.figure.median)
        for row in rows
        if row.client == client and row.figure and (ms := re.search(r"([\d.]+) ms", row.case))
    )


def _apart(heights: Sequence[float]) -> Iterator[float]:
    """Yield the heights in their order, moved so far apart that their labels can be read."""
    places: list[float] = []
    for height in reversed(heights):
        places.append(min(height, places[-1] - LINE_HEIGHT) if places else height)
    yield from reversed(places)
