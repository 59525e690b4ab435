"""Items as objects of the user's own class."""

import sys
import typing
from collections import abc, deque
from dataclasses import InitVar, dataclass, field, make_dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Annotated, Any, Final, Generic, Literal, NewType, NotRequired, Required, Self, TypedDict, TypeVar

import attrs
import msgspec
import pydantic
import pytest
from fakes.listings import Connection, offered, required
from msgspec import json
from typing_extensions import TypeAliasType

from aiotofupilot import DecodeError, RawItem, Repository, TofuPilotSession
from aiotofupilot.listings import NAMES, Procedures, Runs, Users
from aiotofupilot.sandbox import Sandbox, faults

T = TypeVar("T")


@attrs.frozen
class Procedure:
    name: str


class Outcome(Enum):
    PASS = "PASS"
    FAIL = "FAIL"


RUN = {
    "id": "r1",
    "created_at": "2026-02-01T10:00:00.000Z",
    "duration": "PT1M30.5S",
    "outcome": "PASS",
    "attempts": 2,
    "ratio": 3,
    "is_good": True,
    "day": "2026-02-01",
    "price": "1.10",
    "tags": ["a", "b"],
    "points": [1, 2.5, None],
    "metadata": {"shift": "A", "cycle": 3},
    "procedure": {"id": "p1", "name": "FVT"},
    "steps": [{"name": "one", "by": {"name": "Ada"}}, {"name": "two", "by": None}],
    "unit": {"serial_number": "SN1", "part": {"number": "PN1", "revision": {"number": "A"}}},
    "operated_by": None,
    "nothing": None,
}


def page(*items):
    return json.encode({"data": items, "meta": {"has_more": False}})


async def made(cls, **changes):
    """Return the object of a class that comes of an item with other values. ``...`` is a key that is missing."""
    item = {key: value for key, value in (RUN | changes).items() if value is not ...}
    (found,) = (await Runs(Connection(page(item))).list().into(cls)).data
    return found


def own(make=attrs.frozen, /, **fields):
    """Return a class with fields, which are annotations, or pairs of an annotation and what attrs takes for it."""
    annotations = {name: kind[0] if isinstance(kind, tuple) else kind for name, kind in fields.items()}
    values = {name: kind[1] for name, kind in fields.items() if isinstance(kind, tuple)}
    return make(type("MyRun", (), {"__annotations__": annotations, "__module__": __name__, **values}))


def at(path, **options):
    return attrs.field(metadata={"path": path}, **options)


KINDS = {
    "attrs": attrs.define,
    "frozen": attrs.frozen,
    "kw_only": attrs.define(kw_only=True),
    "without slots": attrs.define(slots=False),
    "dataclass": dataclass,
    "frozen dataclass with slots": dataclass(frozen=True, slots=True, kw_only=True),
    "pydantic": lambda cls: type("MyRun", (pydantic.BaseModel,), {**vars(cls), "__dict__": {}}),
    "pydantic dataclass": pydantic.dataclasses.dataclass,
}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_class_of_any_kind_has_the_values_of_its_fields(kind):
    """The ID need not be among them."""
    cls = own(KINDS[kind], created_at=datetime, duration=timedelta, outcome=Literal["PASS", "FAIL"], tags=list[str])
    found = await made(cls)
    assert type(found) is cls
    assert found == cls(
        created_at=datetime(2026, 2, 1, 10, tzinfo=UTC),
        duration=timedelta(seconds=90.5),
        outcome="PASS",
        tags=["a", "b"],
    )


FIELDS = [
    (str, "outcome", "PASS"),
    (int, "attempts", 2),
    (float, "ratio", 3.0),
    (bool, "is_good", True),
    (date, "day", date(2026, 2, 1)),
    (Decimal, "price", Decimal("1.10")),
    (Any, "procedure", RUN["procedure"]),
    (object, "procedure", RUN["procedure"]),
    (dict[str, object], "procedure", RUN["procedure"]),
    (dict, "procedure", RUN["procedure"]),
    (Outcome, "outcome", Outcome.PASS),
    (Outcome | None, "outcome", Outcome.PASS),
    (Outcome | None, "nothing", None),
    (Literal["PASS"], "outcome", "PASS"),
    (Annotated[str, "how it ended"], "outcome", "PASS"),
    (NewType("How", str), "outcome", "PASS"),
    (str | None, "nothing", None),
    (int | str, "attempts", 2),
    (int | str, "outcome", "PASS"),
    (tuple[str, ...], "tags", ("a", "b")),
    (set[str], "tags", {"a", "b"}),
    (list[float | None], "points", [1, 2.5, None]),
    (dict[str, str | int], "metadata", {"shift": "A", "cycle": 3}),
    (Procedure, "procedure", Procedure("FVT")),
    (Procedure | None, "nothing", None),
    (dict[str, Any] | None, "procedure", RUN["procedure"]),
]

PLAIN = {}
"""Options of a field of a class that msgspec builds."""
CONVERTED = {"converter": lambda value: value}
"""Those of one that only its constructor builds."""


@pytest.mark.parametrize("options", [PLAIN, CONVERTED], ids=["built by msgspec", "by cattrs"])
@pytest.mark.parametrize(("kind", "name", "value"), FIELDS, ids=[f"{kind} {name}" for kind, name, _ in FIELDS])
async def test_a_field_has_the_type_of_its_annotation(kind, name, value, options):
    """Also where the item next to it is in a rare form: an integer that is written 50.0, which older servers did."""
    cls = own(**{name: (kind, attrs.field(**options)), "cycle": (int, at("metadata.cycle", default=0))})
    for changes in ({}, {"metadata": RUN["metadata"] | {"cycle": 50.0}} if name != "metadata" else {}):
        found = getattr(await made(cls, **changes), name)
        assert (found, type(found)) == (value, type(value))


@attrs.define
class Step:
    name: str
    by: str | None = at("by.name")


@attrs.define
class Node:
    """Other classes of its own kind are in it."""

    name: str
    by: "Node | None" = None


@attrs.define
class Tree:
    name: str
    by: dict[str, "Tree"] | None = None
    many: list["Tree"] = attrs.field(factory=list)


@dataclass
class Chain:
    name: str
    by: "Chain | None" = None
    many: list["Chain"] = field(default_factory=list)


