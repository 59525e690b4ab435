"""Whatever the session and the listings of asyncio have, their blocking forms have too.

- A blocking session gives all that a session does, typed, with one call of its thread per page; its errors say what
  to write instead.
"""

import ast
import asyncio
import inspect
import pydoc
import re
from contextvars import ContextVar
from dataclasses import dataclass, make_dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from attrs import evolve
from fakes.listings import offered, required

import aiotofupilot
from aiotofupilot import (
    DecodeError,
    Details,
    DetailsWalk,
    FollowedListing,
    ForbiddenError,
    IncrementalDetailsWalk,
    IncrementalWalk,
    NotFoundError,
    Paginator,
    SessionError,
    TofuPilotSession,
    Walk,
    arrow,
    blocking,
)
from aiotofupilot.blocking import Blocking, BlockingDetails, BlockingPaginator, BlockingSession
from aiotofupilot.listings import NAMES, listing_class
from aiotofupilot.sandbox import faults
from aiotofupilot.sandbox.storage import contents

ItemIteration = Walk.__base__
CLASSES = {
    "BlockingSession": {TofuPilotSession},
    "BlockingPaginator": {Paginator},
    "BlockingDetails": {Details},
    "BlockingItems": {ItemIteration},
    "BlockingWalk": {Walk, DetailsWalk},
    "BlockingIncrementalWalk": {IncrementalWalk, IncrementalDetailsWalk},
    "BlockingFollowedListing": {FollowedListing},
}
"""Which classes each blocking form is one of."""
DECLARED = {
    node.name: node
    for node in ast.parse(Path(blocking.__file__).read_text("utf-8")).body
    if isinstance(node, ast.ClassDef)
}


def names_in(node):
    """Return what a class declares, also for type checkers only, with the argument of its decorator."""
    found = {}
    for statement in node.body:
        if isinstance(statement, ast.If):
            found |= names_in(statement)
        elif isinstance(statement, ast.FunctionDef):
            (decorator,) = statement.decorator_list or (None,)
            found[statement.name] = ast.unparse(decorator.args[0]) if isinstance(decorator, ast.Call) else None
        elif isinstance(statement, ast.AnnAssign):
            found[statement.target.id] = None
    return found


def declared(name):
    """Return what type checkers know of a blocking form, that of its bases included."""
    bases = [ast.unparse(base).partition("[")[0] for base in DECLARED[name].bases]
    inherited = [declared(base) for base in bases if base in DECLARED]
    return {key: value for names in (*inherited, names_in(DECLARED[name])) for key, value in names.items()}


def public(cls):
    return {name for name in dir(cls) if name[0] != "_"}


@pytest.mark.parametrize("name", CLASSES)
def test_type_checkers_know_everything_that_the_class_of_asyncio_has(name):
    """Each name is declared once, after the attribute of the same name, and there is no other."""
    known = {key: of for key, of in declared(name).items() if key[0] != "_"}
    for cls in CLASSES[name]:
        assert known.keys() == {"close" if attribute == "aclose" else attribute for attribute in public(cls)}
    for attribute, of in known.items():
        if of is not None:
            assert of.rpartition(".")[2] == attribute
            named = eval(of, vars(blocking) | {"ItemIteration": ItemIteration, "R": int, "T": int})  # noqa: S307 - our own
            assert getattr(named, "__name__", None) == attribute
            assert all(hasattr(cls, attribute) for cls in CLASSES[name])


def test_type_checkers_know_each_listing_and_its_methods():
    session = declared("BlockingSession")
    assert [name for name in session if name in NAMES] == [*NAMES]
    methods = {name for name in declared("BlockingListing") if name[0] != "_"}
    for name in NAMES:
        own = {method for cls in listing_class(name).__mro__ for method, value in vars(cls).items() if waits(value)}
        assert own | {"list"} <= methods
    assert methods == {"list", "get", "get_version", "get_revision", "current"}


def waits(value):
    return inspect.iscoroutinefunction(value) and not value.__name__.startswith("_")


FORMS = {
    TofuPilotSession: "BlockingSession",
    Paginator: "BlockingPaginator",
    Details: "BlockingDetails",
    Walk: "BlockingWalk",
    DetailsWalk: "BlockingWalk",
    IncrementalWalk: "BlockingIncrementalWalk",
    IncrementalDetailsWalk: "BlockingIncrementalWalk",
    FollowedListing: "BlockingFollowedListing",
}


