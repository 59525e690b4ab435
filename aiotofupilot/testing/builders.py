"""Builders of valid and complete models for tests.

`make` builds every model: ``make(Procedure, name="Burn-In")``. The others take the usual fields first, and the rest by
name: ``make_run("FAIL", slot_key="A")``. They also take the item's owner: ``make_phase(run=make_run("FAIL"))``.

- An item is an example with changes. The end of a run or a phase is computed from its start and duration.
- A field that refers to another item takes that item: ``make(Procedure, created_by_user=make(User))``. A part
  stands for its last revision.
- A missing ID is a UUID made from the other fields, so the same arguments make the same ID. It does not depend on
  missing times, or on fields that change later, such as the last run of a unit.
- A missing time is earlier than those of all items made before, by a millisecond or more. So items are made in the
  order of a listing, newest first. All are newer than the made-up items of a sandbox without ``until``, so a follower
  yields a run that a test inserts.
- Date-times must be timezone-aware. They are cut to milliseconds, as TofuPilot sends them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from typing import Any, TypeVar, cast
from uuid import NAMESPACE_URL, uuid5

import attrs

from aiotofupilot import DecodeError, from_wire, models
from aiotofupilot._checks import must_be
from aiotofupilot.models.fields import Field, fields_of
from aiotofupilot.sandbox.rest import comparison, document

__all__ = ["make", "make_measurement", "make_phase", "make_run"]

T = TypeVar("T")


def make(model: type[T], **changes: object) -> T:
    """Make an item, or an object within an item.

    Example:
        make(Procedure, name="Burn-In", created_by_user=None)

    Args:
        model: A model of `aiotofupilot.models`, except those of pages.
        changes: Fields by name, or arguments of the model's own builder, such as `make_run`. Other fields come from an
            example.

    Raises:
        TypeError: There is no such model, the model has no such field, or a value is not of the field's type.
        ValueError: A date-time is naive.
    """
    name = getattr(model, "__name__", None)
    if not attrs.has(model) or getattr(models, str(name), None) is not model or model in (models.Page, models.PageMeta):
        raise must_be(TypeError, "model", "the class of an item or of a part of one, such as Run", model)
    build: Callable[..., T] | None = _BUILDERS.get(model)
    return build(**changes) if build else _evolved(model, changes)


def make_run(
    outcome: str = "PASS",
    *,
    procedure: models.Procedure | models.ProcedureRef | models.RunProcedure | None = None,
    version: str | None = "v1.0.0",
    **fields: object,
) -> models.Run:
    """Make a run, by default a passed one uploaded by a station.

    Args:
        outcome: ``PASS``, ``FAIL``, ``ERROR``, ``TIMEOUT``, ``ABORTED``, or another value.
        procedure: The procedure that was run. None means ``make(Procedure)``.
        version: Tag of the procedure's version, or None for no version. Ignored if the procedure is a `RunProcedure`.
        fields: Other fields of a `Run`, such as ``unit=make(Unit, serial_number="SN-1")`` or ``duration``.
    """
    procedure = procedure or _example(models.Procedure)
    if isinstance(procedure, models.Procedure) or type(procedure) is models.ProcedureRef:
        tag = None if version is None else make(models.ProcedureVersion, tag=version)
        procedure = models.RunProcedure(procedure.id, procedure.name, tag)
    return _evolved(models.Run, {"outcome": outcome, "procedure": procedure, **fields})


def make_phase(name: str = "Power Up", *, run: models.Run | None = None, **fields: object) -> models.Phase:
    """Make a phase of a run, which begins in the middle of the run by default.

    Args:
        name: Display name.
        run: The run. None means ``make_run()``.
        fields: Other fields of a `Phase`, such as ``outcome`` or ``duration_ms``.
    """
    run = _owner("run", run, models.Run)
    of_run = {"run_id": run.id, "run_outcome": run.outcome, "started_at": _middle(run)}
    of_unit = {"serial_number": run.unit.serial_number, "sample": run.unit.sample}
    return _evolved(models.Phase, {"name": name, **fields}, {**of_run, **of_unit})


def make_measurement(
    measurement_name: str = "supply_voltage",
    value: bool | float | str | None = 12.1,  # noqa: FBT001 - a measured value
    *,
    phase: models.Phase | None = None,
    **fields: object,
) -> models.Measurement:
    """Make a measurement in the run and the attempt of a phase.

    Args:
        measurement_name: Name of the measurement.
        value: The measured value. It decides the type of the measurement and the field that holds it. If None, the type
            is ``empty``, unless ``measurement_type`` says ``multidimensional`` or ``json``.
        phase: The phase that measured it. None means ``make_phase()``.
        fields: Other fields of a `Measurement`, such as ``units``, ``validators`` or ``measurement_type``.
    """
    phase = _owner("phase", phase, models.Phase)
    shared = ("run_id", "serial_number", "sample", "started_at", "retry_count", "is_final_attempt")
    of_phase = {"phase_name": phase.name, **{name: getattr(phase, name) for name in shared}}
    kind = "boolean" if isinstance(value, bool) else "string" if isinstance(value, str) else "numeric"
    field = {"boolean": "bool_value", "string": "string_value", "numeric": "value"}[kind]
    measured = {field: value, "measurement_type": "empty" if value is None else kind}
    return _evolved(models.Measurement, {"measurement_name": measurement_name, **measured, **fields}, of_phase)


def _make_log(run: models.Run | models.LogRun | None = None, **fields: object) -> models.Log:
    """Make a log line of a run. If only a reference to the run is given, the other fields are from ``make_run()``."""
    whole = run if isinstance(run, models.Run) else _example(models.Run)
    shared = {name: getattr(whole, name) for name in ("unit", "procedure", "created_by_user", "created_by_station")}
    return _evolved(models.Log, {"run": run or whole, **fields}, {"created_at": _middle(whole), **shared})


def _owner(name: str, item: T | None, model: type[T]) -> T:
    if not isinstance(item, model | None):
        raise must_be(TypeError, name, f"{model.__name__} or None", item)
    return item or cast("T", _example(cast("Any", model)))


def _middle(run: models.Run) -> datetime:
    return run.started_at + run.duration / 2


_ages = count()
"""The milliseconds by which the next item is older than the example."""


def _evolved(model: type[T], changes: Mapping[str, object], owner: Mapping[str, object] | None = None) -> T:
    """Make an item from an example, fields of its owner, and the changes."""
    values = attrs.asdict(_example(cast("Any", model)), recurse=False)
    if unknown := changes.keys() - values:
        raise TypeError(f"{model.__name__} has no field {min(unknown)!r}: it has {', '.join(values)}")
    item: Any = _read(model, {**values, **(owner or {}), **changes})
    time = next((name for name in ("deployed_at", "started_at", "created_at") if name in values), "")
    if time not in changes and isinstance(at := getattr(item, time, None), datetime):
        item = attrs.evolve(item, **{time: at - next(_ages) * _MILLISECOND})
    for name, follow in _FOLLOWS.get(model, {}).items():
        if name not in changes:
            item = attrs.evolve(item, **{name: follow(item)})
    if changes and "id" not in changes and values.get("id") is not None:
        item = attrs.evolve(item, id=_id_of(item, changes))
    return cast("T", item)


def _id_of(item: Any, given: Iterable[str]) -> str:  # noqa: ANN401 - an item
    """Make an ID from the fields of an item. Times count only if they are given."""
    wire = {name: value for name, value in attrs.asdict(item, recurse=False).items() if name not in _APART}
    wire |= {name: name in given and document(value) for name, value in wire.items() if isinstance(value, datetime)}
    text = json.dumps(wire, default=lambda part: isinstance(part, datetime) or document(part), sort_keys=True)
    return str(uuid5(NAMESPACE_URL, f"https://example.com/{type(item).__name__}?{text}"))


def _read(model: Any, values: Mapping[str, object]) -> Any:  # noqa: ANN401 - a model and an item of it
    """Make an item as the client reads it, with arrays as tuples and references in place of items."""
    wire = {field.wire_name: values[field.name] for field in fields_of(model)}
    try:
        return from_wire(json.loads(json.dumps(wire, default=_sent)), model)
    except DecodeError as error:
        raise TypeError(f"{model.__name__} cannot have this value: {error}") from error


def _sent(value: Any) -> object:  # noqa: ANN401 - any value of a field
    """Return a value as JSON. Items get the extra fields of references to them."""
    if isinstance(value, datetime) and value.utcoffset() is None:
        raise ValueError(f"date-times must be timezone-aware, got {value!r}")
    if isinstance(value, type) and attrs.has(value):
        return _example(cast("Any", value))
    if isinstance(value, Iterable) and not isinstance(value, Mapping):
        return [*cast("Iterable[object]", value)]
    wire = document(cast("object", value))
    if isinstance(value, models.Part) and value.revisions:
        wire["revision"] = value.revisions[-1]
    elif isinstance(value, models.Run):
        wire["serial_number"] = value.unit.serial_number
    return wire


@cache
def _example(model: Any) -> Any:  # noqa: ANN401 - a model and its example
    """Return the example of a model. References and details share the values of their item's example."""
    noun = re.search("(User|Procedure|Station|Part|Batch|Unit|Run|Phase|Measurement)(Ref|Details)?$", model.__name__)
    item = None if noun is None or noun[1] == model.__name__ else _example(getattr(models, noun[1]))
    known = _EXAMPLES.get(model, {})
    values = {
        field.name: known[field.name] if field.name in known else _example_of(field, getattr(item, field.name, None))
        for field in fields_of(model)
    }
    example = _read(model, values)
    return attrs.evolve(example, id=_id_of(example, ())) if values.get("id") == "id" else example