@attrs.define
class Deep:
    name: str = at("name")
    above: "Deep | None" = at("by", default=None)  # noqa: RUF009 - it is a field of attrs
    who: str | None = at("by.name", default=None)


STEPS = [Step("one", "Ada"), Step("two", None)]


@attrs.define
class Box(Generic[T]):
    attempts: T


@pytest.mark.parametrize("wrong", [False, True], ids=["", "in a page with a rare form"])
async def test_classes_in_classes_have_paths_of_their_own(wrong):
    cls = own(
        steps=list[Step],
        of=(tuple[Step, ...], at("steps")),
        nodes=(list[Node], at("steps")),
        deep=(list[Deep], at("steps")),
        unit=dict[str, Any],
        serial=(str, at("unit.serial_number")),
        part=(str, at("unit.part.number")),
        revision=(str | None, at("unit.part.revision.number")),
        attempts=int,
    )
    found = await made(cls, **({"attempts": 2.0} if wrong else {}))
    assert (found.steps, found.of, found.attempts) == (STEPS, tuple(STEPS), 2)
    assert found.nodes == [Node("one", Node("Ada")), Node("two")]
    assert found.deep == [Deep("one", Deep("Ada"), "Ada"), Deep("two")]
    assert found.unit == RUN["unit"]
    assert (found.serial, found.part, found.revision) == ("SN1", "PN1", "A")


@pytest.mark.parametrize("cls", [Tree, Chain])
@pytest.mark.parametrize("rare", [50, 50.0], ids=["by msgspec", "by cattrs"])
async def test_a_name_may_be_within_an_annotation(cls, rare):
    """As the class itself has none yet."""
    model = own(value=(cls, at("tree")), rare=int)
    assert (await made(model, tree={"name": "a", "many": [{"name": "b"}]}, rare=rare)).value == cls(
        "a", None, [cls("b")]
    )
    with pytest.raises(DecodeError) as caught:
        await made(cls, many=[{"name": "b"}, {"name": 3}], name="a")
    assert caught.value.path == "$.data[0].many[1].name"


def test_classes_that_no_key_tells_apart_are_refused_before_anything_is_sent():
    with pytest.raises(TypeError, match=r"^model cannot be made of JSON, got <class"):
        Runs(Connection()).list().into(own(inner=dict[str, list[OfA | own(a=str)]]))


@pytest.mark.parametrize("is_known", [False, True])
async def test_a_model_in_a_class_is_read_by_its_names_on_the_wire(is_known):
    """It does not matter whether a listing has read the model before."""
    if is_known:
        await Procedures(Connection(page())).list()
    repository = {"id": "g1", "name": "fvt", "fullName": "acme/fvt"}
    cls = own(repository=(Repository, at("linkedRepository")))
    assert await made(cls, linkedRepository=repository) == cls(Repository("g1", "fvt", "acme/fvt"))
    with pytest.raises(DecodeError) as refused:
        await made(cls, linkedRepository=repository | {"fullName": 1})
    assert refused.value.path == "$.data[0].linkedRepository.fullName"


async def test_a_path_that_ends_early_gives_nothing_or_the_default():
    cls = own(
        operator=(str | None, at("operated_by.name")),
        somebody=(str, at("operated_by.name.first", default="-")),
        missing=(str, at("no.such.key", default="none")),
        within_a_text=(str, at("outcome.name", default="text")),
    )
    assert await made(cls) == cls(operator=None, somebody="-", missing="none", within_a_text="text")


async def test_a_generic_class_is_made_for_its_argument():
    assert await made(Box[int]) == Box(2)
    assert await made(Box[float]) == Box(2)
    with pytest.raises(DecodeError, match=r"^\$\.data\[0\]\.attempts: expected a string, got a number$"):
        await made(Box[str])


async def test_a_constructor_of_ones_own_is_called():
    @attrs.define
    class Checked:
        outcome: str = attrs.field(converter=str.lower)
        attempts: int = attrs.field(validator=attrs.validators.gt(1))
        _created_at: datetime
        twice: int = attrs.field(init=False)
        whole: str = attrs.Factory(lambda self: self.outcome * 2, takes_self=True)

        def __attrs_post_init__(self):
            self.twice = 2 * self.attempts

    @dataclass
    class Seen:
        outcome: str
        attempts: InitVar[int]
        total: int = field(init=False, default=0)

        def __post_init__(self, attempts):
            self.total = attempts

    @attrs.define
    class Own:
        outcome: str

        def __init__(self, outcome):
            self.outcome = outcome.title()

    class Undecorated(Procedure):
        pass

    found = await made(Checked, _created_at="2026-02-01T10:00:00Z")
    assert (found.outcome, found.twice, found.whole) == ("pass", 4, "passpass")
    assert (await made(Own)).outcome == "Pass"
    assert type(await made(Undecorated, name="x")) is Undecorated
    for cls, attempts in ((Checked, 1), (own(attempts=(int, attrs.field(validator=attrs.validators.gt(1)))), 1)):
        with pytest.raises(DecodeError, match=r"^\$\.data\[0\].*: 'attempts' must be > 1: 1$"):
            await made(cls, attempts=attempts, _created_at="2026-02-01T10:00:00Z")


async def test_defaults_are_those_of_the_class():
    cls = own(tags=(list[str], attrs.field(factory=lambda: ["none"])), attempts=(int, 7), extra=(str | None, None))
    assert await made(cls, tags=..., attempts=...) == cls(["none"], 7, None)
    assert await made(own(dataclass, outcome=(str, "-"), more=(list, field(default_factory=list))), outcome=...)


async def test_an_object_has_its_defaults_itself():
    """People write `vars` to JSON or to a table. The default of a dataclass is an attribute of the class too."""
    cls = own(dataclass, outcome=(str, "-"), tags=(list, field(default_factory=list)))
    assert vars(await made(cls, outcome=..., tags=...)) == {"outcome": "-", "tags": []}


async def test_a_class_without_fields_is_one_too():
    empty = own()
    assert isinstance(await made(empty), empty)


