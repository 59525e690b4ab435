"""What holds for every listing: its arguments, its documentation, its items, and its walks over a server.

- Every filter is as TofuPilot documents it, and is sent as the official SDK sends it.
"""

import inspect
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

import pytest
from fakes.listings import LISTINGS, OPTIONS, Connection, offered, required
from fakes.wire_listings import ENDPOINTS, EXAMPLES, MODELS

from aiotofupilot import Checkpoint, Paginator, RawItem, TofuPilotSession, from_wire
from aiotofupilot.blocking import BlockingSession
from aiotofupilot.listings import NAMES, listing_class, part_filters
from aiotofupilot.sandbox import Sandbox, faults

EVERY = pytest.mark.parametrize("name", LISTINGS)


@EVERY
def test_a_session_has_it_where_the_api_has_it(name):
    listing = getattr(TofuPilotSession("key"), name)
    assert type(listing) is LISTINGS[name]
    assert (listing.name, listing.path) == (name, ENDPOINTS[name]["path"].removeprefix("/api"))
    assert type(listing.list(**required(name))) is Paginator
    assert inspect.getdoc(getattr(TofuPilotSession, name))
    assert listing.decode.item is MODELS[name]


@EVERY
async def test_a_loop_over_it_leads_to_its_list(name):
    """With ``for``, with ``async for``, and without asyncio."""
    session = TofuPilotSession("key")
    with pytest.raises(TypeError, match=rf"session\.{name}\.list\(\)$"):
        [*getattr(session, name)]
    with pytest.raises(TypeError, match=rf"session\.{name}\.list\(\)$"):
        [item async for item in getattr(session, name)]
    with BlockingSession("key") as blocking, pytest.raises(TypeError, match=rf"session\.{name}\.list\(\)$"):
        [*getattr(blocking, name)]


(METADATA,) = (argument.type for argument in LISTINGS["runs"].filters if argument.name == "metadata")
"""The type of a filter that the API calls an object."""


def recorded(argument, fact):
    """What the recordings say of a parameter, in the words of a declaration: all but its documentation."""
    item = fact.get("items", fact)
    kind = {"string": str, "boolean": bool, "integer": int, "number": float, "object": METADATA}[item["type"]]
    # Two listings call a duration a string.
    kind = timedelta if argument.startswith("duration_") else {"date-time": datetime}.get(item.get("format"), kind)
    kind = Literal[tuple(item["enum"])] if "enum" in item else kind
    length = {"minimum": None, "maximum": fact["maxLength"]} if "maxLength" in fact else fact
    return {
        "type": Sequence[kind] if fact["type"] == "array" else kind,
        "is_required": fact["required"],
        "bounds": (length.get("minimum"), length.get("maximum")),
        "server_default": fact.get("default"),
    }


OUR_OWN_BOUNDS = {"run_count_min": {"bounds": (0, None)}, "run_count_max": {"bounds": (0, None)}}
"""A number of runs is not negative, and the API does not say so."""


def test_the_filters_are_the_parameters_of_the_api():
    """Each has the type, the words, the bounds and the default that the API has, and is required where it is there."""
    wanted = {
        (name, argument): recorded(argument, fact) | OUR_OWN_BOUNDS.get(argument, {})
        for name, endpoint in ENDPOINTS.items()
        for argument, fact in endpoint["params"].items()
        if argument not in OPTIONS
    }
    found = {}
    for name, listing in LISTINGS.items():
        for argument in listing.filters:
            found[name, argument.name] = {
                "type": argument.type,
                "is_required": argument.is_required,
                "bounds": (argument.bounds.low, argument.bounds.high) if argument.bounds else (None, None),
                "server_default": argument.server_default,
            }
            assert argument.default is None
            assert argument.is_optional is not argument.is_required
    assert found == wanted, "tests/recordings/listings.json differs from what the listings declare"


def test_what_runs_wrote_is_selected_by_its_runs():
    of_runs = {name for name in NAMES if listing_class(name).by_run}
    assert of_runs == {"phases", "measurements", "logs"}
    assert all(part_filters(name) == part_filters("runs") for name in of_runs)
    assert {"outcomes", "created_after", "started_before"} <= part_filters("runs").keys()


