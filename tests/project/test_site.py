"""The site has a place for each public name and each page, and its parts fail where something is wrong.

The site itself is built, and looked at in a browser, by `.ci/run site`.
"""

import re
import runpy
import sys
import tomllib
from importlib.util import find_spec

import pytest
from fakes.guides import GUIDES, ROOT, read

from aiotofupilot.listings import NAMES
from aiotofupilot.sandbox import faults, paging

MENU = tomllib.loads((ROOT / ".site" / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]


@pytest.fixture(scope="module")
def site():
    """What `.ci/site.py` has, which imports a script that lies beside it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / ".ci")
        yield runpy.run_path(str(ROOT / ".ci" / "site.py"))
    sys.modules.pop("surface", None)


@pytest.fixture(scope="module")
def names(site):
    return site["public_names"]()


def test_every_public_name_has_its_place(site, names):
    """One place is on the page of its module. The other is on the page that lists all names."""
    pages = site["reference"](names)
    everything = "".join(pages.values())
    assert {"aiotofupilot.TofuPilotSession", "aiotofupilot.arrow.table", "aiotofupilot.sandbox.faults.reset"} <= set(
        names
    )
    for name in names:
        assert everything.count(f"::: {name}\n") == 1, name
        assert f"][{name}]" in pages["index"], name


def test_each_listing_has_a_page_of_its_own_that_begins_with_its_filters(site, names):
    pages = site["reference"](names)
    for name in NAMES:
        title = name.capitalize()
        assert pages[name].startswith(f"::: aiotofupilot.listings.{title}\n")
        assert "\n      members: ['list', " in pages[name]
        assert f"[`session.{name}`][aiotofupilot.listings.{title}]" in pages["listings"]
    assert ["of_every_procedure" in pages[name] for name in ("measurements", "runs")] == [True, False]


def test_the_search_finds_guides_before_the_reference_and_a_field_with_its_class(site):
    """The search prefers what has a title, and of two that are alike the first."""

    def found(location, text=""):
        return {"location": location, "title": location.rpartition(".")[2], "text": text}

    entries = [
        found("cli/options.html"),
        found("guides/pagination.html"),
        found("reference/walks.html#aiotofupilot.WalkStats", "<p>Counts.</p>"),
        found("reference/walks.html#aiotofupilot.WalkStats.resyncs", "<pre><code>resyncs: int = 0\n</code></pre>"),
        found("reference/walks.html#aiotofupilot.WalkStats.total", "<pre><code>total() -&gt; int\n</code></pre>"),
        found("sandbox/index.html"),
    ]
    assert [(entry["location"], entry["text"]) for entry in site["guides_first"](entries)] == [
        ("guides/pagination.html", ""),
        ("sandbox/index.html", ""),
        ("cli/options.html", ""),
        (
            "reference/walks.html#aiotofupilot.WalkStats",
            "<p>Counts.</p><pre><code>resyncs: int = 0\n</code></pre>",
        ),
        ("reference/walks.html#aiotofupilot.WalkStats.total", "<pre><code>total() -&gt; int\n</code></pre>"),
    ]


def test_a_public_name_without_a_place_is_refused(site):
    with pytest.raises(SystemExit, match=r"aiotofupilot\.new\.Name has no place"):
        site["reference"]({"aiotofupilot.new.Name": "aiotofupilot.new.Name"})


def test_each_page_of_the_reference_is_about_modules_that_exist(site):
    homes = [home for group in site["GROUPS"] for home in group.homes]
    assert [home for home in homes if find_spec(f"aiotofupilot.{home}") is None] == []


def test_every_page_is_in_the_menu(site):
    """The pages that are made are there too: the options, and the reference, which adds its own."""
    pages = {str(site["place"](path)) for pattern in site["SOURCES"] for path in ROOT.glob(pattern)}
    assert sorted(path for _, path in site["in_menu"](MENU)) == sorted({*pages, "cli/options.md", "reference/index.md"})


def test_a_page_that_is_in_no_menu_is_refused(site, tmp_path):
    (tmp_path / "new.md").touch()
    with pytest.raises(SystemExit, match=r"in no menu: \['new.md'\]; in the menu, but not there: \['old.md'\]"):
        site["check_menu"]([{"Old": [{"Older": "old.md"}]}], tmp_path)


def test_a_page_is_moved_with_its_links_and_pictures(site, tmp_path):
    """What code says stays, but for a word of the tests behind the language of a block."""
    site["add_page"](ROOT / "aiotofupilot" / "mirror" / "SQL.md", tmp_path)
    site["add_page"](ROOT / "README.md", tmp_path)
    assert (tmp_path / "project" / "pictures" / "yield.svg").is_file()
    assert "](../project/pictures/yield.svg)" in (tmp_path / "mirror" / "SQL.md").read_text(encoding="utf-8")
    front = (tmp_path / "index.md").read_text(encoding="utf-8")
    assert "](guides/connect.md#behind-a-proxy)" in front
    assert "```python\n" in front
    assert "```python program" not in front


def test_tables_of_parameters_are_made_from_signatures_and_docstrings(site):
    """Each marker in a guide is the place of one."""
    marked = [path for guide in GUIDES for path in re.findall(r"<!-- parameters: (.+) -->", read(guide))]
    assert len(marked) == 6
    tables = {path: site["parameters"](path) for path in marked}
    for seeded in ("sandbox.BusyLine", "sandbox.Sandbox", "testing.audit"):
        assert "\n| `seed` | `0` | Another seed " in tables[f"aiotofupilot.{seeded}"]
    assert "| `max_wait` | `30.0` | The longest wait that " in tables["aiotofupilot.RetryPolicy"]
    assert "| `retry` | `RetryPolicy()` | A `RetryPolicy`, or " in tables["aiotofupilot.TofuPilotSession"]
    assert "| `on_unreadable` | `'raise'` | What to do " in tables["aiotofupilot.listings.Procedures.list"]
    assert "| `read` | required | The loop. " in tables["aiotofupilot.testing.audit"]
    assert "| `items` | none | Items to list " in tables["aiotofupilot.sandbox.Sandbox"]


@pytest.mark.parametrize("module", [faults, paging])
def test_everything_that_can_go_wrong_has_its_row(site, module):
    """Each fault and each odd paging is in the table that is made of its module."""
    assert f"\n<!-- functions: {module.__name__} -->\n" in read(ROOT / "aiotofupilot" / "testing" / "README.md")
    table = site["functions"](module.__name__)
    named = set(re.findall(r"^\| \[`(\w+)`\]\[[\w.]+\] \| [A-Z].+\. \|$", table, re.MULTILINE))
    assert named == set(module.__all__) - {"TRANSIENT", "Alteration", "Fault", "Paging", "Window"}


def test_a_page_has_a_table_in_the_place_of_its_marker(site, tmp_path):
    site["add_page"](ROOT / "aiotofupilot" / "guides" / "survive.md", tmp_path)
    page = (tmp_path / "guides" / "survive.md").read_text(encoding="utf-8")
    assert "\n| parameter | default | meaning |\n" in page
    assert "<!--" not in page


def test_a_parameter_without_documentation_is_refused(site):
    with pytest.raises(SystemExit, match=r"re\.compile does not say what pattern means"):
        site["parameters"]("re.compile")


def test_a_link_that_leads_nowhere_is_refused(site, tmp_path, monkeypatch):
    monkeypatch.setitem(site["place"].__globals__, "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text("`[code](is-not-a-link.md)` and [this](gone.md#there)\n", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"page\.md links to gone\.md, which is not there"):
        site["add_page"](page, tmp_path / "docs")


def test_the_page_of_options_has_every_command_and_says_nothing_twice(site):
    page = site["options"]()
    assert "```" not in page  # a usage would have the name of this program
    for name in (*NAMES, "download", "get", "mirror", "sandbox", "whoami"):
        assert page.count(f"\n## {name}\n") == 1
    assert page.count("`--timeout SECONDS`") < len(NAMES)
    assert "**Output**: as for [procedures](#procedures)" in page