LACKING = [
    (own(nothing_there=str), {}, ".nothing_there", "it is missing"),
    (own(outcome=int), {}, ".outcome", "expected an integer, got a string"),
    (own(outcome=str), {"outcome": None}, ".outcome", "expected a string, got null"),
    (own(outcome=datetime), {}, ".outcome", "Invalid isoformat string: 'PASS'"),
    (own(outcome=Outcome), {"outcome": "ERROR"}, ".outcome", "Invalid enum value 'ERROR'"),
    (own(outcome=Literal["FAIL"]), {}, ".outcome", "Invalid enum value 'PASS'"),
    (own(tags=list[int]), {}, ".tags[0]", "expected an integer, got a string"),
    (own(tags=set[int]), {}, ".tags[0]", "expected an integer, got a string"),
    (own(points=tuple[int, str]), {"points": ["a", "b"]}, ".points[0]", "Expected `int`, got `str`"),
    (own(metadata=dict[Outcome, Procedure]), {"metadata": {"PASS": {}}}, ".metadata['PASS'].name", "it is missing"),
    (own(metadata=dict[int, Procedure]), {"metadata": {"x": {"name": "y"}}}, ".metadata", "Expected `int`, got `str`"),
    (own(tags=list[str]), {"tags": "ab"}, ".tags", "expected an array, got a string"),
    (own(metadata=dict[str, int]), {}, ".metadata['shift']", "expected an integer, got a string"),
    (own(procedure=Procedure), {"procedure": {}}, ".procedure.name", "it is missing"),
    (own(procedure=Procedure), {"procedure": None}, ".procedure", "expected an object, got null"),
    (own(steps=list[Step]), {"steps": [{"name": 1}]}, ".steps[0].name", "expected a string, got a number"),
    (own(sn=(int, at("unit.serial_number"))), {}, ".unit.serial_number", "expected an integer, got a string"),
    (own(sn=(str, at("unit.number"))), {}, ".unit.number", "it is missing"),
    (own(who=(str, at("operated_by.name"))), {}, ".operated_by.name", "expected a string, got null"),
]


@pytest.mark.parametrize("is_inside", [False, True], ids=["", "inside"])
@pytest.mark.parametrize(("cls", "changes", "path", "fault"), LACKING, ids=[path for _, _, path, _ in LACKING])
async def test_a_fault_names_its_path(cls, changes, path, fault, is_inside):
    with pytest.raises(DecodeError) as caught:
        if is_inside:
            await made(own(inner=(cls, at("it.is"))), it={"is": RUN | changes})
        else:
            await made(cls, **changes)
    error = caught.value
    assert error.path == f"$.data[0]{'.it.is' if is_inside else ''}{path}"
    assert str(error).startswith(f"{error.path}: {fault}")
    assert error.body.startswith(b'{"id":"r1"')
    assert error.__cause__ is error.__context__ is None


async def test_a_fault_names_the_item_on_the_page():
    with pytest.raises(DecodeError) as caught:
        await Runs(Connection(page(RUN, RUN | {"outcome": 3}))).list().into(own(outcome=str))
    assert (caught.value.item, caught.value.path) == (1, "$.data[1].outcome")


async def test_a_fault_of_a_pydantic_model_names_its_path():
    class Part(pydantic.BaseModel):
        number: int

    class Unit(pydantic.BaseModel):
        serial: str = pydantic.Field(validation_alias=pydantic.AliasPath("serial_number"))
        part: Part

    class MyRun(pydantic.BaseModel):
        tags: list[int]

    with pytest.raises(DecodeError, match=r"^\$\.data\[0\]\.unit\.part\.number: Input should be a valid integer"):
        await made(own(unit=Unit))
    with pytest.raises(DecodeError, match=r"^\$\.data\[0\]\.tags\[0\]: Input should be a valid integer"):
        await made(MyRun)
    assert (await made(own(unit=Unit), unit={"serial_number": "S", "part": {"number": "7"}})).unit.part.number == 7


@pytest.mark.parametrize("model", [int, list[int], dict, "MyRun", None, Procedure("x"), RawItem, Literal["a"]])
def test_what_is_not_such_a_class_is_refused(model):
    with pytest.raises(
        TypeError, match=r"^model must be an attrs class, a dataclass or a pydantic model, got"
    ) as caught:
        Runs(Connection()).list().into(model)
    assert caught.value.parameter == "model"
    assert repr(model)[:20] in str(caught.value)


@attrs.define
class OfA:
    a: str


@attrs.define
class OfB:
    b: str


class Opaque:
    pass


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Opaque, "no JSON is a <class"),
        (list[Opaque], "no JSON is a <class"),
        (T, "no JSON is a ~T"),
        (list[Self], "MyRun.x: typing.Self is not read: write the name of the class in quotes"),
        ("Nowhere", "name 'Nowhere' is not defined"),
        ((str, at("")), "the path of 'x' must be keys with dots in between"),
        ((str, at("a..b")), "the path of 'x' must be keys with dots in between"),
        ((str, at(3)), "the path of 'x' must be keys with dots in between, such as 'unit.part.name', got 3"),
    ],
    ids=str,
)
def test_a_class_that_no_json_can_be_is_refused_before_anything_is_sent(kind, reason):
    with pytest.raises(TypeError, match=r"^model cannot be made of JSON, got <class") as caught:
        Runs(Connection()).list().into(own(x=kind))
    assert reason in str(caught.value)
    assert caught.value.parameter == "model"


async def test_a_union_of_classes_is_told_apart_by_their_keys():
    cls = own(procedure=OfA | OfB)
    assert (await made(cls, procedure={"a": "1"})).procedure == OfA("1")
    assert (await made(cls, procedure={"b": "1"})).procedure == OfB("1")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_page_shows_them_in_a_notebook(kind):
    shown = (await Runs(Connection(page(RUN))).list().into(own(KINDS[kind], outcome=str, tags=list[str])))._repr_html_()
    assert "<th>outcome</th><th>tags</th></tr><tr><td>PASS</td><td>a, b</td>" in shown


async def test_it_takes_the_place_of_other_forms():
    listing = Runs(Connection(page(RUN))).list()
    cls = own(outcome=str)
    for before in (listing, listing.raw(), listing.structs(), listing.into(Procedure)):
        into = before.into(cls)
        assert into.model is cls
        assert (await into).data == [cls("PASS")]
        assert (await into.raw()).data[0]["procedure"] == RUN["procedure"]


