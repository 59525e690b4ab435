"""Models and structs as msgspec makes them."""

import pickle
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from threading import Event, Lock, Thread

import attrs
import pytest
from fakes.wire_listings import EVERYTHING, EXAMPLES, MODELS, PageDecoder, body, is_bare
from msgspec import json

from aiotofupilot._wire import structs as wire_structs
from aiotofupilot._wire.structs import parsed_type
from aiotofupilot.models import PageMeta, Procedure, Repository


@pytest.mark.parametrize("structs", [False, True])
def test_a_field_is_parsed_by_its_name_on_the_wire(structs):
    """The model's own names stay the names of the attributes."""
    parse = json.Decoder(parsed_type(Repository, structs=structs)).decode
    repository = parse(b'{"id":"r","name":"n","fullName":"o/n","full_name":"of an older server"}')
    assert (repository.full_name, repository.provider) == ("o/n", None)


def test_an_object_of_a_renamed_model_is_as_one_of_the_constructor():
    made, kind = Repository("r", "n", "o/n"), parsed_type(Repository, structs=False)
    parsed = json.decode(b'{"id":"r","name":"n","fullName":"o/n"}', type=kind)
    assert (hash(parsed), repr(parsed), attrs.asdict(parsed)) == (hash(made), repr(made), attrs.asdict(made))
    assert pickle.loads(pickle.dumps(parsed)) == attrs.evolve(parsed, full_name="o/n") == parsed == made  # noqa: S301
    for name in ("full_name", "fullName"):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(parsed, name, "o/m")


def test_a_model_that_somebody_else_had_read_before_is_read_again():
    model = attrs.make_class("Model", {"number": attrs.field(metadata={"wire": "theNumber"}, type=int)}, slots=True)
    assert json.decode(b'{"number":1}', type=model) == model(1)
    assert json.decode(b'{"theNumber":2}', type=parsed_type(model, structs=False)) == model(2)


def test_a_model_is_parsed_as_itself():
    assert [name for name, model in MODELS.items() if parsed_type(model, structs=False) is not model] == []


@pytest.mark.parametrize("kind", [bytes, set[str], complex | float, Mapping[str, bytes], object], ids=str)
def test_a_type_that_no_model_has_is_refused(kind):
    """It would otherwise be decoded in a way that nobody chose."""
    with pytest.raises(TypeError, match=r"^the wire has no type for "):
        parsed_type(kind, structs=False)


def decoded(name, document):
    """A page as models and as structs."""
    return [
        PageDecoder(MODELS[name], bare=is_bare(name), structs=structs)(json.encode(document), 0)
        for structs in (False, True)
    ]


def test_structs_have_the_values_of_the_models():
    for name in MODELS:
        models, structs = decoded(name, body(name, EXAMPLES[name], EVERYTHING[name]))
        assert repr(structs.data) == repr(models.data)
        assert not isinstance(structs.data[0], MODELS[name])
        assert structs.meta == models.meta
        assert type(structs.meta) is PageMeta


def test_a_page_in_a_format_that_is_seldom_met_has_models():
    """They have the same attributes, so that a reader of values need not care."""
    _, page = decoded("procedures", body("procedures", EXAMPLES["procedures"] | {"created_at": "2026-03-02T08:14Z"}))
    assert isinstance(page.data[0], Procedure)


class WatchedLock:
    """Says when a thread waits for it."""

    def __init__(self):
        self.lock, self.is_awaited = Lock(), Event()

    def __enter__(self):
        if not self.lock.acquire(blocking=False):
            self.is_awaited.set()
            self.lock.acquire()

    def __exit__(self, *_):
        self.lock.release()


def test_another_thread_sees_a_model_as_it_is_while_msgspec_reads_it(monkeypatch):
    """The lock is private, and no public name says that a thread waits for it."""

    @attrs.frozen
    class Model:
        created_at: datetime = attrs.field(metadata={"wire": "createdAt"})

    def names():
        return [field.name for field in attrs.fields(Model)]

    def look():
        seen.append(names())
        parsed_type(Model, structs=False)

    seen, lock, second = [], WatchedLock(), Thread(target=look)

    def decoder(_):
        seen.append(names())
        second.start()
        lock.is_awaited.wait()

    monkeypatch.setattr(wire_structs, "_lock", lock)
    monkeypatch.setattr(wire_structs.msgspec.json, "Decoder", decoder)
    parsed_type(Model, structs=False)
    second.join()
    assert (seen, names()) == ([["createdAt"], ["created_at"]], ["created_at"])
    assert Model.__annotations__ == {"created_at": datetime}


OWN_FIRST = """
import attrs
from aiotofupilot import DecodeError, from_wire
from aiotofupilot._wire.codec import decoder
from aiotofupilot._wire.own import own_decoder
from aiotofupilot.models import LastRun

item = b'{"id": "r", "outcome": "PASS", "started_at": "2026-02-01T10:00:00", "ended_at": null, "procedure": null}'
cls = attrs.make_class("MyUnit", {"last": attrs.field(type=LastRun)})
for read, body in ((own_decoder(cls), b'{"last": %s}' % item), (own_decoder(LastRun), item), (decoder(LastRun), item)):
    try:
        print(read(body))
    except DecodeError as error:
        print(error)
"""


def test_a_model_in_a_class_is_read_as_by_itself():
    """Also afterwards. msgspec keeps what it has read of a class, so the first reading counts for the whole process."""
    command = [sys.executable, "-c", OWN_FIRST]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - it is from here
    fault = "started_at: expected a date-time with a UTC offset, got '2026-02-01T10:00:00'"
    assert lines.splitlines() == [f"$.last.{fault}", f"$.{fault}", f"$.{fault}"]