def _example_of(field: Field, value: object) -> object:
    """Return the item's value of a field, or an example for the field's name or kind."""
    if value is not None and not field.is_array:
        return value
    if field.name in _NAMED or field.is_optional or field.is_array:
        return _NAMED.get(field.name, None if field.is_optional else ())
    kinds = {str: field.name, bool: False, datetime: _STARTED_AT, timedelta: timedelta(seconds=90)}
    return field.model or kinds.get(field.kind, 0)


def _end_of(begun: models.Run | models.Phase) -> datetime | None:
    """Return when a run or a phase ended, in whole milliseconds, or None without a start or a duration."""
    milliseconds = begun.duration_ms if isinstance(begun, models.Phase) else begun.duration // _MILLISECOND
    if begun.started_at is None or milliseconds is None:
        return None
    return begun.started_at + milliseconds * _MILLISECOND


_MILLISECOND = timedelta(milliseconds=1)
_STARTED_AT = datetime(2026, 9, 1, 9, 30, tzinfo=UTC)
"""When runs begin: after the made-up runs of a sandbox, so that a test can insert a new one."""
_BUILT = {"created_at": _STARTED_AT - timedelta(hours=12), "created_by_station": models.Station}
_PLANNED = {"created_at": _STARTED_AT - timedelta(days=90)}