async def test_without_pydantic_nothing_changes(monkeypatch):
    monkeypatch.delitem(sys.modules, "pydantic")
    with pytest.raises(DecodeError, match="it is missing"):
        await made(own(lacking=str))


async def test_users_have_no_pages():
    body = json.encode([{"id": "u1", "email": "a@b.example"}])
    cls = own(email=str)
    assert (await Users(Connection(body)).list().into(cls)).data == [cls("a@b.example")]
    with pytest.raises(DecodeError) as caught:
        await Users(Connection(body)).list().into(own(email=int))
    assert caught.value.path == "$[0].email"
    with pytest.raises(ValueError, match="users have no details"):
        Users(Connection()).list().into(cls).details()


async def test_a_page_needs_what_raw_needs():
    """Paging tells items apart by their ID, also where the class does not have it."""
    for body in (page({"outcome": "PASS"}), page({"id": 3, "outcome": "PASS"})):
        with pytest.raises(DecodeError, match=r"^\$\.data\[0\]\.id: "):
            await Runs(Connection(body)).list().into(own(outcome=str))


@attrs.define
class Anything:
    raw_id: str = attrs.field(metadata={"path": "id"})


@pytest.fixture
async def sandbox():
    async with Sandbox(30, runs=140) as sandbox:
        yield sandbox


@pytest.fixture
async def session(sandbox):
    async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
        yield session


@pytest.mark.parametrize("name", NAMES)
async def test_every_way_through_a_listing_gives_them(session, sandbox, name):
    """In the order of raw items, with the same positions."""
    (procedure, *_) = sandbox.procedures
    options = required(name, procedure.id) | offered(name, max_items=130, concurrency=3)
    listing = getattr(session, name).list(**options)
    into, wanted = listing.into(Anything), [Anything(item["id"]) for item in await listing.raw().collect()]
    assert wanted
    assert await into.collect() == wanted
    assert await into.first() == wanted[0]
    assert [item async for page in into.pages() for item in page.data][: len(wanted)] == wanted
    assert await into.count() == await listing.count()
    async with listing.raw().since() as raw, into.since() as news:
        assert [item.raw_id async for item in news] == [item.id async for item in raw]
        assert news.watermark == raw.watermark
    walk = into.walk()
    found = await walk.take(7)
    rest = getattr(session, name).list(**options | {"cursor": walk.checkpoint, "max_items": None})
    assert found + await rest.into(Anything).collect() == [
        Anything(item.id) for item in await getattr(session, name).list(**options | {"max_items": None}).collect()
    ]


async def test_details_are_objects_of_the_class(session):
    """The class may have fields that only details have."""
    cls = own(id=str, phases=list[dict[str, Any]], serial=(str, at("unit.serial_number")))
    listing = session.runs.list(max_items=5).into(cls)
    details = listing.details()
    assert details.model is cls
    found = [item async for item in details]
    assert [item.id for item in found] == [run.id for run in await session.runs.list(max_items=5).collect()]
    assert found[0].phases
    assert await details.first() == found[0]
    async with details.since() as news:
        assert len([item async for item in news]) == 5
    with pytest.raises(DecodeError, match=r"^\$\.phases: expected an object, got an array"):
        await session.runs.list(max_items=1).into(own(phases=Procedure)).details().collect()
    plain = own(id=str)
    assert (await session.runs.list(max_items=1).into(plain).details().first()).id == found[0].id


async def test_shards_are_counted_and_listed(session):
    parts = await session.runs.list().into(Anything).shards(3)
    found = [item for part in parts for item in await session.list(part).into(Anything).collect()]
    assert sorted(item.raw_id for item in found) == sorted([run.id async for run in session.runs.list()])
    assert sum([await session.list(part).into(Anything).count() for part in parts]) == len(found)


async def test_a_stream_yields_them(session):
    async with session.runs.list(max_items=9).raw().since() as news:
        wanted = [item.id async for item in news]
    async with (
        session.runs.list(max_items=9).into(Anything).follow(since=session.runs.list().since().watermark) as stream
    ):
        assert [item.raw_id async for item in stream] == wanted


async def test_an_item_that_the_class_refuses_is_named_or_left_out(session, sandbox):
    """All others come, and no request is made a second time for nothing."""
    cls = own(id=str, duration=(timedelta, attrs.field(validator=attrs.validators.lt(timedelta(hours=100)))))
    runs = await session.runs.list(limit=20, max_items=60).collect()
    longest = max(runs, key=lambda run: run.duration)
    cls = own(id=str, duration=(timedelta, attrs.field(validator=attrs.validators.lt(longest.duration))))
    wanted = [run.id for run in runs if run.duration < longest.duration]
    walk = session.runs.list(limit=20, max_items=len(wanted), on_unreadable="skip").into(cls).walk()
    assert [item.id async for item in walk] == wanted
    assert walk.stats.unreadable >= 1
    with pytest.raises(DecodeError, match="'duration' must be < ") as caught:
        await session.runs.list(limit=20).into(cls).collect()
    assert runs[caught.value.position].duration == longest.duration
    sandbox.faults.next(faults.status(503))
    assert len(await session.runs.list(limit=20, max_items=3).into(own(id=str)).collect()) == 3


class Verdict(StrEnum):
    PASS = "PASS"
    FAIL = "FAIL"


@pytest.mark.parametrize("rare", [{}, {"attempts": 2.0}])
async def test_members_of_an_enumeration_of_texts_stay_members(rare):
    """Also where a body is in a rare form, so that it is not read at once."""

    @attrs.frozen
    class MyRun:
        outcome: Verdict
        attempts: int | None = None
        took: timedelta | None = None
        at: datetime | None = None

    run = await made(MyRun, **({"outcome": "FAIL", "took": "PT1M-5S", "at": "2026-02-01T10:00Z"} | rare))
    assert (run.outcome, type(run.outcome)) == (Verdict.FAIL, Verdict)
    assert run.took == timedelta(seconds=55)
    assert run.at == datetime(2026, 2, 1, 10, tzinfo=UTC)
    with pytest.raises(DecodeError, match=r"\$\.data\[0\]\.outcome: 'ERROR' is not a valid Verdict"):
        (await made(MyRun, **({"outcome": "ERROR"} | rare)))


@dataclass
class Lowered:
    outcome: str

    def __init__(self, outcome):
        self.outcome = outcome.lower()


