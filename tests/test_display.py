"""Items, pages and listings show themselves as short tables in a notebook.

- Items, pages and listings are short tables in a notebook, without a request.
"""

import re
from datetime import UTC, datetime

from fakes.listings import Connection, required
from fakes.wire_listings import EXAMPLES, MODELS

from aiotofupilot import Page, PageMeta, Procedure, RawItem, UserRef, from_wire, models
from aiotofupilot.blocking import BlockingSession
from aiotofupilot.listings import NAMES, listing_class
from aiotofupilot.testing import make


def rows(html):
    """Return the cells of a table, row by row, with its caption first."""
    (caption,) = re.findall(r"<caption>(.*?)</caption>", html)
    return caption, [re.findall(r"<t[hd]>(.*?)</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", html)]


ITEMS = {
    **{model.__name__: from_wire(EXAMPLES[name], model) for name, model in MODELS.items()},
    **{name: make(getattr(models, name)) for name in dir(models) if name.endswith("Details")},
}


def test_an_item_shows_its_fields_that_have_a_value():
    for name, item in ITEMS.items():
        caption, found = rows(item._repr_html_())
        assert caption == name
        shown = dict(found)
        assert shown["id"] == item.id
        assert not {field for field in shown if getattr(item, field) in (None, ())}


def test_a_value_is_short_and_cannot_be_html():
    """A moment is in UTC, a model is called by its name, and what is in a list is counted."""
    procedure = make(
        Procedure,
        name="<script>" + "x" * 200,
        created_at=datetime(2026, 1, 30, 12, 0, 0, 5000, tzinfo=UTC),
        created_by_user=UserRef("u-1", name=None, email="a@example.com"),
    )
    _, found = rows(procedure._repr_html_())
    shown = dict(found)
    assert shown["name"] == "&lt;script&gt;" + "x" * 71 + "…"
    assert shown["created_at"] == "2026-01-30 12:00Z"
    assert shown["created_by_user"] == "a@example.com"
    for number, told in ((1, "1 value"), (2, "2 values")):
        children = tuple(models.UnitRef(f"u-{each}", f"SN-{each}") for each in range(number))
        assert ["children", told] in rows(make(models.Unit, children=children)._repr_html_())[1]


def test_no_secret_is_shown():
    """Neither a key nor an address at which anybody can download."""
    attachment = make(models.Attachment, download_url="https://storage/secret")
    for item in (
        make(models.RunDetails, attachments=(attachment,)),
        make(models.UnitDetails, attachments=(attachment,)),
        make(models.StationDetails, api_key="secret"),
        make(models.DeploymentDetails, artifact_url="https://storage/secret"),
    ):
        page = Page([item], PageMeta(has_more=False), headers={"Cookie": "secret"})
        for shown in (item._repr_html_(), page._repr_html_()):
            assert not re.search("secret(?!s)", shown)


def test_a_page_shows_its_first_items():
    procedures = [make(Procedure, name=f"Test {number}") for number in range(12)]
    caption, (headings, *found) = rows(Page(procedures, PageMeta(has_more=True, next_cursor=12))._repr_html_())
    assert caption == "12 items from cursor 0, and more from cursor 12"
    assert headings[:2] == ["id", "name"]
    assert [row[1] for row in found] == [f"Test {number}" for number in range(10)] + [""]
    assert found[-1] == ["…"] + [""] * (len(headings) - 1)
    assert "…" not in Page(procedures[:10], PageMeta(has_more=False))._repr_html_()
    caption, found = rows(Page(procedures[:2], PageMeta(has_more=False), 5)._repr_html_())
    assert (caption, len(found)) == ("2 items from cursor 5", 3)


def test_a_page_may_be_raw_or_empty():
    page = Page([RawItem(id="a", tags=["x", "y"], team={"id": "t"}, none=None)], PageMeta(has_more=False))
    assert rows(page._repr_html_()) == ("1 items from cursor 0", [["id", "tags", "team"], ["a", "x, y", "id: t"]])
    assert rows(Page([], PageMeta(has_more=False))._repr_html_()) == ("0 items from cursor 0", [])


def test_a_listing_shows_what_it_is_and_sends_nothing():
    for name in NAMES:
        connection = Connection()
        listing = listing_class(name)(connection).list(**required(name), max_items=5)
        caption, found = rows(listing._repr_html_())
        assert caption == f"Listing of {name}. Nothing is sent before it is used."
        assert ["max_items", "5"] in found
        assert connection.targets == []
    runs = listing_class("runs")(Connection()).list(outcomes=["PASS", "FAIL"])
    assert ["outcomes", "[&#x27;PASS&#x27;, &#x27;FAIL&#x27;]"] in rows(runs._repr_html_())[1]
    with BlockingSession("key") as session:
        blocking = session.runs.list(outcomes=["PASS", "FAIL"])
        assert blocking._repr_html_() == runs._repr_html_()
