"""`.ci/measure.py` counts what its documentation says."""

import runpy
import sys
from textwrap import dedent

import pytest
from fakes.guides import ROOT

SCRIPT = ROOT / ".ci" / "measure.py"
FILES = {
    "__init__.py": '''
        """A package."""

        from .low import Low

        __all__ = [
            "Low",
        ]
        ''',
    "low.py": '''
        from __future__ import annotations

        from typing import TYPE_CHECKING

        if TYPE_CHECKING:
            from measured.middle.part import (
                Part,
            )


        class Low:
            """A class.

            With two more lines.
            """

            name: str = "low"  # a comment
            """A field."""

            # a comment alone
            def part(self, text="""two
        lines""") -> Part: ...
        ''',
    "middle/__init__.py": "",
    "middle/part.py": """
        from measured.middle import other
        from measured.top import later

        class Part: ...
        """,
    "middle/other.py": "from measured import low",
    "top.py": """
        async def later():
            from measured import low
        """,
    "above.py": "import measured.top",
}


@pytest.fixture(scope="module")
def measure():
    return runpy.run_path(str(SCRIPT))


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A made-up package that can be found, and is not imported."""
    folder = tmp_path / "measured"
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(dedent(text).lstrip(), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def test_lines_are_counted_by_their_kind(measure, package):
    assert measure["count_module"](package / "low.py") == {
        "modules": 1,
        "lines": 22,
        "code": 10,
        "docstrings": 5,
        "classes": 1,
        "functions": 1,
        "imports": 5,
        "__all__": 0,
    }


def test_an_import_for_type_checking_closes_a_circle(measure, package):
    """So does an import in a function. The entries of a circle stand one above the other."""
    assert measure["measure_imports"]("measured") == {
        "circles": 1,
        "modules in circles": 4,
        "entries": 5,
        "arrows": 6,
        "arrows without __init__": 5,
        "floors": 4,
    }
    assert "measured" not in sys.modules
