"""Items as objects of the user's own class.

- `into()` makes objects of your own class of attrs, dataclass or pydantic model, in every way through every listing;
  a fault names its path.
"""

from collections import abc
from dataclasses import dataclass, field, make_dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Annotated, Any, Literal, TypedDict
from uuid import UUID

import attrs
import cattrs
import pydantic
import pytest
from cattrs.gen import make_dict_structure_fn, override
from cattrs.preconf.json import make_converter
from fakes.listings import Connection, offered, required
from msgspec import json

from aiotofupilot import DecodeError, RawItem, Repository
from aiotofupilot.listings import NAMES, Procedures, Runs, Users
from aiotofupilot.sandbox import Sandbox, faults
from aiotofupilot.testing import FakeClock, session_in_process


@attrs.frozen
class Procedure:
    name: str


class Outcome(Enum):
    PASS = "PASS"
    FAIL = "FAIL"


class Verdict(StrEnum):
    PASS = "PASS"
    FAIL = "FAIL"


class SerialNumber(str):
    __slots__ = ()


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
    "uid": "12345678-1234-5678-1234-567812345678",
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


async def made(cls, converter=None, **changes):
    """Return the object of a class that comes of an item with other values. ``...`` is a key that is missing."""
    item = {key: value for key, value in (RUN | changes).items() if value is not ...}
    (found,) = (await Runs(Connection(page(item))).list().into(cls, converter=converter)).data
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
    (datetime, "created_at", datetime(2026, 2, 1, 10, tzinfo=UTC)),
    (timedelta | None, "duration", timedelta(seconds=90.5)),
    (Decimal, "price", Decimal("1.10")),
    (UUID, "uid", UUID(int=0x12345678123456781234567812345678)),
    (Any, "procedure", RUN["procedure"]),
    (Outcome, "outcome", Outcome.PASS),
    (Verdict | None, "outcome", Verdict.PASS),
    (SerialNumber, "outcome", SerialNumber("PASS")),
    (str | None, "nothing", None),
    (int | str, "attempts", 2),
    (tuple[str, ...], "tags", ("a", "b")),
    (set[str], "tags", {"a", "b"}),
    (abc.Sequence[str], "tags", ["a", "b"]),
    (list[float | None], "points", [1, 2.5, None]),
    (dict[str, str | int], "metadata", {"shift": "A", "cycle": 3}),
    (Procedure, "procedure", Procedure("FVT")),
    (Procedure | None, "nothing", None),
]


@pytest.mark.parametrize("options", [{}, {"converter": lambda value: value}], ids=["", "with a converter"])
@pytest.mark.parametrize(("kind", "name", "value"), FIELDS, ids=[f"{kind} {name}" for kind, name, _ in FIELDS])
async def test_a_field_has_the_type_of_its_annotation(kind, name, value, options):
    """Also where the item next to it is in a rare form: an integer that is written 50.0, which older servers did."""
    cls = own(**{name: (kind, attrs.field(**options)), "rare": int})
    for rare in (50, 50.0):
        found = await made(cls, rare=rare)
        assert (getattr(found, name), type(getattr(found, name)), found.rare) == (value, type(value), 50)


@attrs.define
class Step:
    name: str
    by: str | None = at("by.name")


@attrs.define
class Deep:
    """Others of its kind are in it, under names that the class has not yet."""

    name: str = at("name")
    above: "Deep | None" = at("by", default=None)  # noqa: RUF009 - it is a field of attrs
    who: str | None = at("by.name", default=None)
    more: list["Deep"] = attrs.field(factory=list)


@dataclass
class Chain:
    name: str
    by: "Chain | None" = None
    more: list["Chain"] = field(default_factory=list)


@pytest.mark.parametrize("wrong", [False, True], ids=["", "in a page with a rare form"])
async def test_classes_in_classes_have_paths_of_their_own(wrong):
    cls = own(
        steps=list[Step],
        chains=(list[Chain], at("steps")),
        deep=(list[Deep], at("steps")),
        unit=dict[str, Any],
        serial=(str, at("unit.serial_number")),
        part=(str, at("unit.part.number")),
        revision=(str | None, at("unit.part.revision.number")),
        attempts=int,
    )
    found = await made(cls, **({"attempts": 2.0} if wrong else {}))
    assert (found.steps, found.attempts) == ([Step("one", "Ada"), Step("two", None)], 2)
    assert found.chains == [Chain("one", Chain("Ada")), Chain("two")]
    assert found.deep == [Deep("one", Deep("Ada"), "Ada"), Deep("two")]
    assert found.unit == RUN["unit"]
    assert (found.serial, found.part, found.revision) == ("SN1", "PN1", "A")