@attrs.define
class Set:
    outcome: str

    def __setattr__(self, name, value):
        object.__setattr__(self, name, value.lower())


@dataclass
class New:
    outcome: str

    def __new__(cls, *_, **__):
        made = super().__new__(cls)
        made.is_new = True
        return made


@attrs.frozen(cache_hash=True)
class Hashed:
    outcome: str


async def test_what_a_class_does_itself_is_done():
    """msgspec would make these objects without it."""
    body = {"outcome": "PASS"}
    assert (await made(Lowered, **body)).outcome == "pass"
    assert (await made(Set, **body)).outcome == "pass"
    assert (await made(New, **body)).is_new
    assert hash(await made(Hashed, **body)) == hash(Hashed("PASS"))


@dataclass
class Var:
    outcome: InitVar[str]


@dataclass
class Data:
    outcome: str


@attrs.define
class Both(Data):
    id: str


class Judged(abc.Sized):
    """It lacks the method that its base asks for."""


@pytest.mark.parametrize(
    ("model", "fault"),
    [
        (Var, "'outcome' is an InitVar, and no field"),
        (Both, "it is made by attrs and by dataclass"),
        (dataclass(Judged), "Judged is abstract"),
        (own(inner=list[dataclass(Judged)]), "Judged is abstract"),
    ],
)
async def test_a_class_whose_objects_would_lack_something_is_refused(model, fault):
    with pytest.raises(TypeError, match=f"^model cannot be made of JSON, got .*{fault}"):
        (await made(model, outcome="PASS", id="1"))


async def test_faults_of_what_a_class_does_itself_are_named():
    """An error for a key of the class's own is not taken for one that the JSON lacks."""

    @attrs.frozen
    class MyRun:
        outcome: str = attrs.field(converter=lambda outcome: {"PASS": 1}[outcome])

    with pytest.raises(DecodeError, match=r"^\$\.data\[0\]: 'FAIL'"):
        (await made(MyRun, outcome="FAIL"))


@pytest.mark.parametrize(
    ("validator", "fault"),
    [
        (attrs.validators.in_(["FAIL"]), r"'outcome' must be in \['FAIL'\] \(got 'PASS'\)"),
        (
            attrs.validators.instance_of(int),
            r"'outcome' must be <class 'int'> \(got 'PASS' that is a <class 'str'>\)\.",
        ),
    ],
)
async def test_a_fault_of_a_validator_of_attrs_is_its_message_alone(validator, fault):
    with pytest.raises(DecodeError, match=rf"^\$\.data\[0\]: {fault}$"):
        await made(own(outcome=(str, attrs.field(validator=validator))))


class Member(TypedDict):
    name: str


async def test_a_fault_in_a_typed_dict_has_its_path():
    @attrs.frozen
    class MyRun:
        member: Member
        path: str = attrs.field(default="", metadata={"path": "a.b"})

    with pytest.raises(DecodeError, match=r"^\$\.data\[0\]\.member"):
        (await made(MyRun, member={}))


async def test_fields_without_a_type_are_as_in_json():
    assert (await made(attrs.make_class("MyRun", ["outcome"]), outcome=["PASS"])).outcome == ["PASS"]


async def test_keys_of_a_mapping_are_of_its_type():
    @attrs.frozen
    class MyRun:
        counts: dict[int, int]
        first: str = attrs.field(default="", metadata={"path": "a.b"})

    assert (await made(MyRun, counts={"3": 4})).counts == {3: 4}


async def test_a_strict_model_of_pydantic_reads_json():
    """From Python objects it would take no text for a time."""

    class MyRun(pydantic.BaseModel, strict=True):
        created_at: datetime

    assert (await made(MyRun)).created_at == datetime(2026, 2, 1, 10, tzinfo=UTC)


def test_a_model_of_pydantic_that_is_not_whole_is_refused():
    class MyRun(pydantic.BaseModel):
        outcome: "Missing"  # noqa: F821 - this is the fault

    with pytest.raises(TypeError, match=r"^model cannot be made of JSON, got .*name 'Missing' is not defined"):
        Runs(Connection()).list().into(MyRun)


async def test_an_error_does_not_tell_where_anybody_can_download():
    """Not even where a class quotes the value that it refuses."""

    def refuse(_, attribute, value):
        raise ValueError(f"{attribute.name} must not be {value}")

    @attrs.frozen
    class MyRun:
        download_url: str = attrs.field(validator=refuse)

    address = "https://storage.example.com/a.bin?X-Amz-Signature=0123456789abcdef"
    with pytest.raises(DecodeError, match=r"must not be https://storage\.example\.com/a\.bin\?\*\*\*") as caught:
        await made(MyRun, download_url=address)
    assert "0123456789abcdef" not in f"{caught.value!r} {caught.value} {caught.value.body}"


async def test_a_key_may_have_any_letters():
    cls = own(size=(int, at("metadata.größe", default=0)))
    assert (await made(cls, metadata={"größe": 3})).size == 3
    measured = make_dataclass("Measured", [("länge", int, 0)])
    again = "länge".encode().decode()  # not the same string, which would have its UTF-8 after it has been written
    assert await made(measured, **{again: 3}) == measured(3)


@pytest.mark.parametrize("note", [1, 1.0], ids=["by msgspec", "by cattrs"])
async def test_a_path_is_not_a_key_with_dots(note):
    cls = own(created_at=datetime, note=int, name=(str, at("procedure.name", default="none")))
    found = await made(cls, procedure={}, note=note, **{"procedure.name": "other"})
    assert found.name == "none"


class WithConstant:
    verdict = "a constant"


class WithGetattr:
    def __getattr__(self, name):
        return f"made up for {name}"


@pytest.mark.parametrize("base", [WithConstant, WithGetattr])
async def test_nothing_stands_in_for_a_key_that_is_missing(base):
    cls = attrs.define(slots=False)(type("MyRun", (base,), {"__annotations__": {"verdict": str}}))
    with pytest.raises(DecodeError, match="verdict: it is missing"):
        await made(cls)


@pytest.mark.parametrize(
    "kind", [deque[str], abc.MutableSequence[str], abc.Set[str], Annotated[Box, 1], "datetime.nothing", "list["]
)
def test_a_type_that_cannot_be_made_is_refused_at_once(kind):
    """A text is not a list of its letters."""
    with pytest.raises(TypeError, match="model cannot be made of JSON"):
        Runs(Connection()).list().into(own(tags=kind))


