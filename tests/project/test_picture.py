"""The picture that the READMEs show."""

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from fakes.guides import FRONT, ROOT, read

from benchmarks.measure import Figure, Row
from benchmarks.picture import LINE_HEIGHT, LINES, picture
from benchmarks.report import answers, document

RESULTS = ROOT / "benchmarks" / "results"
SVG = "{http://www.w3.org/2000/svg}"


def test_it_shows_the_results_that_are_kept():
    """Whoever measures anew and keeps it draws anew: python -m benchmarks --redraw."""
    kept = answers((RESULTS / "results.json").read_bytes())
    assert picture(kept["wall"]) == read(RESULTS / "picture.svg")


def test_the_guides_show_the_picture_of_the_tree():
    """A package index shows the front page too."""
    assert "](benchmarks/results/picture.svg)" in read(FRONT)
    assert "](results/picture.svg)" in read(ROOT / "benchmarks" / "README.md")


@pytest.mark.parametrize("far", [1.0, 1.01, 40.0])
def test_it_has_a_title_and_a_label_that_can_be_read_for_each_line(far):
    """The lines may end close to each other."""
    rows = [
        Row(case="", client=client, figure=Figure(at * seconds / 10, 0, 0), at=at)
        for client, seconds in zip(LINES, (far, 1.0, 1.0, 1.0), strict=True)
        for at in (200.0, 0.0)
    ]
    drawn = ET.fromstring(picture(rows))  # noqa: S314 - our own
    assert drawn.findtext(f"{SVG}title")
    labels = {text.text: float(text.get("y")) for text in drawn.findall(f"{SVG}text")}
    assert sum(label.startswith(("official", "aiotofupilot", "concurrency")) for label in labels) == len(LINES)
    heights = [*labels.values()][1:]
    assert all(lower - higher >= LINE_HEIGHT - 0.1 for higher, lower in pairwise(heights))
    assert [line.get("points").split()[0][:5] for line in drawn.findall(f"{SVG}polyline")] == ["56.0,"] * len(LINES)


def test_it_follows_a_reader_into_dark_mode():
    """Each class has a colour for either paper."""
    light, dark = re.split(r"@media \(prefers-color-scheme: dark\)", read(RESULTS / "picture.svg"))
    for name in ("paper", *(style for _, style in LINES.values())):
        assert f".{name} {{" in light
        assert f".{name} {{" in dark


def test_results_are_read_back_as_they_were_written():
    """One row has all of its figures, and another one has failed."""
    rows = [
        Row(case="a", client="b", figure=Figure(2.0, 1.0, 3.0), floor=Figure(1.0, 1.0, 1.0), at=5.0),
        Row(case="a", client="c", figure=None, note="every run failed"),
    ]
    assert answers(document({"wall": rows})) == {"wall": rows}