@pytest.mark.parametrize("cls", [Deep, Chain])
async def test_a_name_may_be_within_an_annotation(cls):
    assert await made(cls, name="a", more=[{"name": "b"}]) == cls("a", more=[cls("b")])
    with pytest.raises(DecodeError) as caught:
        await made(cls, name="a", more=[{"name": "b"}, {"name": 3}])
    assert caught.value.path == "$.data[0].more[1].name"


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
    data = make_dataclass("MyRun", [("by", str, field(default="-", metadata={"path": "operated_by.name"}))])
    assert await made(data) == data("-")


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
    class Titled:
        outcome: str
        total: int = field(init=False, default=0)

        def __post_init__(self):
            self.outcome = self.outcome.title()

    class Undecorated(Procedure):
        pass

    found = await made(Checked, _created_at="2026-02-01T10:00:00Z")
    assert (found.outcome, found.twice, found.whole) == ("pass", 4, "passpass")
    assert await made(Titled) == Titled("Pass")
    assert type(await made(Undecorated, name="x")) is Undecorated
    with pytest.raises(DecodeError, match=r"^\$\.data\[0\].*: 'attempts' must be > 1: 1$"):
        await made(Checked, attempts=1, _created_at="2026-02-01T10:00:00Z")


class Member(TypedDict):
    name: str


LACKING = [
    (own(nothing_there=str), {}, ".nothing_there", "it is missing"),
    (own(outcome=int), {}, ".outcome", "expected an integer, got a string"),
    (own(outcome=str), {"outcome": None}, ".outcome", "expected a string, got null"),
    (own(outcome=SerialNumber), {"outcome": 3}, ".outcome", "expected a string, got a number"),
    (own(outcome=datetime), {}, ".outcome", "Invalid isoformat string: 'PASS'"),
    (own(created_at=datetime), {"created_at": "2026-02-01T10:00"}, ".created_at", "expected a date-time with a UTC"),
    (own(outcome=Decimal), {}, ".outcome", "Invalid decimal string"),
    (own(outcome=Verdict), {"outcome": "ERROR"}, ".outcome", "'ERROR' is not a valid Verdict"),
    (own(outcome=Literal["FAIL"]), {}, ".outcome", "PASS not in literal"),
    (own(tags=list[int]), {}, ".tags[0]", "expected an integer, got a string"),
    (own(tags=list[str]), {"tags": "ab"}, ".tags", "expected an array, got a string"),
    (own(metadata=dict[str, int]), {}, ".metadata['shift']", "expected an integer, got a string"),
    (own(metadata=dict[Outcome, Procedure]), {"metadata": {"PASS": {}}}, ".metadata['PASS'].name", "it is missing"),
    (own(member=Member), {"member": {"name": 3}}, ".member.name", "expected a string, got a number"),
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


class Part(pydantic.BaseModel):
    number: int


class Unit(pydantic.BaseModel):
    serial: str = pydantic.Field(validation_alias=pydantic.AliasPath("serial_number"))
    part: Part


class Strict(pydantic.BaseModel, strict=True):
    created_at: datetime
    tags: tuple[str, ...] = ()


@pydantic.dataclasses.dataclass
class Measured:
    limit: Annotated[int, pydantic.Field(gt=3)]
    verdict: str = pydantic.Field("none", validation_alias="outcome")


UNIT = {"serial_number": "S", "part": {"number": "7"}}


@pytest.mark.parametrize(
    ("cls", "changes", "path", "fault"),
    [
        (own(unit=Unit), {}, ".unit.part.number", "Input should be a valid integer"),
        (Unit, {"serial_number": "S", "part": {"number": "x"}}, ".part.number", "Input should be a valid integer"),
        (own(units=list[Unit]), {"units": [UNIT, {}]}, ".units[1].serial_number", "Field required"),
        (Measured, {"limit": 1}, ".limit", "Input should be greater than 3"),
        (own(inner=list[Measured]), {"inner": [{"limit": 1}]}, ".inner[0].limit", "Input should be greater than 3"),
    ],
)
async def test_a_fault_of_pydantic_names_its_path_and_no_value(cls, changes, path, fault):
    with pytest.raises(DecodeError) as caught:
        await made(cls, **changes)
    assert (caught.value.path, caught.value.__context__) == (f"$.data[0]{path}", None)
    assert str(caught.value).splitlines()[0].startswith(f"$.data[0]{path}: {fault}")


async def test_pydantic_reads_the_json_by_its_own_rules():
    """Of Python objects, a strict model would take no text for a time."""
    assert (await made(own(unit=Unit), unit=UNIT)).unit.part.number == 7
    wanted = datetime(2026, 2, 1, 10, tzinfo=UTC)
    assert (await made(Strict)).created_at == wanted
    assert (await made(own(inner=list[Strict]), inner=[RUN])).inner[0].created_at == wanted
    assert (await made(own(inner=(Strict, at("a.b"))), a={"b": RUN})).inner.created_at == wanted
    assert (await made(Measured, limit="4")).verdict == "PASS"


class Opaque:
    """A class of which neither attrs nor cattrs knows."""

    def __init__(self, outcome):
        self.outcome = outcome


@pytest.fixture
def converter():
    """A converter with rules of its own."""
    converter = make_converter()
    converter.register_structure_hook(datetime, lambda text, _: datetime.fromisoformat(text).replace(tzinfo=None))
    converter.register_structure_hook(Opaque, lambda value, _: Opaque(value["outcome"]))
    return converter


@pytest.mark.parametrize("kind", [attrs.frozen, attrs.define, dataclass])
async def test_ones_own_converter_makes_the_objects(kind, converter):
    """Of what `raw` shows, by its own rules. Paths are found for it, and it is not changed."""
    cls = own(kind, created_at=datetime, attempts=str)
    assert await made(cls, converter) == cls(datetime(2026, 2, 1, 10), "2")  # noqa: DTZ001 - that is the rule
    cls = attrs.make_class("MyRun", {"part": at("unit.part.number", type=str)})
    assert await made(cls, converter) == cls("PN1")
    assert converter.structure({"part": "x"}, cls) == cls("x")
    renamed = own(kind, how=str)
    converter.register_structure_hook(
        renamed, make_dict_structure_fn(renamed, converter, how=override(rename="outcome"))
    )
    assert await made(renamed, converter) == renamed("PASS")
    assert (await made(Opaque, converter)).outcome == "PASS"


async def test_details_are_made_by_ones_own_converter_too(session, converter):
    cls = own(created_at=datetime)
    run = await session.runs.list().into(cls, converter=converter).details().first()
    assert run.created_at.tzinfo is None


async def test_a_fault_that_ones_own_converter_finds_names_its_item_and_path(converter):
    cls = own(created_at=datetime, by=(str, at("unit.of.name")))
    with pytest.raises(DecodeError) as caught:
        await made(cls, converter, unit={"of": {"name": "x"}}, created_at="never")
    assert (caught.value.item, caught.value.path) == (0, "$.data[0].created_at")
    with pytest.raises(DecodeError, match=r"^\$\.data\[0\]\.unit\.of\.name: it is missing$"):
        await made(cls, converter)


def test_what_is_no_converter_is_refused():
    with pytest.raises(TypeError, match=r"^converter must be a Converter of cattrs, got <class") as caught:
        Runs(Connection()).list().into(Procedure, converter=cattrs.Converter)
    assert caught.value.parameter == "converter"


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


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Opaque, "Unsupported type: <class "),
        (list[Opaque], "Unsupported type: <class "),
        ("Nowhere", "name 'Nowhere' is not defined"),
        (dict[str, list[OfA | own(a=str)]], "OfA"),
        ((str, at("")), "the path of 'x' must be keys with dots in between, got ''"),
        ((str, at("a..b")), "the path of 'x' must be keys with dots in between, got 'a..b'"),
        ((str, at(3)), "the path of 'x' must be keys with dots in between, got 3"),
    ],
    ids=str,
)
def test_a_class_that_cattrs_cannot_make_is_refused_before_anything_is_sent(kind, reason):
    with pytest.raises(TypeError, match=r"^model cannot be made from JSON, got <class") as caught:
        Runs(Connection()).list().into(own(x=kind))
    assert reason in str(caught.value)
    assert caught.value.parameter == "model"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_page_shows_them_in_a_notebook(kind):
    shown = (await Runs(Connection(page(RUN))).list().into(own(KINDS[kind], outcome=str, tags=list[str])))._repr_html_()
    assert "<th>outcome</th><th>tags</th></tr><tr><td>PASS</td><td>a, b</td>" in shown