def test_the_time_that_sorts_its_items_is_read_from_them():
    """Items with the same time have no order that the API promises. Stations may be in any order."""
    for name in LISTINGS:
        listing = LISTINGS[name](Connection())
        for order in (None, *sorted(listing.stable_orders)):
            sorts = listing.list(**required(name), **({"sort_by": order} if order else {}))._source.order
            field = order or listing.default_order
            assert sorts.is_time is (field is not None and field.endswith("_at")), (name, order)
            for use, item in (("raw", RawItem(EXAMPLES[name])), ("model", from_wire(EXAMPLES[name], MODELS[name]))):
                listed = listing.list(**required(name), **({"sort_by": order} if order else {}))
                sorts = (listed.raw() if use == "raw" else listed)._source.order
                (key,) = sorts.keys([item])
                assert isinstance(key, datetime) if sorts.is_time else key == item.id
        assert (name in ("stations", "users")) is (listing.default_order is None)


def test_the_options_are_those_of_every_listing():
    """Users have none about pages. No listing has another bound of a page than the API, as far as it has one."""
    for name in NAMES:
        options = {option.name: option for option in listing_class(name).options}
        assert set(options) == set(offered(name, **dict.fromkeys(OPTIONS)))
        limit = ENDPOINTS[name]["params"].get("limit", {})
        if "maximum" in limit:
            assert (options["limit"].bounds.low, options["limit"].bounds.high) == (limit["minimum"], limit["maximum"])


def test_the_signature_has_every_argument_by_name():
    """Required ones come first, then those of the listing itself, shared ones, the order and the options."""
    for name in NAMES:
        listing = listing_class(name)
        own, *parameters = inspect.signature(listing.list).parameters.values()
        assert own.name == "self"
        assert [parameter.name for parameter in parameters] == [
            argument.name for argument in (*listing.filters, *listing.options)
        ]
        for parameter, argument in zip(parameters, (*listing.filters, *listing.options), strict=True):
            assert parameter.kind is parameter.KEYWORD_ONLY
            assert parameter.annotation == argument.annotation
            assert parameter.default == (parameter.empty if argument.is_required else argument.default)
        assert inspect.signature(listing.list).return_annotation == Paginator[listing.model]
        assert all(parameter.default == 100 for parameter in parameters if parameter.name == "limit")  # the API's most
    names = [argument.name for argument in listing_class("measurements").filters]
    assert (names[0], names[-2:]) == ("procedure_id", ["sort_by", "sort_order"])
    assert names.index("value_min") < names.index("serial_numbers")


def test_every_argument_is_documented():
    """Each has one entry, in the order of the signature, and the entry ends with a period."""
    for name in NAMES:
        listing = listing_class(name)
        text = inspect.getdoc(listing.list)
        assert text.startswith(f"{listing.summary} Nothing is sent before the listing is used.\n\n")
        assert max(map(len, text.splitlines())) <= 112
        documented = text.partition("\nArgs:\n")[2].partition("\nRaises:\n")[0]
        entries = inspect.cleandoc(documented.replace("\n        ", " ")).splitlines()
        assert [entry.partition(":")[0] for entry in entries if entry] == list(
            inspect.signature(listing.list).parameters
        )[1:]
        assert all(entry.endswith(".") for entry in entries if entry)


def test_an_argument_of_the_wrong_type_or_an_unknown_word_is_refused_by_name():
    """The words that are known are told. Nothing is sent."""
    connection = Connection()
    for name, listing in LISTINGS.items():
        for argument in (*listing.filters, *listing.options):
            wrong = [(TypeError, object())]
            wrong += [(ValueError, ["?"] if argument.is_repeated else "?")] * bool(argument.choices)
            for error, value in wrong:
                with pytest.raises(error) as caught:
                    listing(connection).list(**{**required(name), argument.name: value})
                assert caught.value.parameter == argument.name
                assert str(caught.value).startswith(argument.name)
            if argument.choices:
                words = ", ".join(map(repr, argument.choices))
                assert f" must be one of {words}, got '?'" in str(caught.value)
    assert connection.targets == []


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("runs", {"outcome": ["PASS"]}, r"got an unexpected keyword argument 'outcome'$"),
        ("runs", {"where": "x"}, r"got an unexpected keyword argument 'where'$"),
        ("phases", {}, "lacks the required argument 'procedure_id'$"),
        ("measurements", {}, "lacks the required argument 'procedure_id'$"),
    ],
)
def test_an_argument_that_a_listing_lacks_is_refused_by_name(name, arguments, message):
    with pytest.raises(TypeError, match=rf"^{name.title()}\.list\(\) {message}"):
        LISTINGS[name](Connection()).list(**arguments)


