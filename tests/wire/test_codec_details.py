"""What the server returns by itself: each example of the API, what may be absent or null, JSON values, and faults.

- At most the host of an attachment's address is in a repr, an error, its cause or traceback, a log record or a span.
"""

from copy import deepcopy
from math import isnan, nan

import pytest
from attrs import evolve, fields_dict
from fakes.wire_details import DETAILS, EXAMPLES, MODELS
from msgspec import json

from aiotofupilot import DecodeError, InvalidJSONError, from_wire, to_wire
from aiotofupilot._wire.codec import Decoder
from aiotofupilot.models import Attachment, DataSeries, Log, RunMeasurement, RunPhase
from aiotofupilot.models.fields import fields_of

(RUN, _), (UNIT, _) = EXAMPLES["runs"], EXAMPLES["units"]


def lost(wire, ours, path="$"):
    """Yield the paths of what differs. A field that the wire leaves out is empty here."""
    if isinstance(wire, dict) and isinstance(ours, dict):
        for key in wire.keys() | ours.keys():
            if key in wire:
                yield from lost(wire[key], ours.get(key, "lost"), f"{path}.{key}")
            elif ours[key] or (isinstance(ours[key], int) and ours[key] is not False):
                yield f"{path}.{key}"
    elif isinstance(wire, list) and isinstance(ours, list) and len(wire) == len(ours):
        for at, (one, other) in enumerate(zip(wire, ours, strict=True)):
            yield from lost(one, other, f"{path}[{at}]")
    elif wire != ours or isinstance(wire, bool) != isinstance(ours, bool):
        yield path


def test_an_example_is_the_same_in_both_ways_and_back_on_the_wire():
    """The API's own example loses nothing, whichever way it is decoded."""
    for name, model, example in DETAILS:
        decode, body = Decoder(model), json.encode(example)
        item = decode._at_once(body)
        assert type(item) is model is MODELS[name]
        assert decode(body) == item == from_wire(example, model)
        assert repr(decode._in_detail(body)) == repr(item)  # unlike ==, repr tells 1, 1.0 and True apart
        assert [*lost(example, json.decode(json.encode(to_wire(item))))] == []
        assert from_wire(json.decode(json.encode(to_wire(item))), model) == item


def test_a_detail_has_a_hash_and_its_mappings_are_left_out():
    for name, model, example in DETAILS:
        assert len({from_wire(example, model), from_wire(deepcopy(example), model)}) == 1, name


def test_what_may_be_absent_has_its_default_and_null_is_as_good():
    """Older servers leave fields out, and the official SDK takes null in the place of most absent fields."""
    for name, model, example in DETAILS:
        for field in fields_of(model):
            if field.default in ((), None):
                absent = {key: value for key, value in example.items() if key != field.wire_name}
                for document in (absent, {**absent, field.wire_name: None}):
                    item = Decoder(model)(json.encode(document))
                    assert getattr(item, field.name) == field.default, (name, field.name)


def test_what_the_official_sdk_demands_may_be_null_where_the_listings_have_null():
    """One log line without a source file would otherwise lose the whole run."""
    run = deepcopy(RUN)
    run["logs"][0] |= {"source_file": None, "line_number": None}
    run["phases"][0] |= {"started_at": None, "ended_at": None, "duration": None}
    item = Decoder(MODELS["runs"])(json.encode(run))
    assert (item.logs[0].source_file, item.logs[0].line_number) == (None, None)
    assert (item.phases[0].started_at, item.phases[0].ended_at, item.phases[0].duration) == (None, None, None)


def measurement(**fields):
    return {"id": "m", "name": "n", "outcome": "PASS", "validators": None, **fields}


class TestValue:
    @pytest.mark.parametrize(
        ("sent", "value"),
        [
            (3, 3),
            (3.0, 3.0),
            (True, True),
            ("PASS", "PASS"),
            (None, None),
            ([[1, 2.5], [3, 4]], ((1, 2.5), (3, 4))),
            ({"a": [1, {"b": [None, [], {}]}]}, {"a": (1, {"b": (None, (), {})})}),
            ([], ()),
        ],
    )
    def test_a_measured_value_is_any_value_of_json_with_tuples_as_arrays(self, sent, value):
        decode, body = Decoder(RunMeasurement), json.encode(measurement(measured_value=sent))
        for item in (decode._at_once(body), decode._in_detail(body)):
            assert repr(item.measured_value) == repr(value)
            assert json.decode(json.encode(to_wire(item)))["measured_value"] == sent

    def test_a_model_that_a_program_makes_has_tuples_too(self):
        made = RunMeasurement(**measurement(measured_value=[1, [2]]))
        assert made.measured_value == (1, (2,))
        assert evolve(made, name="other").measured_value == (1, (2,))

    def test_what_is_nested_too_deeply_is_a_decode_error(self):
        """A server cannot make the client fail with an error that is not its own."""
        deep = b"[" * 5000 + b"]" * 5000
        body = json.encode(measurement()).removesuffix(b"}") + b',"measured_value":' + deep + b"}"
        with pytest.raises(DecodeError):
            Decoder(RunMeasurement)(body)


