"""Each public name and each page has its place on the site.

The site itself is built, and looked at in a browser, by `.ci/run site`.
"""

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