async def test_what_the_class_refuses_is_not_logged(caplog):
    """The fast way fails once, and the detailed way does not."""
    refused = []

    def once(value):
        if not refused:
            refused.append(value)
            raise ValueError(f"refused {value}")
        return value

    caplog.set_level("INFO")
    assert (await made(own(outcome=(str, attrs.field(converter=once))), outcome="https://h/a?Sig=secret")).outcome
    assert refused
    assert "because of their form: ValueError" in caplog.text
    assert "secret" not in caplog.text


class Strict(pydantic.BaseModel, strict=True):
    created_at: datetime
    tags: tuple[str, ...] = ()


class StrictField(pydantic.BaseModel):
    created_at: datetime = pydantic.Field(strict=True)


class StrictWithin(pydantic.BaseModel):
    inner: list[Strict]


@pytest.mark.parametrize(
    ("cls", "changes", "made_of"),
    [
        (StrictField, {}, lambda found: found.created_at),
        (StrictWithin, {"inner": [RUN]}, lambda found: found.inner[0].created_at),
        (own(inner=Strict), {"inner": RUN}, lambda found: found.inner.created_at),
        (own(inner=(StrictField, at("a.b"))), {"a": {"b": RUN}}, lambda found: found.inner.created_at),
        (own(inner=list[StrictWithin]), {"inner": [{"inner": [RUN]}]}, lambda it: it.inner[0].inner[0].created_at),
    ],
)
async def test_pydantic_reads_json_where_anything_in_a_model_is_strict(cls, changes, made_of):
    assert made_of(await made(cls, **changes)) == datetime(2026, 2, 1, 10, tzinfo=UTC)


class Fifty(Enum):
    NUMBER = 50


class SerialNumber(str):
    __slots__ = ()


class Small(int):
    def __new__(cls, value):
        if value > 9:
            raise ValueError(f"{value} is not small")
        return super().__new__(cls, value)


class Ratio(float):
    __slots__ = ()


Name = NewType("Name", SerialNumber)
Names = TypeAliasType("Names", list[Name])

RARE = {"rare": 50.0}


@pytest.mark.parametrize("rare", [{"rare": 50}, RARE], ids=["by msgspec", "by cattrs"])
@pytest.mark.parametrize(
    ("kind", "sent", "value"),
    [
        (SerialNumber, "A", SerialNumber("A")),
        (SerialNumber | None, "A", SerialNumber("A")),
        (SerialNumber | None, None, None),
        (Annotated[SerialNumber, "of a unit"], "A", SerialNumber("A")),
        (Name, "A", SerialNumber("A")),
        (Names, ["A"], [SerialNumber("A")]),
        (Final[int], 3, 3),
        (Small, 3, Small(3)),
        (Ratio, 3, Ratio(3)),
        (dict[str, SerialNumber], {"a": "A"}, {"a": SerialNumber("A")}),
        (dict[int, Procedure], {"3": {"name": "FVT"}}, {3: Procedure("FVT")}),
        (dict[Outcome, Procedure], {"PASS": {"name": "FVT"}}, {Outcome.PASS: Procedure("FVT")}),
        (abc.Mapping[Literal["a"] | int, int | None], {"a": 1, "3": None}, {"a": 1, 3: None}),
        (Literal[Outcome.PASS], "PASS", Outcome.PASS),
    ],
    ids=str,
)
async def test_a_value_has_the_very_class_of_its_annotation(kind, sent, value, rare):
    cls = own(value=kind, rare=(int, at("rare")))
    found = (await made(cls, value=sent, **rare)).value
    assert (found, type(found)) == (value, type(value))
    if isinstance(value, list | dict):
        assert [*map(type, found)] == [*map(type, value)]


@pytest.mark.parametrize(
    ("kind", "sent", "fault"), [(SerialNumber, 3, "expected a string, got a number"), (Small, 10, "10 is not small")]
)
async def test_a_derived_class_takes_no_other_json_than_its_base(kind, sent, fault):
    with pytest.raises(DecodeError, match=rf"^\$\.data\[0\]\.value: {fault}$"):
        await made(own(value=kind), value=sent)


class OfBytes(Box[bytes]):
    pass


class Whole(Box[int]):
    pass


U = TypeVar("U")


@attrs.define
class Listed(Box[list[U]], Generic[U]):
    more: dict[str, U]


class Member2(TypedDict):
    name: bytes


class Quoted(TypedDict):
    name: "str"
    note: "NotRequired[str]"


class Half(Quoted, total=False):
    price: float
    day: Required[date]


class Mixed(Enum):
    NUMBER = 1
    TEXT = "text"


class Moment(datetime):
    pass


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (bytes, "MyRun.x: no JSON is a <class 'bytes'>: use a type that JSON has, and convert its value in the class"),
        (NewType("Data", Opaque), "MyRun.x: no JSON is a <class "),
        (own(inner=list[Opaque]), "MyRun.inner: no JSON is a <class "),
        (OfA | own(y=Opaque), "MyRun.y: no JSON is a <class "),
        (OfA | own(y=(str, at("y.z"))), "MyRun.x: no JSON is a "),
        (Box[bytes], "no JSON is a <class 'bytes'>"),
        (OfBytes, "OfBytes.attempts: no JSON is a <class 'bytes'>"),
        (Listed[int], "Listed.attempts: no JSON is a ~U"),
        (Member2, "Member2.name: no JSON is a <class 'bytes'>"),
        (Mixed, "no JSON is a <enum 'Mixed'>"),
        (Moment, "no JSON is a <class"),
        (deque, "no JSON is a <class 'collections.deque'>"),
        (abc.Set, "no JSON is a <class 'collections.abc.Set'>"),
        (dict[bool, int], "no JSON is a dict[bool, int]"),
        (dict[Procedure, int], "no JSON is a dict["),
        (dict[Mixed, Procedure], "no JSON is a dict["),
        (set[Procedure], "no JSON is a set["),
        (set[list[int]], "no JSON is a set[list[int]]"),
        (Procedure | str, "no JSON is a "),
        (tuple[int, Procedure], "no JSON is a tuple[int, "),
    ],
    ids=str,
)
def test_a_type_is_refused_with_its_field_before_anything_is_sent(kind, reason):
    """cattrs would meet these only when a page comes, or make them of other JSON too."""
    with pytest.raises(TypeError, match=r"^model cannot be made of JSON, got <class") as caught:
        Runs(Connection()).list().into(own(x=kind))
    assert reason in str(caught.value)