async def test_it_takes_the_place_of_other_forms():
    listing = Runs(Connection(page(RUN))).list()
    cls = own(outcome=str)
    for before in (listing, listing.raw(), listing.into(Procedure)):
        into = before.into(cls)
        assert into.model is cls
        assert (await into).data == [cls("PASS")]
        assert (await into.raw()).data[0]["procedure"] == RUN["procedure"]


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
    """A session whose time stands still, because a watermark can depend on how long requests take."""
    async with session_in_process(sandbox, FakeClock()) as session:
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


async def test_what_the_class_refuses_is_not_logged(caplog):
    """The fast way fails once, and the detailed way does not."""
    refused = []

    def once(value):
        if not refused:
            refused.append(value)
            raise ValueError(f"refused {value}")
        return value

    caplog.set_level("DEBUG")
    assert (await made(own(outcome=(str, attrs.field(converter=once))), outcome="https://h/a?Sig=secret")).outcome
    assert refused
    assert "secret" not in caplog.text


async def test_a_key_may_have_any_letters_and_a_path_is_not_a_key_with_dots():
    cls = own(created_at=datetime, size=(int, at("metadata.größe")), name=(str, at("procedure.name", default="none")))
    found = await made(cls, metadata={"größe": 3}, procedure={}, **{"procedure.name": "other"})
    assert (found.size, found.name) == (3, "none")


@pytest.mark.parametrize("kind", [float, list[float], Any])
async def test_a_number_that_no_float_holds_is_refused(kind):
    """It does not become infinity."""
    sent = "[1e400]" if kind == list[float] else "1e400"
    body = f'{{"data": [{{"id": "r1", "ratio": {sent}}}], "meta": {{"has_more": false}}}}'.encode()
    with pytest.raises(DecodeError, match="out of range"):
        await Runs(Connection(body)).list().into(own(ratio=kind))