_EXAMPLES: Mapping[type, Mapping[str, object]] = {
    models.User: {"name": "Ada Park", "email": "ada.park@example.com"},
    models.Operator: {"id": None, "name": "Night shift"},
    models.Procedure: {
        **_PLANNED,
        "name": "Battery Pack Functional Test",
        "created_by_user": models.User,
        "linked_repository": models.Repository,
    },
    models.RunProcedure: {"version": models.ProcedureVersion},
    models.Station: {
        "name": "EOL Bench 1",
        "procedures": [models.Procedure],
        "team": models.Team,
    },
    models.Part: {**_PLANNED, "number": "BAT-1000", "name": "Battery pack", "revisions": [models.Revision]},
    models.Batch: {**_BUILT, "number": "2026-W36", "unit_count": 1},
    models.Unit: {**_BUILT, "batch": models.Batch},
    models.Run: {"created_by_station": models.Station, "operated_by": models.Operator},
    models.Phase: {"name": "Power Up", "started_at": _STARTED_AT + timedelta(seconds=45), "duration_ms": 1_500},
    models.Validator: {
        "operator": ">=",
        "expected_value": 11.4,
        "expression": comparison(">=", 11.4),
        "is_decisive": True,
    },
    models.Identity: {"type": "user", "user": models.User},
    models.Deployment: {"procedure": models.Procedure, "commit": models.Commit, "stations": [models.Station]},
}
"""Fields of examples that nothing else decides. A model stands for its example."""

_NAMED: Mapping[str, object] = {
    "outcome": "PASS",
    "measurement_outcome": "PASS",
    "serial_number": "BAT-2601-00001",
    "tag": "v1.0.0",
    "level": "INFO",
    "environment": "production",
    "trigger": "auto",
    "status": "ready",
    "provider": "github",
    "data": (0.0, 0.5, 1.0),
    "measured_value": 12.1,
    "is_final_attempt": True,
}
"""Default values by the names of fields."""

_FOLLOWS: Mapping[type, Mapping[str, Callable[[Any], object]]] = {
    models.Run: {"ended_at": _end_of, "created_at": lambda run: run.ended_at + timedelta(seconds=1)},
    models.Phase: {"ended_at": _end_of},
    models.Station: {"procedures_count": lambda station: len(station.procedures)},
}
"""Fields that are computed from others."""

_APART = frozenset({"id", "parent", "children", "last_run", "image", "banned", "download_url"})
"""An ID does not depend on these fields, because most of them may change later."""

_BUILDERS: Mapping[type, Callable[..., Any]] = {
    models.Run: make_run,
    models.Phase: make_phase,
    models.Log: _make_log,
    models.Measurement: make_measurement,
}