@pytest.mark.parametrize("rare", [{"rare": 50}, RARE], ids=["by msgspec", "by cattrs"])
@pytest.mark.parametrize(
    ("kind", "changes", "value"),
    [
        (Whole, {"attempts": 2}, Whole(2)),
        (Box[Box[int]], {"attempts": {"attempts": 1}}, Box(Box(1))),
    ],
)
async def test_arguments_of_generic_classes_and_of_their_bases_count(kind, changes, value, rare):
    cls = own(inner=kind, name=(str, at("procedure.name")), rare=int)
    assert (await made(cls, inner=changes, **rare)).inner == value


@pytest.mark.parametrize("name", ["attrs", "cl", "converter", "typevar_map"])
def test_names_that_cattrs_has_for_itself_are_refused(name):
    with pytest.raises(TypeError, match=f"cattrs has the name '{name}' for itself: use another, and metadata="):
        Runs(Connection()).list().into(own(**{name: str}))


async def test_a_field_that_the_constructor_does_not_take_may_be_of_any_type():
    cls = own(outcome=str, opaque=(Opaque, attrs.field(init=False, default=None)), name=(str, at("procedure.name")))
    found = await made(cls, opaque=3)
    assert (found.opaque, found.name) == (None, "FVT")


POSITIVE = Annotated[int, msgspec.Meta(gt=0)]


@pytest.mark.parametrize("options", [PLAIN, CONVERTED], ids=["built by msgspec", "by cattrs"])
@pytest.mark.parametrize(
    ("kind", "sent", "value", "refused", "path", "fault"),
    [
        (POSITIVE, 3.0, 3, 0, ".x", "Expected `int` >= 1"),
        (POSITIVE | None, None, None, 0, ".x", "Expected `int` >= 1"),
        (NewType("Positive", POSITIVE), 3.0, 3, 0, ".x", "Expected `int` >= 1"),
        (list[POSITIVE], [3.0], [3], [1, 0], ".x[1]", "Expected `int` >= 1"),
        (dict[str, POSITIVE], {"a": 3.0}, {"a": 3}, {"a": 0}, ".x['a']", "Expected `int` >= 1"),
        (Annotated[list[str], msgspec.Meta(min_length=1)], ["a"], ["a"], [], ".x", "Expected `array` of length >= 1"),
        (Annotated[list[Procedure], msgspec.Meta(max_length=0)], [], [], [{"name": "a"}], ".x", "Expected `array` of"),
        (Annotated[timedelta, "long"], "PT1M-5S", timedelta(seconds=55), 0, ".x", "expected a duration"),
        (Annotated[Outcome, "how"], "PASS", Outcome.PASS, "NO", ".x", "Invalid enum value"),
        (Annotated[Procedure, "which"], {"name": "a"}, Procedure("a"), {}, ".x.name", "it is missing"),
    ],
    ids=str,
)
async def test_bounds_of_an_annotation_count(kind, sent, value, refused, path, fault, options):
    cls = own(x=(kind, attrs.field(**options)), rare=int)
    for rare in (50, 50.0):
        assert (await made(cls, x=sent, rare=rare)).x == value
        with pytest.raises(DecodeError, match=fault) as caught:
            await made(cls, x=refused, rare=rare)
        assert caught.value.path == f"$.data[0]{path}"


def test_bounds_that_msgspec_does_not_check_are_refused():
    with pytest.raises(TypeError, match=r"MyRun\.x: msgspec does not check .*: use a validator of the class"):
        Runs(Connection()).list().into(own(x=Annotated[SerialNumber, msgspec.Meta(min_length=3)]))


@pydantic.dataclasses.dataclass
class Measured:
    limit: Annotated[int, pydantic.Field(gt=3)] = field(metadata={"path": "at.most"})
    by: str = "nobody"


@pytest.mark.parametrize("at", ["", ".inner[0]"])
async def test_a_fault_of_a_dataclass_of_pydantic_names_its_path_and_no_value(at):
    """Its error quotes the values that it refuses."""
    item = {"at": {"most": 1}, "by": "ada@example.com"}
    cls, changes = (own(inner=list[Measured]), {"inner": [item]}) if at else (Measured, item)
    with pytest.raises(DecodeError) as caught:
        await made(cls, **changes)
    assert str(caught.value).splitlines()[0] == f"$.data[0]{at}.at.most: Input should be greater than 3"
    assert caught.value.path == f"$.data[0]{at}.at.most"


@pytest.mark.parametrize("options", [{"alias": "outcome"}, {"validation_alias": pydantic.AliasPath("unit", "part")}])
def test_an_alias_in_a_dataclass_of_pydantic_is_refused(options):
    """Its constructor takes the alias alone, and leaves the name out without an error."""

    @pydantic.dataclasses.dataclass
    class MyRun:
        verdict: Any = pydantic.Field("none", **options)

    with pytest.raises(TypeError, match="'verdict' has an alias of pydantic: use metadata="):
        Runs(Connection()).list().into(MyRun)


async def test_a_fault_of_what_a_constructor_calls_is_that_of_the_object():
    """An error of pydantic in a converter does not name a field of the class."""

    class Part(pydantic.BaseModel):
        number: int

    cls = own(number=int, part=(Any, attrs.field(default=None, converter=lambda _: Part.model_validate({}))))
    with pytest.raises(DecodeError, match="1 validation error for Part") as caught:
        await made(cls, number=1)
    assert caught.value.path == "$.data[0]"


EXACT = "1.23456789012345678901234"
PRICED = (
    '{"data": [{"id": "r1", "rare": %s, "price": %s, "of": %s, "any": %s, "object": %s}], "meta": {"has_more": false}}'
)


class PricedMember(TypedDict):
    price: Decimal


class WithAny(pydantic.BaseModel):
    x: Any


@attrs.define
class Converted:
    price: Decimal = attrs.field(converter=lambda value: value)


