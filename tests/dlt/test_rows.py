"""Items as flat rows."""

import json
from datetime import datetime, timedelta

import pyarrow as pa
import pytest
from attrs import evolve
from fakes.wire_listings import MODELS

from aiotofupilot import Run
from aiotofupilot.dlt.rows import rows_of, schema_of
from aiotofupilot.models import RunSequence
from aiotofupilot.sandbox import Factory, make_procedures
from aiotofupilot.testing.builders import make, make_run

FACTORY = Factory(make_procedures(5), runs=30)
FLAT = {pa.string(), pa.bool_(), pa.int64(), pa.float64(), pa.timestamp("us", "UTC")}


@pytest.mark.parametrize("listing", MODELS)
def test_any_destination_has_columns_of_these_types(listing):
    assert {field.type for field in schema_of(MODELS[listing])} <= FLAT


@pytest.mark.parametrize("listing", MODELS)
def test_every_row_has_its_id_and_the_same_columns(listing):
    items = list(getattr(FACTORY, listing))
    rows = rows_of(items, MODELS[listing])
    assert items
    assert rows.schema == schema_of(MODELS[listing])
    assert rows.column("id").to_pylist() == [item.id for item in items]
    assert [field.name for field in rows.schema if not field.nullable] == ["id"]


def test_a_nested_value_becomes_columns():
    """The names are joined as dlt joins them. Where the value is missing, so is each of its columns."""
    run = FACTORY.runs[0]
    without = evolve(run, operated_by=None, unit=evolve(run.unit, batch=None))
    (first, second) = rows_of([run, without], Run).to_pylist()
    assert first["unit__part__revision__number"] == run.unit.part.revision.number
    assert first["procedure__version__tag"] == run.procedure.version.tag
    assert second["unit__serial_number"] == run.unit.serial_number
    missing = [value for name, value in second.items() if name.startswith(("operated_by__", "unit__batch__"))]
    assert missing == [None] * 5


def test_a_list_or_a_mapping_becomes_json():
    """It is the JSON of the API, so that a number stays one. Only a duration is in seconds."""
    measurement = next(item for item in FACTORY.measurements if item.validators and item.value is not None)
    (row,) = rows_of([measurement], type(measurement)).to_pylist()
    assert [check["expected_value"] for check in json.loads(row["validators"])] == [
        check.expected_value for check in measurement.validators
    ]
    run = make_run(metadata={"shift": "B", "humidity": 41.5, "rework": False}, sequences=[make(RunSequence)])
    (row,) = rows_of([run], Run).to_pylist()
    assert row["metadata"] == '{"shift":"B","humidity":41.5,"rework":false}'
    (sequence,) = json.loads(row["sequences"])
    assert sequence["duration"] == 60.0
    assert datetime.fromisoformat(sequence["started_at"]) == run.sequences[0].started_at


def test_a_missing_list_is_null():
    run = make_run(sequences=None, metadata=None)
    (row,) = rows_of([run], Run).to_pylist()
    assert row["sequences"] is row["metadata"] is None


def test_a_duration_is_in_seconds():
    run = make_run(duration=timedelta(minutes=1, milliseconds=500))
    assert rows_of([run], Run).column("duration").to_pylist() == [60.5]