def test_no_attribute_gives_anything_that_has_to_be_awaited(session):
    """Each attribute of each class is used, and what it gives is of the form that belongs to it."""
    (shard,) = session.users.list().shards(1)
    listing = session.runs.list(max_items=3)
    asynchronous = listing._object
    objects = [
        (session, session._object),
        (listing, asynchronous),
        (listing.details(), asynchronous.details()),
        (listing.walk(), asynchronous.walk()),
        (listing.since(), asynchronous.since()),
        (listing.follow(), asynchronous.follow()),
        (listing.details().walk(), asynchronous.details().walk()),
        (listing.details().since(), asynchronous.details().since()),
    ]
    for form, of in objects:
        assert type(form).__name__ == FORMS[type(of)]
        assert public(type(of)) <= {*dir(form), "aclose"}
        for name in sorted(public(type(of)) - {"aclose", "close", "download"}):
            value = getattr(form, name)
            if callable(value) and not isinstance(value, type):
                given = {"list": (shard,), "shards": (2,), "take": (2,), "into": (MyRun,)}
                given = given.get(name, ())
                assert inspect.signature(value).parameters == inspect.signature(getattr(of, name)).parameters
                assert inspect.getdoc(value) == inspect.getdoc(getattr(of, name))
                value = value(*given)
            assert not inspect.isawaitable(value), name
            assert not hasattr(value, "__aiter__"), name
            if hasattr(value, "_object"):
                assert isinstance(value, Blocking)
                assert type(value).__name__ == FORMS.get(type(value._object), type(value).__name__)
        form.close() if hasattr(form, "close") and form is not session else None


@dataclass
class MyRun:
    """A class of the user's own."""

    outcome: str


def test_objects_of_ones_own_class_come_without_asyncio_too(session):
    listing = session.runs.list(max_items=3)
    runs = [MyRun(run.outcome) for run in listing]
    into = listing.into(MyRun)
    for found in (into, into.walk(), into.details()):
        assert list(found) == runs
    assert {type(item) for item in into.since()} == {MyRun}
    assert next(into.pages()).data[:3] == runs
    assert pd.DataFrame(into).columns == ["outcome"]
    with pytest.raises(DecodeError, match="Invalid isoformat"):
        into.into(make_dataclass("Wrong", [("id", datetime)])).first()


def test_a_private_or_an_unknown_attribute_is_not_there(session):
    listing = session.procedures.list()
    for name in ("nothing", "_plan", "__await__", "__aiter__"):
        with pytest.raises(AttributeError, match=name):
            getattr(listing, name)
    with pytest.raises(AttributeError, match="object has no attribute 'get'"):
        _ = session.users.get


def test_an_error_has_the_name_of_the_blocking_class(session):
    walk = session.runs.list().walk()
    next(walk)
    walk.close()
    with pytest.raises(SessionError, match="this BlockingWalk was closed"):
        next(walk)


def test_no_attribute_can_be_set(session):
    """Otherwise a walk would return a checkpoint that somebody has set by mistake."""
    listing = session.runs.list()
    details = listing.details()
    forms = [session, session.runs, listing, details, listing.pages()]
    forms += [form for of in (listing, details) for form in (of.walk(), of.since())] + [listing.follow()]
    for form in forms:
        for name in ("checkpoint", "stats", "watermark", "nothing"):
            with pytest.raises(AttributeError):
                setattr(form, name, None)


def options(name):
    return required(name) | offered(name, max_items=120, concurrency=3)


async def everything(sandbox, name):
    async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
        listing = getattr(session, name).list(**options(name))
        async with listing.since() as news:
            found = [item async for item in news]
        pages = [page.data async for page in listing.pages()]
        return await listing.collect(), await listing.count(), pages, found, timeless(news.watermark)


def timeless(watermark):
    """Return a watermark without the second in which the server responded, which is another one for each pass."""
    return evolve(watermark, latest_at=watermark.latest)


def test_every_listing_gives_what_it_gives_with_asyncio(session, sandbox):
    for name in NAMES:
        listing = getattr(session, name).list(**options(name))
        with listing.since() as news:
            found = list(news)
        pages = [page.data for page in listing.pages()]
        given = listing.collect(), listing.count(), pages, found, timeless(news.watermark)
        assert given == asyncio.run(everything(sandbox, name))
        assert list(listing) == given[0]