STABLE = {
    "runs": {"started_at", "created_at", "duration"},
    "units": {"created_at"},
    "parts": {"created_at"},
    "batches": {"created_at"},
    "logs": {"created_at", "level", "run_id"},
    "measurements": {"started_at", "value", "phase_name", "measurement_name"},
    "phases": {"started_at", "duration", "phase_name"},
}
"""Orders by what never changes after an item was created."""


@EVERY
def test_resync_takes_orders_in_which_nothing_changes_its_place(name):
    """A serial number, a name, an outcome and the last run can change. Then the item changes its place."""
    orders = ENDPOINTS[name]["params"].get("sort_by", {}).get("enum", [])
    for sort_by in orders:
        make = LISTINGS[name](Connection()).list
        make(**required(name), sort_by=sort_by)
        if sort_by in STABLE[name]:
            make(**required(name), sort_by=sort_by, on_drift="resync")
        else:
            with pytest.raises(ValueError, match=f"got '{sort_by}'") as caught:
                make(**required(name), sort_by=sort_by, on_drift="resync")
            assert caught.value.parameter == "sort_by"
    assert LISTINGS[name].stable_orders == STABLE.get(name, set())
    if orders:
        assert ENDPOINTS[name]["params"]["sort_by"]["default"] in STABLE[name]


@pytest.fixture
async def sandbox():
    async with Sandbox(30, runs=140) as sandbox:
        yield sandbox


def listed(sandbox, name):
    """Return what the sandbox lists for a call with the arguments that are required alone."""
    items = list(getattr(sandbox, name))
    if name in {"measurements", "phases"}:
        of_procedure = {run.id for run in sandbox.runs if run.procedure.id == sandbox.procedures[0].id}
        items = [item for item in items if item.run_id in of_procedure and item.is_final_attempt]
    return items


@EVERY
async def test_every_walk_yields_what_the_server_lists(sandbox, session, name):
    """The walks have one page in flight or many, use resync, are resumed after a break, or meet failing requests.

    For a count, the length of a page and the beginning of a walk do not matter.
    """
    make = getattr(session, name).list
    arguments = required(name, sandbox.procedures[0].id)
    expected = listed(sandbox, name)
    assert expected
    assert await make(**arguments).collect() == expected
    assert await make(**arguments, limit=7, concurrency=8).collect() == expected
    assert await make(**arguments, limit=7, concurrency=8, on_drift="resync", max_items=50).collect() == expected[:50]
    assert await make(**arguments, cursor=3).collect() == expected[3:]
    sandbox.requests.clear()
    assert await make(**arguments).count() == len(expected)
    assert len(sandbox.requests) <= 12
    assert await make(**arguments, limit=7, cursor=3, max_items=2, concurrency=8).count() == len(expected)
    sandbox.faults.next(faults.status(503), faults.reset(), faults.cut())
    walked = []
    async with make(**arguments, limit=7, on_drift="resync").walk() as walk:
        async for item in walk:
            walked.append(item)
            if len(walked) == 5:
                break
    checkpoint = Checkpoint.parse(str(walk.checkpoint))
    assert checkpoint.listing == name
    assert walked + await make(**arguments, cursor=checkpoint, on_drift="resync").collect() == expected
    assert walk.stats.retries == 3


@EVERY
async def test_a_listing_names_its_model(sandbox, session, name):
    listing = getattr(session, name).list(**required(name, sandbox.procedures[0].id), limit=7, on_drift="resync")
    assert (listing.model, listing.raw().model) == (MODELS[name], RawItem)
