"""The results as pictures: an SVG for each question that has something to show."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from .measure import Figure, Row

__all__ = ["plot"]

BARS = ("decode", "cpu")
"""Questions whose answers are drawn as bars, with the cases one below the other."""

LINES = {
    "wall": ("milliseconds per response", "seconds for 10,000 procedures", "log"),
    "memory": ("procedures listed", "peak memory, MiB", "linear"),
    "growth": ("procedures listed", "CPU, s", "log"),
}
"""The labels of both axes for each question, and the scale of the vertical axis."""

DASHES = {"gather": "--", "resync": ":", "uvloop": "-.", "=64": ":", "=16": "--", "=4": "-."}

OURS, OFFICIAL, OTHERS = "#1f6feb", "#d1242f", "#8c959f"
OURS_AT_ONCE = {"=64": "#0a3069", "=16": "#0550ae", "=4": "#54aeff"}

STYLE: dict[str, Any] = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "aiotofupilot",  # the same picture for the same figures
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
}


def plot(answers: Mapping[str, Sequence[Row]], folder: Path) -> None:
    """Draw the answers that can be drawn, if matplotlib is installed."""
    if find_spec("matplotlib") is None:
        return
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    for name, rows in answers.items():
        if name not in BARS and name not in LINES:
            continue
        with mpl.rc_context(STYLE):
            if name in BARS:
                figure = _bars(plt, rows)
            else:
                figure, axes = plt.subplots(figsize=(9, 4.2))
                _lines(axes, *LINES[name], rows)
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None, "Creator": None})
            plt.close(figure)


def _bars(plt: Any, rows: Sequence[Row]) -> Any:  # noqa: ANN401 - matplotlib's
    """Draw the cases one below the other. The height of each depends on its number of clients."""
    cases: dict[str, list[Row]] = {}
    for row in rows:
        cases.setdefault(row.case, []).append(row)
    heights = [0.7 + 0.3 * len(clients) for clients in cases.values()]
    figure, every_axes = plt.subplots(
        len(cases), figsize=(9, sum(heights)), gridspec_kw={"height_ratios": heights}, squeeze=False
    )
    for axes, (case, clients) in zip(every_axes[:, 0], cases.items(), strict=True):
        _case(axes, case, clients)
    return figure


def _case(axes: Any, title: str, rows: Sequence[Row]) -> None:  # noqa: ANN401 - matplotlib's
    """Draw a bar for each client, with its spread. The lowest figure is at the top."""
    measured = sorted(((row.figure, row.client) for row in rows if row.figure), key=lambda pair: -pair[0].median)
    figures, clients = zip(*measured, strict=True)
    axes.barh(
        [client.replace("*", "") for client in clients],
        [figure.median for figure in figures],
        xerr=[
            [figure.median - figure.low for figure in figures],
            [figure.high - figure.median for figure in figures],
        ],
        color=[_colour(client) for client in clients],
        error_kw={"elinewidth": 1, "ecolor": "#57606a"},
    )
    axes.set_title(title, loc="left", fontsize=11)


def _lines(axes: Any, x: str, y: str, scale: str, rows: Sequence[Row]) -> None:  # noqa: ANN401 - matplotlib's
    """Draw a line for each client, with its spread, over the number that the cases are about. The highest is first."""
    lines: dict[str, list[tuple[float, Figure]]] = {}
    for row in rows:
        if row.at is not None and row.figure:
            lines.setdefault(row.client, []).append((row.at, row.figure))
    ticks = sorted({where for points in lines.values() for where, _ in points})
    for client, points in sorted(lines.items(), key=lambda line: -line[1][-1][1].median):
        at = [where for where, _ in points]
        if at != ticks:
            continue  # not asked everywhere, or failed somewhere
        colour = _colour(client)
        (line,) = axes.plot(
            at,
            [figure.median for _, figure in points],
            marker="o",
            markersize=3.5,
            linewidth=1.6,
            color=colour,
            linestyle=_dashes(client),
            label=client.replace("*", ""),
        )
        axes.fill_between(
            at,
            [figure.low for _, figure in points],
            [figure.high for _, figure in points],
            color=line.get_color(),
            alpha=0.15,
            linewidth=0,
        )
    axes.set(xlabel=x, ylabel=y, xscale="log" if ticks[0] else "symlog", yscale=scale)
    axes.set_xticks(ticks, [f"{tick:,.0f}" for tick in ticks])
    axes.minorticks_off()
    axes.yaxis.set_major_formatter("{x:g}")
    if scale == "linear":
        axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    axes.grid(alpha=0.25)


def _colour(client: str) -> str:
    if "aiotofupilot" in client:
        return next((shade for way, shade in OURS_AT_ONCE.items() if way in client), OURS)
    return OFFICIAL if client.startswith("tofupilot") else OTHERS


def _dashes(client: str) -> str:
    """Return the dashes of a line. They tell the ways to use one client apart."""
    return next((dashes for way, dashes in DASHES.items() if way in client), "-")