class TestSeries:
    def test_points_are_floats(self):
        """Whoever computes with them need not tell 1 and 1.0 apart."""
        decode, body = Decoder(DataSeries), b'{"data":[0,0.5,1],"units":null}'
        for item in (decode._at_once(body), decode._in_detail(body)):
            assert repr(item.data) == "(0.0, 0.5, 1.0)"

    def test_null_is_nan_and_the_reverse(self):
        """JSON has no NaN. JavaScript writes null for it, and the official SDK loses the whole run."""
        series = Decoder(DataSeries)(b'{"data":[1,null,2.5],"units":"V"}')
        assert isnan(series.data[1])
        assert to_wire(series)["data"] == [1.0, None, 2.5]
        assert from_wire(to_wire(series), DataSeries) == series
        assert series == DataSeries(data=(1.0, nan, 2.5), units="V")

    @pytest.mark.parametrize(
        ("data", "path", "fault"),
        [
            ('[1,"2"]', "$.data[1]", "expected a number, got a string"),
            ("[null,true]", "$.data[1]", "expected a number, got a boolean"),
            ("null", "$.data", "expected an array, got null"),
            ("5", "$.data", "expected an array, got a number"),
            ("[1" + "0" * 400 + "]", "$.data", "int too large to convert to float"),
        ],
    )
    def test_what_is_not_an_array_of_numbers_is_refused(self, data, path, fault):
        with pytest.raises(DecodeError) as caught:
            Decoder(DataSeries)(f'{{"data":{data},"units":null}}'.encode())
        assert (caught.value.path, str(caught.value)) == (path, f"{path}: {fault}")

    def test_a_long_series_is_not_shown_whole(self):
        """A run can have millions of points, and whoever prints it wants to read it."""
        assert "data=<100000 points>" in repr(DataSeries(data=(1.5,) * 100_000, units=None))
        assert "data=(1.5, 2.5)" in repr(DataSeries(data=(1.5, 2.5), units=None))


class TestAttachment:
    def test_it_knows_what_it_is_attached_to(self):
        """With this, a new address can be asked for when the old one has expired. The wire does not have it."""
        run, unit = from_wire(RUN, MODELS["runs"]), from_wire(UNIT, MODELS["units"])
        assert {attachment.owner for attachment in run.attachments} == {("runs", RUN["id"])}
        assert {attachment.owner for attachment in unit.attachments} == {("units", UNIT["serial_number"])}
        assert Decoder(MODELS["runs"])(json.encode(RUN)).attachments[0].owner == ("runs", RUN["id"])
        assert "owner" not in to_wire(run)["attachments"][0]
        assert from_wire({**RUN["attachments"][0], "owner": ["x", "y"]}, Attachment).owner is None
        sent = deepcopy(RUN)
        sent["attachments"][0]["owner"] = ["units", "of another run"]
        assert Decoder(MODELS["runs"])(json.encode(sent)) == run
        assert Decoder(MODELS["runs"])(json.encode(sent)).attachments[0].owner == ("runs", RUN["id"])

    def test_the_address_is_in_no_repr_and_two_reads_are_equal(self):
        """It is a secret, and another one each time."""
        run = from_wire(RUN, MODELS["runs"])
        again = deepcopy(RUN)
        again["attachments"][0]["download_url"] = "https://storage.example.com/another?X-Amz-Signature=0"
        other = from_wire(again, MODELS["runs"])
        assert run.attachments[0].download_url == RUN["attachments"][0]["download_url"]
        assert run.attachments[0].download_url != other.attachments[0].download_url
        assert run == other
        assert hash(run) == hash(other)
        assert "storage.example.com" not in repr(run)
        deployment = from_wire(EXAMPLES["deployments"][0], MODELS["deployments"])
        assert deployment.artifact_url.startswith("https://storage.example.com/")
        assert "storage.example.com" not in repr(deployment)
        station = EXAMPLES["stations"][0]
        assert station["api_key"] not in repr(from_wire(station, MODELS["stations"]))

    @pytest.mark.parametrize("end", [b"", b"["])
    def test_the_address_is_in_no_error(self, end):
        """An error keeps the beginning of the body."""
        document = {"attachments": UNIT["attachments"], **UNIT, "id": 5}
        with pytest.raises(DecodeError) as caught:
            Decoder(MODELS["units"])(json.encode(document) + end)
        error = caught.value
        assert isinstance(error, InvalidJSONError) == bool(end)
        assert b'"download_url":"***"' in error.body
        assert not any(part in f"{error}{error.body!r}" for part in ("storage.example.com", "Signature"))


def test_a_fault_is_named_by_its_path():
    run = deepcopy(RUN)
    run["phases"][0]["measurements"][0]["validators"][1]["is_decisive"] = "yes"
    with pytest.raises(DecodeError) as caught:
        Decoder(MODELS["runs"])(json.encode(run))
    assert caught.value.path == "$.phases[0].measurements[0].validators[1].is_decisive"
    assert str(caught.value).endswith(": expected a boolean, got a string")
    assert caught.value.item is None
    assert caught.value.body == json.encode(run)[:2000]


@pytest.mark.parametrize("body", [b"null", b"[]", b'"run"', b'{"data":[],"meta":{"has_more":false}}'])
def test_what_is_not_an_item_is_refused(body):
    with pytest.raises(DecodeError):
        Decoder(Log)(body)


def test_a_phase_and_a_measurement_by_themselves_have_the_fields_that_they_have_in_a_run():
    """A program can treat them alike."""
    assert issubclass(MODELS["phases"], RunPhase)
    assert issubclass(MODELS["measurements"], RunMeasurement)
    assert {*fields_dict(MODELS["phases"])} - {*fields_dict(RunPhase)} == {"run", "procedure"}
