"""The skill that the wheel has for coding agents: each name in it is one of the package.

Its program is run as that of a guide. An agent believes what stands there, so a wrong name costs its user an evening.

- Names and commands in the skill for coding agents exist, and so do the messages in troubleshooting.
"""

import ast
import asyncio
import builtins
import inspect
import re

import pytest
from fakes.guides import SKILL, read

import aiotofupilot
from aiotofupilot import TofuPilotSession, Walk, arrow, blocking
from aiotofupilot.cli import command_line
from aiotofupilot.mirror import Mirror
from aiotofupilot.testing import plugin

MOST_WORDS = 900
"""Two pages."""

INLINE = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", read(SKILL), flags=re.MULTILINE | re.DOTALL))
COMMANDS = [code for code in INLINE if code.startswith("aiotofupilot ")]
OTHERS = {"TOFUPILOT_API_KEY", "TOFUPILOT_URL", "tofupilot", "datetime", "main", "text"}
"""Names of the environment, of another package and of examples."""
MISSING = object()
WORDS = {"async for", "for", "from aiotofupilot import arrow"}
"""Code that is no expression."""
LOOP = re.compile(r"^async for (\w+) in ")


def namespace():
    session = TofuPilotSession("key")
    names = {name: getattr(aiotofupilot, name) for name in aiotofupilot.__all__}
    listings = {name: getattr(session, name) for name in dir(session) if hasattr(getattr(session, name), "list")}
    return {
        **vars(builtins),
        **names,
        **listings,
        "asyncio": asyncio,
        "session": session,
        "listing": session.runs.list(),
        "list": session.runs.list,
        "details": session.runs.list().details,
        "since": session.runs.list().since,
        "run_id": "",
        "watermark": None,
        "checkpoint": None,
        "walk": type("Walk", (Walk, aiotofupilot.IncrementalWalk), {}),
        "error": aiotofupilot.TofuPilotError("made up"),
        "attachment": aiotofupilot.Attachment,
        "run": aiotofupilot.RunDetails,
        "aiotofupilot": aiotofupilot,
        "arrow": arrow,
        "BlockingSession": blocking.BlockingSession,
        "Mirror": Mirror,
        "mirror": Mirror,
        **vars(plugin),
    }


KEYWORD = re.compile(r"(\w+)=(.*)")


def unresolved(code, names):
    """Return what of a piece of code is not there."""
    if keyword := KEYWORD.fullmatch(code):  # an argument by itself is one of listings
        known = inspect.signature(names["session"].runs.list).parameters.keys() | {"procedure_id"}
        return [] if keyword[1] in known else [keyword[1]]
    missing = []
    for node in ast.walk(ast.parse(LOOP.sub("", code), mode="eval")):
        match node:
            case ast.Name(name) if name not in names and name not in OTHERS:
                missing.append(name)
            case ast.Attribute() if resolve(node, names) is MISSING:
                missing.append(ast.unparse(node))
            case ast.Call(func, _, keywords) if keywords and resolve(func, names) is not MISSING:
                taken = inspect.signature(resolve(func, names)).parameters
                missing += [f"{ast.unparse(func)}({given.arg}=)" for given in keywords if given.arg not in taken]
    return missing


def resolve(node, names):
    match node:
        case ast.Name(name):
            return names.get(name, MISSING)
        case ast.Attribute(value, name):
            return getattr(resolve(value, names), name, MISSING)
    return MISSING


@pytest.mark.parametrize("code", [code for code in INLINE if code not in WORDS and code not in COMMANDS])
def test_each_name_in_the_skill_is_there(code):
    assert unresolved(code, namespace()) == []


def test_a_name_that_is_wrong_is_found():
    names = namespace()
    assert unresolved("listing.all()", names) == ["listing.all"]
    assert unresolved("Cursor.parse(text)", names) == ["Cursor.parse", "Cursor"]
    assert unresolved("RetryPolicy(max_time=3)", names) == ["RetryPolicy(max_time=)"]
    assert unresolved("page_size=3", names) == ["page_size"]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_in_the_skill_is_right_usage(command):
    arguments = command.split()[1:]
    command_line().parse_args(arguments)


def test_the_skill_is_short_and_says_what_it_is_for():
    """Its head has the name of its folder, and when an agent should read it: https://agentskills.io/specification."""
    text = read(SKILL)
    assert len(text.split()) <= MOST_WORDS
    head = dict(re.findall(r"^(\w+): (.+)$", text.split("---\n")[1], re.MULTILINE))
    assert head.keys() == {"name", "description"}
    assert head["name"] == SKILL.parent.name
    assert len(head["description"]) <= 1024
    assert len(re.findall(r"^\d\. \*\*", text, re.MULTILINE)) == 5
