"""Each public name and each page has its place on the site.

The site itself is built, and looked at in a browser, by `.ci/run site`.

- The site has each public name and each page; a broken link fails its build.
"""

import re
import runpy

from fakes.guides import ROOT


def test_every_public_name_and_every_page_has_its_place(tmp_path):
    """A page brings its pictures and tables, and its links are checked."""
    site = runpy.run_path(str(ROOT / ".ci" / "site.py"))
    names = site["public_names"]()
    everything = "".join(site["reference"](names).values())
    assert {"aiotofupilot.TofuPilotSession", "aiotofupilot.arrow.table", "aiotofupilot.sandbox.faults.reset"} <= set(
        names
    )
    assert [name for name in names if everything.count(f"::: {name}\n") != 1] == []
    pages = [path for pattern in site["SOURCES"] for path in ROOT.glob(pattern)]
    for path in pages:
        site["add_page"](path, tmp_path)
        assert "\n<!-- " not in (tmp_path / site["place"](path)).read_text(encoding="utf-8")
    assert len(pages) > 20


def test_the_promises_are_the_list_items_of_the_docstrings_of_tests(tmp_path):
    """A promise stands once, and whole, beside the file that holds it."""
    site = runpy.run_path(str(ROOT / ".ci" / "site.py"))
    site["add_page"](ROOT / "tests" / "README.md", tmp_path)
    page = (tmp_path / "tests" / "index.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+\.) \| `(test_\w+\.py)` \|$", page, re.MULTILINE)
    assert len(rows) == len({promise for promise, _ in rows}) == page.count("| `test_") > 100
    assert (
        "A count was the length of the listing at some time meanwhile; a server that cannot be searched is refused.",
        "test_count.py",
    ) in rows