@pytest.mark.parametrize("rare", ["50", "50.0"], ids=["at once", "in detail"])
@pytest.mark.parametrize("options", [{}, {"parent": (Any, at("of"))}], ids=["", "with the parent of a path"])
@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (Decimal, "price"),
        (Decimal | None, "price"),
        (Annotated[Decimal, "of one"], "of.price"),
        (list[Decimal], None),
        (PricedMember, "of"),
        (Converted, "of"),
        (Converted | None, "of"),
        (Converted | OfA, "of"),
        (dict[str, Decimal], "of"),
    ],
    ids=str,
)
async def test_a_decimal_has_all_digits_of_the_json(kind, path, rare, options):
    """A float has 17 of them at most. What has another type stays a float."""
    part = f'{{"price": {EXACT}}}'
    body = (PRICED % (rare, EXACT if path else f"[{EXACT}]", part, part, part)).encode()
    cls = own(value=(kind, at(path or "price")), rare=int, any=Any, object=object, **options)
    (found,) = (await Runs(Connection(body)).list().into(cls)).data
    price = getattr(found.value, "price", found.value)
    if isinstance(price, list | dict):
        (price,) = price.values() if isinstance(price, dict) else price
    assert str(price) == EXACT
    for other in (found.any, found.object, *([found.parent] if options else [])):
        assert type(other["price"]) is float


@pytest.mark.parametrize("rare", [50, 50.0], ids=["at once", "in detail"])
@pytest.mark.parametrize("kind", [list[Any], tuple[Any, ...], set[Any], typing.Sequence, dict[str, list[Any]]], ids=str)
async def test_a_member_that_may_be_anything_stays_a_float(kind, rare):
    sent = {"a": [1.5]} if kind == dict[str, list[Any]] else [1.5]
    found = (await made(own(x=(kind, at("a.b")), parent=(Any, at("a")), rare=int), a={"b": sent}, rare=rare)).x
    assert [type(one) for one in (found["a"] if isinstance(found, dict) else found)] == [float]


@pytest.mark.parametrize("rare", ["50", "50.0"], ids=["at once", "in detail"])
@pytest.mark.parametrize("kind", [Any, object, int | float, dict[str, Any], WithAny], ids=str)
@pytest.mark.parametrize("sent", ["1.5e1", "0E0", "1e-9999999999999999999"])
async def test_a_float_with_an_exponent_does_not_become_an_integer(sent, kind, rare):
    """As a Decimal, it is an integer, or too small for one."""
    is_inside = kind in {dict[str, Any], WithAny}
    body = PRICED % (rare, f'{{"x": {sent}}}' if is_inside else sent, "{}", "{}", "{}")
    (found,) = (await Runs(Connection(body.encode())).list().into(own(price=kind, rare=int))).data
    value = found.price if not is_inside else found.price["x"] if isinstance(found.price, dict) else found.price.x
    assert (value, type(value)) == (float(sent), float)


async def test_a_typed_dict_has_no_other_keys():
    cls = own(member=Member)
    assert (await made(cls, member={"name": "x", "price": 1.5})).member == {"name": "x"}
    with pytest.raises(DecodeError, match="member: expected an object, got null"):
        await made(cls, member=None)


async def test_keys_of_a_typed_dict_are_required_as_it_says():
    """Also in quotes, as after ``from __future__ import annotations``."""
    cls = own(member=Half)
    sent = {"name": "x", "day": "2026-02-01"}
    assert (await made(cls, member=sent)).member == {"name": "x", "day": date(2026, 2, 1)}
    for key in sent:
        with pytest.raises(DecodeError, match=rf"member\.{key}: it is missing"):
            await made(cls, member={name: value for name, value in sent.items() if name != key})


def test_a_module_that_python_does_not_list_may_have_the_class():
    """The methods that a dataclass makes know no name of such a module."""
    Runs(Connection()).list().into(dataclass(type("MyRun", (), {"__module__": "nowhere", "__annotations__": {}})))


@pytest.mark.parametrize("kind", [float, Ratio, list[Ratio], Any])
async def test_a_number_that_no_float_holds_is_refused(kind):
    """It does not become infinity."""
    sent = "[1e400]" if kind == list[Ratio] else "1e400"
    body = f'{{"data": [{{"id": "r1", "ratio": {sent}}}], "meta": {{"has_more": false}}}}'.encode()
    with pytest.raises(DecodeError, match="out of range"):
        await Runs(Connection(body)).list().into(own(ratio=kind))


async def test_a_fault_with_a_decimal_names_a_number():
    with pytest.raises(DecodeError, match=r"^\$\.data\[0\]\.value: expected an object, got a number$") as caught:
        await made(own(value=Procedure, price=Decimal), value=1.5)
    assert b'"value":1.5' in caught.value.body


def test_the_base_of_all_pydantic_models_is_not_a_model():
    with pytest.raises(TypeError, match=r"^model must be an attrs class, a dataclass or a pydantic model, got <class"):
        Runs(Connection()).list().into(pydantic.BaseModel)


async def test_names_that_attrs_has_resolved_count():
    """msgspec and the type hints of Python do not know the names of a function."""

    @attrs.define
    class Inner:
        name: "str"

    @attrs.define
    class MyRun:
        procedure: "Inner"
        more: "list[Inner]" = attrs.field(factory=list)

    attrs.resolve_types(MyRun, globals(), locals())
    assert await made(MyRun, more=[{"name": "x"}]) == MyRun(Inner("FVT"), [Inner("x")])


@pytest.mark.parametrize(
    ("kind", "sent", "value"),
    [
        (int, 50.0, 50),
        (int | None, 50.0, 50),
        (list[int], [50.0], [50]),
        (dict[str, int], {"a": 50.0}, {"a": 50}),
        (int | str, 50.0, None),
        (tuple[int, str], [50.0, "a"], None),
        (Literal[50], 50.0, None),
        (Fifty, 50.0, None),
    ],
    ids=str,
)
async def test_an_integer_may_be_written_as_a_float_where_nothing_else_may_be(kind, sent, value):
    if value is None:
        with pytest.raises(DecodeError, match=r"Expected `int.*, got `float`"):
            await made(own(x=kind), x=sent)
    else:
        assert (await made(own(x=kind), x=sent)).x == value
