"""The way of a page through the package enters each layer once, from the top to the bottom."""

import sys
from itertools import groupby
from pathlib import Path

import pytest

import aiotofupilot
from aiotofupilot import TofuPilotSession
from aiotofupilot.listings import Procedures
from aiotofupilot.models import Page, Procedure
from aiotofupilot.sandbox import Sandbox

PACKAGE = Path(aiotofupilot.__file__).parent


def frames():
    """The functions of the package that are on the stack, the outermost first: layer, module and function."""
    frame, found = sys._getframe(1), []
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(PACKAGE) and "sandbox" not in path.parts:
            inside = path.relative_to(PACKAGE).with_suffix("")
            found.append((inside.parts[0], f"{inside.as_posix()}: {frame.f_code.co_qualname}"))
        frame = frame.f_back
    return found[::-1]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="a code object's qualified name")
@pytest.mark.parametrize("options", [{}, {"on_drift": "resync"}, {"concurrency": 4}], ids=str)
async def test_a_page_enters_each_layer_once(monkeypatch, options):
    """It goes from paging to the listing, to HTTP, to the wire, and back. ``pytest -s`` shows the way."""
    paths = []

    class Shown(type(Procedures.decode)):
        def __call__(self, body):
            paths.append(frames())
            return super().__call__(body)

    monkeypatch.setattr(Procedures, "decode", Shown(Page[Procedure]))
    async with (
        Sandbox(30) as sandbox,
        TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session,
    ):
        assert len(await session.procedures.list(limit=10, **options).collect()) == 30

    for path in paths:
        print("\n".join(name for _, name in path), end="\n\n")  # noqa: T201 - what is asked for
        layers = [layer for layer, _ in groupby(path, key=lambda step: step[0])]
        assert layers in (["_paging", "listings", "_http", "_wire"], ["listings", "_http", "_wire"])
        assert len(path) <= 15