def test_an_error_is_raised_where_it_is_met_and_the_walk_goes_on(session, sandbox):
    """It is the error of asyncio, with its checkpoint."""
    walk = session.procedures.list(limit=50).walk()
    sandbox.faults.on(cursor=48).next(faults.status(403))
    found = walk.take(50)
    with pytest.raises(ForbiddenError) as caught:
        next(walk)
    assert caught.value.checkpoint == walk.checkpoint
    assert [*found, *walk.take(1), *walk] == sandbox.procedures
    with pytest.raises(NotFoundError):
        session.runs.get("nothing")


def test_items_are_taken_without_the_thread(session, monkeypatch):
    """A thread is asked once for each page, and not for each item."""
    asked = []
    run = session._thread.run
    monkeypatch.setattr(type(session._thread), "run", lambda self, load: asked.append(load) or run(load))
    assert len(list(session.procedures.list(limit=50))) == 250
    assert len(asked) == 7
    assert len(list(session.runs.list(max_items=100).since())) == 100
    assert len(asked) == 9


def test_details_and_a_stream_are_iterated_over(session):
    runs = session.runs.list(max_items=7, concurrency=3)
    assert [detail.id for detail in runs.details()] == [run.id for run in runs]
    assert session.runs.get(runs.first().id) == runs.details().first()
    stream = session.runs.list(max_items=2).follow(since=None)
    assert stream.watermark is None
    with stream:
        assert stream.watermark is not None
    with session.runs.list(max_items=2).since() as news:
        list(news)
    with session.runs.list(max_items=2).follow(since=news.watermark) as stream:
        assert len(list(stream)) == 2
        assert stream.stats.items == 2


def test_a_file_is_downloaded(session, tmp_path):
    details = session.runs.list(max_items=40).details()
    attachment = next(found for run in details for found in run.attachments if found.download_url)
    assert session.download(attachment, tmp_path).read_bytes() == contents(attachment.id)


def test_libraries_read_a_listing_as_arrow(session, sandbox):
    """It takes no more requests than a walk."""
    listing = session.runs.list()
    sandbox.requests.clear()
    frame = pl.DataFrame(listing)
    assert len(sandbox.requests) == 4
    table = pa.table(listing)
    assert table.schema == arrow.schema(aiotofupilot.Run)
    assert frame.height == table.num_rows == 300
    assert duckdb.sql("SELECT count(DISTINCT id) FROM listing").fetchall() == [(300,)]
    assert pa.table(session.runs.list(max_items=3).details()).num_rows == 3
    assert not hasattr(listing._object, "__arrow_c_stream__")


def test_an_error_within_a_stream_of_arrow_is_raised(session, sandbox):
    sandbox.faults.on(cursor=98).always(faults.status(403))
    with pytest.raises(Exception, match="403"):
        pa.table(session.runs.list())


def test_help_shows_what_the_method_of_asyncio_takes(session):
    text = pydoc.plaintext.document(session.runs.list)
    assert "outcomes" in text
    assert re.search(r"\(\s*\*,\s+search_query: str \| None = None", text)  # without self
    for cls, of in ((BlockingSession, TofuPilotSession), (BlockingPaginator, Paginator), (BlockingDetails, Details)):
        methods = {name for name, method in declared(cls.__name__).items() if method and name[0] != "_"}
        assert methods
        for name in methods:
            shown, meant = getattr(cls, name), getattr(of, name)
            assert inspect.getdoc(shown) == inspect.getdoc(meant)
            assert inspect.signature(shown) == inspect.signature(meant)
    assert "Stream" not in repr(session.runs)
    assert repr(session.runs.list(limit=3)) == "<blocking Paginator of runs from 0, limit=3>"


def test_the_session_and_a_coroutine_see_the_context_of_the_caller(session):
    """A span of the caller is the parent of those of the requests."""
    variable = ContextVar("variable")
    variable.set("of the caller")

    async def seen():
        return variable.get()

    assert session._thread.run(seen) == "of the caller"


def test_another_view_has_other_options_and_the_same_thread(session):
    view = session.with_options(concurrency=4)
    assert type(view) is BlockingSession
    assert view.base_url == session.base_url
    assert view.procedures.list().count() == 250
    view.close()
    with view:
        pass
    assert session.procedures.list().count() == 250
