"""Builders of models for tests. The models are valid and complete. The same arguments make the same model.

`make` builds every model: ``make(Procedure, name="Burn-In")``. The details of an item have the fields of its example:
``make(RunDetails, outcome="FAIL")``. Five others derive fields from the item that their item
belongs to: ``make_run(unit=make_unit("SN-1"))`` is a run of the unit ``make_unit("SN-1")``, and ``make_run()`` is a run
of ``make_unit()``. ``attrs.evolve`` changes fields that they derive.

- A field that refers to another item takes the item itself: ``make(Procedure, created_by_user=make(User))``. A log
  takes its unit, procedure and creator from its run.
- A field that is an array takes any iterable.
- An ID that is not given is a UUID that depends on the other fields, so items with other fields are other items. What
  is told of the same item later does not count, such as the last run of a unit.
- Date-times have to be timezone-aware. They are cut to milliseconds, because TofuPilot sends no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from types import UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin
from uuid import NAMESPACE_URL, uuid5

import attrs

from aiotofupilot import models
from aiotofupilot.models.fields import Field, fields_of, immutable
from aiotofupilot.sandbox import DeployedRun

__all__ = ["make", "make_deployment", "make_measurement", "make_phase", "make_run", "make_unit"]

T = TypeVar("T")

_STARTED_AT = datetime(2026, 2, 2, 9, 30, tzinfo=UTC)
_UPLOAD = timedelta(seconds=1)
_QUEUE = timedelta(seconds=4)
_BUILD = timedelta(seconds=50)


def make(model: type[T], **changes: Any) -> T:  # noqa: ANN401 - each model has its own fields
    """Make an item, or a part of one.

    Example:
        make(Procedure, name="Burn-In", created_by_user=None)

    Args:
        model: A model of `aiotofupilot.models`, except those of pages.
        changes: Fields by name. The others have the values of an example.

    Raises:
        TypeError: The model has no such field, or a value is not of the field's type.
        ValueError: A date-time is naive, or a validator has neither an operator nor an expression.
    """
    if model not in _EXAMPLES and model not in _REFERRED and model not in _DETAILS:
        raise TypeError(f"make() makes items, their details and parts of them, not {model!r}")
    fields = _described(model)
    for name in changes:
        if name not in fields:
            close = get_close_matches(name, fields, 1)
            hint = f"did you mean {close[0]}?" if close else f"it has {', '.join(fields)}"
            raise TypeError(f"{model.__name__} has no field {name!r}: {hint}")
    changes = {
        name: tuple(cast("Iterator[object]", value)) if isinstance(value, Iterator) else value
        for name, value in changes.items()
    }
    if model in _EXAMPLES:
        example = _EXAMPLES[model](changes)
    elif model in _REFERRED:
        example = _fields(_refer(model, make(_REFERRED[model][0])))
    else:
        example = _example_of(model)
    return _build(model, None, **{**example, **changes})


def _build(model: type[T], identity: str | None, /, **values: Any) -> T:  # noqa: ANN401 - each field has its type
    """Make a model of values as the wire can carry them, with an ID if none is given."""
    fields = _described(model)
    values = {name: field.default for name, field in fields.items() if field.default is not attrs.NOTHING} | values
    if identity is not None:
        values["id"] = identity
    values = {name: _checked(fields[name], value) for name, value in values.items()}
    if "id" in fields and "id" not in values:
        told_later = _TOLD_LATER.get(model, frozenset())
        values["id"] = _identify(model, *(values[name] for name in fields if name not in {"id", *told_later}))
    return model(**values)


def _described(model: Any) -> dict[str, Field]:  # noqa: ANN401 - a model
    return {field.name: field for field in fields_of(model)}


def _checked(field: Field, value: Any) -> Any:  # noqa: ANN401 - the value of a field
    """Return the value of a field as the wire can carry it.

    Raises:
        TypeError: It is not of the field's type.
        ValueError: It is a naive date-time.
    """
    if value is None and field.is_optional:
        return None
    if not field.is_array:
        return _checked_one(field, value)
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise TypeError(f"{field.name} must be an iterable, got {value!r}")
    return tuple(_checked_one(field, part) for part in cast("Iterable[object]", value))


def _checked_one(field: Field, value: Any) -> Any:  # noqa: ANN401 - the value of a field
    """Return a value that may be in an array."""
    if field.model is not None and isinstance(value, _REFERRED.get(field.model, ())):
        return _refer(field.model, value)
    classes = _classes(field.kind)
    if tuple in classes:  # it may be an array of any JSON
        value = immutable(value)
    if not isinstance(value, classes) or (isinstance(value, bool) and bool not in classes):
        wanted = " or ".join(cls.__name__ for cls in classes)
        raise TypeError(f"{field.name} must be {wanted}{' or None' * field.is_optional}, got {value!r}")
    return _aware(field.name, value) if isinstance(value, datetime) else value


def _refer(model: Any, item: Any) -> Any:  # noqa: ANN401 - a model and an item
    """Return the reference to an item. The item has the fields of the reference, or the reference has a default."""
    parts = [part for part in fields_of(model) if hasattr(item, part.name)]
    return model(**{part.name: _checked(part, getattr(item, part.name)) for part in parts})


def _classes(kind: Any) -> tuple[type, ...]:  # noqa: ANN401 - an annotation
    """Return the classes of a type, which may be a union."""
    parts = get_args(kind) if get_origin(kind) in {Union, UnionType} else (kind,)
    classes = [get_origin(part) or part for part in parts]
    return tuple(dict.fromkeys([*classes, int] if float in classes else classes))  # as for type checkers


def _aware(name: str, timestamp: datetime) -> datetime:
    """Return a date-time without its fraction of a millisecond.

    Raises:
        ValueError: It is naive.
    """
    if timestamp.utcoffset() is None:
        raise ValueError(f"{name} must be timezone-aware, got {timestamp!r}")
    return timestamp.replace(microsecond=timestamp.microsecond // 1000 * 1000)


def _identify(model: type, *values: object) -> str:
    return str(uuid5(NAMESPACE_URL, f"https://example.com/{model.__name__.lower()}?{_plain(values)!r}"))


def _plain(value: object) -> object:
    """Return a value without the names of models and the order of mappings."""
    if attrs.has(type(value)):
        value = attrs.astuple(cast("attrs.AttrsInstance", value), recurse=False)
    if isinstance(value, tuple):
        return tuple(_plain(part) for part in cast("tuple[object, ...]", value))
    if isinstance(value, Mapping):
        return sorted(cast("Mapping[str, object]", value).items())
    return value


_REFERRED: Mapping[type, tuple[type, ...]] = {
    models.UserRef: (models.User,),
    models.Operator: (models.User, models.UserRef),
    models.StationRef: (models.Station,),
    models.ProcedureRef: (models.Procedure, models.RunProcedure),
    models.BatchRef: (models.Batch,),
    models.UnitRef: (models.Unit, models.RunUnit),
    models.RunUnit: (models.Unit,),
    models.LogRun: (models.Run,),
    models.LastRun: (models.Run,),
    models.DeploymentRepository: (models.Repository,),
    models.PhaseRef: (models.Phase,),
    models.RunRef: (models.Run,),
    models.RunStation: (models.Station, models.StationRef),
    models.CreationRun: (models.Run,),
    models.RecentRun: (models.Run,),
    models.RecentUnit: (models.Unit, models.RunUnit),
    models.RelatedUnit: (models.Unit,),
    models.RelatedPart: (models.PartRef,),
    models.RevisionPart: (models.Part, models.PartRef),
    models.BatchUnit: (models.Unit,),
}
"""References, and the items that are given for them, the usual one first."""

_TOLD_LATER: Mapping[type, frozenset[str]] = {
    models.User: frozenset({"image", "banned"}),
    models.Unit: frozenset({"parent", "children", "last_run"}),
    models.Repository: frozenset({"name"}),  # it follows from the full name
    models.Attachment: frozenset({"download_url"}),  # each time another
}
"""Fields on which an ID does not depend."""


def _repository(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Name a repository after its full name: the part after the last slash."""
    full_name = changes.get("full_name", "example-energy/eol-tests")
    return {"full_name": full_name, "name": str(full_name).rpartition("/")[2], "provider": "github"}


def _part(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Give a part a revision of its own."""
    number = changes.get("number", "BAT-1000")
    return {
        "number": number,
        "name": "Battery pack",
        "created_at": datetime(2025, 9, 1, 8, 0, tzinfo=UTC),
        "revisions": (models.Revision(_identify(models.Revision, number, "A"), "A"),),
    }


def _station(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Count the procedures of a station."""
    procedures = tuple(changes.get("procedures", (make(models.Procedure),)))
    return {
        "name": "EOL Bench 1",
        "procedures": procedures,
        "procedures_count": len(procedures),
        "team": make(models.Team),
    }


def _sequence(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Name a sequence after its path, and end it after its duration. One that did not begin did not end either."""
    path, started_at = changes.get("path", "main"), changes.get("started_at", _STARTED_AT)
    parent_path, _, key = str(path).rpartition(".")
    duration = None if started_at is None else changes.get("duration", timedelta(seconds=60))
    return {
        "path": path,
        "key": key,
        "parent_path": parent_path or None,
        "name": key,
        "source": "./main.yaml",
        "outcome": "PASS",
        "started_at": started_at,
        "duration": duration,
        "ended_at": None if started_at is None or duration is None else started_at + duration,
    }


def _log(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Take from the run of a log what it tells of the run."""
    run = changes.get("run")
    run = run if isinstance(run, models.Run) else make_run()
    return {
        "level": "INFO",
        "message": "Supply voltage is stable",
        "created_at": run.started_at,
        "source_file": "main.py",
        "line_number": 1,
        "run": run,
        "unit": run.unit,
        "procedure": run.procedure,
        "created_by_user": run.created_by_user,
        "created_by_station": run.created_by_station,
    }


def _validator(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Write the expression of a validator: its operator and the expected value, such as ``x >= 11.4``."""
    operator, expected = changes.get("operator", ">="), changes.get("expected_value", 11.4)
    if operator is None and changes.get("expression") is None:
        raise ValueError("expression must be given if operator is None")
    expression = changes.get("expression", f"x {operator} {expected!r}")
    return {
        "outcome": "PASS",
        "operator": operator,
        "expected_value": expected,
        "expression": expression,
        "is_decisive": True,
        "is_expression_only": operator is None,
        "analytics_expression": expression,
        "has_custom_expression": "expression" in changes,
    }


def _values(**values: Any) -> Callable[[Mapping[str, Any]], dict[str, Any]]:  # noqa: ANN401 - each field has its type
    """Return an example that does not depend on the changes."""
    return lambda _changes: values


_EXAMPLES: Mapping[type, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    models.User: _values(name="Ada Park", email="ada.park@example.com"),
    models.Operator: _values(id=None, name="Night shift"),
    models.Repository: _repository,
    models.Procedure: lambda _changes: {
        "name": "Battery Pack Functional Test",
        "created_at": datetime(2026, 1, 30, 16, 45, tzinfo=UTC),
        "created_by_user": make(models.User),
        "linked_repository": make(models.Repository),
    },
    models.ProcedureVersion: _values(tag="v1.0.0"),
    models.Team: _values(name="Line 1"),
    models.Station: _station,
    models.Revision: _values(number="A"),
    models.Part: _part,
    models.PartRef: lambda _changes: _fields(make_unit().part),
    models.Batch: lambda _changes: {
        "number": "2026-W05",
        "created_at": datetime(2026, 1, 26, 6, 0, tzinfo=UTC),
        "unit_count": 1,
        "created_by_station": make(models.Station),
    },
    models.RunProcedure: lambda _changes: _fields(make_run().procedure),
    models.RunSequence: _sequence,
    models.Log: _log,
    models.Validator: _validator,
    models.Commit: _values(
        message="Tighten the ripple limit",
        sha="9fceb02d0ae598e95dc970b74767f19372d61af8",
        author_username="ada-park",
        author_avatar_url=None,
        committed_at=datetime(2026, 1, 30, 15, 58, tzinfo=UTC),
        branch="main",
    ),
    models.Organization: _values(slug="example", name="Example"),
    models.Identity: lambda _changes: {
        "type": "user",
        "station": None,
        "user": make(models.User),
        "organization": make(models.Organization),
    },
    models.Unit: lambda _changes: _fields(make_unit(), "id"),
    models.Run: lambda _changes: _fields(make_run(), "id"),
    models.Phase: lambda _changes: _fields(make_phase(), "id"),
    models.Measurement: lambda _changes: _fields(make_measurement(), "id"),
    models.Deployment: lambda _changes: _fields(make_deployment(), "id"),
}
"""What each model has where nothing else is said. The function gets the changes."""


_DETAILS = frozenset(filter(attrs.has, (getattr(models.details, name) for name in models.details.__all__)))
_ITEMS: Mapping[str, type[Any]] = {f"{item.__name__}Details": item for item in _EXAMPLES}
"""The items that have details, by the names of the models of details."""

_NAMED: Mapping[str, Any] = {
    "outcome": "PASS",
    "level": "INFO",
    "provider": "github",
    "deployment_mode": "standalone",
    "data": (0.0, 0.5, 1.0),
    "measured_value": 12.1,
}
"""Values of fields for which nothing else is known, by the names of the fields."""


def _example_of(model: type) -> dict[str, Any]:
    """Return an example that follows from the description of a model. Details have what their item has."""
    item = make(_ITEMS[model.__name__]) if model.__name__ in _ITEMS else None
    return {
        name: _example(field, getattr(item, name, None)) for name, field in _described(model).items() if name != "id"
    }


def _example(field: Field, value: object) -> Any:  # noqa: ANN401 - the value of a field
    """Return an example of a field: what the item has there, if it can be in this field too."""
    fits = field.model is None or isinstance(value, (field.model, *_REFERRED.get(field.model, ())))
    if value is not None and fits and not field.is_array:
        return value
    known = _NAMED.get(field.name, field.default)
    if known is not attrs.NOTHING:
        return known
    if field.is_optional or field.is_array:
        return None if field.is_optional else ()
    if field.model is not None:
        return make(field.model)
    return {str: field.name, datetime: _STARTED_AT, timedelta: timedelta(seconds=90)}.get(field.kind, 0)


def _fields(item: object, *left_out: str) -> dict[str, Any]:
    return {name: getattr(item, name) for name in _described(type(item)) if name not in left_out}


_STATION = make(models.Station)
_BATCH = make(models.Batch)
_OPERATOR = make(models.Operator)
_PROCEDURE = make(models.Procedure)
_COMMIT = make(models.Commit)
_REPOSITORY = make(models.DeploymentRepository)


def make_unit(
    serial_number: str = "BAT-2601-00001",
    *,
    id: str | None = None,  # noqa: A002 - the API's name
    created_at: datetime = datetime(2026, 1, 31, 13, 0, tzinfo=UTC),
    sample: str | None = None,
    part: models.Part | None = None,
    revision: models.Revision | None = None,
    batch: models.Batch | models.BatchRef | None = _BATCH,
    created_by_user: models.User | models.UserRef | None = None,
    created_by_station: models.Station | models.StationRef | None = _STATION,
    parent: models.Unit | models.UnitRef | None = None,
    children: Iterable[models.Unit | models.UnitRef] = (),
    last_run: models.Run | models.LastRun | None = None,
    metadata: models.Metadata | None = None,
) -> models.Unit:
    """Make a unit, by default one of production that a station created.

    Its ID does not depend on `parent`, `children` and `last_run`. So you can make a unit, a run of it, and then the
    same unit again with this run as its latest one.

    Args:
        serial_number: Serial number.
        id: None: a UUID that depends on the other arguments, except those named above.
        created_at: Timezone-aware.
        sample: ``golden``, ``failing``, ``ignored``, or another value. None: a unit of production.
        part: The part of the unit. None: the one of ``make(Part)``.
        revision: Revision of the part. None: the last revision of the part.
        batch: None: it belongs to no batch.
        created_by_user: None: no user created it. The listing has no e-mail addresses.
        created_by_station: None: no station created it.
        parent: The unit that this one is built into. None: it is not built into another unit.
        children: Units that are built into this one.
        last_run: The latest run. None: it was never run.
        metadata: None: the listing did not ask for it.

    Raises:
        TypeError: A value is not of its type.
        ValueError: `created_at` is naive, or the part has no revision, and none is given.
    """
    part = part or make(models.Part)
    if revision is None:
        if not part.revisions:
            raise ValueError(f"revision must be given, because the part {part.number!r} has no revision")
        revision = part.revisions[-1]
    return _build(
        models.Unit,
        id,
        serial_number=serial_number,
        created_at=created_at,
        sample=sample,
        children=children,
        part=models.PartRef(part.id, part.number, part.name, revision),
        created_by_user=created_by_user,
        created_by_station=created_by_station,
        batch=batch,
        parent=parent,
        last_run=last_run,
        metadata=metadata,
    )


def make_run(
    outcome: str = "PASS",
    *,
    id: str | None = None,  # noqa: A002 - the API's name
    unit: models.Unit | models.RunUnit | None = None,
    procedure: models.Procedure | models.ProcedureRef | None = None,
    version: str | None = "v1.0.0",
    started_at: datetime = _STARTED_AT,
    duration: timedelta = timedelta(seconds=90),
    created_at: datetime | None = None,
    execution_id: str | None = None,
    slot_key: str | None = None,
    slot_name: str | None = None,
    docstring: str | None = None,
    created_by_user: models.User | models.UserRef | None = None,
    created_by_station: models.Station | models.StationRef | None = _STATION,
    operated_by: models.Operator | models.User | models.UserRef | None = _OPERATOR,
    metadata: models.Metadata | None = None,
    sequences: Iterable[models.RunSequence] | None = None,
    environment: str | None = None,
    deployment: models.Deployment | None = None,
) -> models.Run:
    """Make a run, by default one that passed and that a station uploaded. Its end follows from start and duration.

    Args:
        outcome: ``PASS``, ``FAIL``, ``ERROR``, ``TIMEOUT``, ``ABORTED``, or another value.
        id: None: a UUID that depends on the other fields.
        unit: The unit that was tested. None: the one of `make_unit`.
        procedure: The procedure that was run. None: that of the deployment, or the one of ``make(Procedure)``.
        version: Tag of the procedure's version. None: the run names no version.
        started_at: Timezone-aware.
        duration: How long it took.
        created_at: When it was uploaded; timezone-aware. None: one second after its end.
        execution_id: The execution that the run is part of. None: it is not part of one.
        slot_key: Key of the slot that the unit was tested in. None: the station has no slots.
        slot_name: Display name of the slot. None: the station has no slots.
        docstring: The docstring of the test script. None: it has none.
        created_by_user: None: no user uploaded it.
        created_by_station: None: no station uploaded it.
        operated_by: None: the run names nobody.
        metadata: None: the listing did not ask for it.
        sequences: Sequences at the top level. None: the listing did not ask for them.
        environment: ``production``, ``preview`` or ``development``, for a sandbox. The API does not show it, and
            filters for environments find the run by it. None: that of the deployment, or no filter finds it.
        deployment: The deployment that was run, for a sandbox, as with `environment`. None: no filter finds it.

    Raises:
        TypeError: A value is not of its type.
        ValueError: A date-time is naive.
    """
    ended_at = _aware("started_at", started_at) + duration
    if procedure is None:
        procedure = _PROCEDURE if deployment is None or deployment.procedure is None else deployment.procedure
    tag = None
    if version is not None:
        tag = models.ProcedureVersion(_identify(models.ProcedureVersion, version, procedure.id), version)
    run = _build(
        models.Run,
        id,
        created_at=ended_at + _UPLOAD if created_at is None else created_at,
        started_at=started_at,
        ended_at=ended_at,
        duration=duration,
        outcome=outcome,
        execution_id=execution_id,
        slot_key=slot_key,
        slot_name=slot_name,
        procedure=models.RunProcedure(procedure.id, procedure.name, tag),
        unit=unit or make_unit(),
        docstring=docstring,
        created_by_user=created_by_user,
        created_by_station=created_by_station,
        operated_by=operated_by,
        metadata=metadata,
        sequences=sequences,
    )
    if deployment is not None:
        return DeployedRun.of(run, environment=environment or deployment.environment, deployment_id=deployment.id)
    return run if environment is None else DeployedRun.of(run, environment=environment)


def make_phase(
    name: str = "Power Up",
    *,
    id: str | None = None,  # noqa: A002 - the API's name
    run: models.Run | None = None,
    outcome: str = "PASS",
    started_at: datetime | None = None,
    duration_ms: int | None = 1_500,
    retry_count: int = 0,
    is_final_attempt: bool = True,
    sequence_path: str | None = None,
) -> models.Phase:
    """Make a phase of a run. Its end follows from its start and its duration.

    Args:
        name: Display name.
        id: None: a UUID that depends on the other fields.
        run: The run. None: the one of `make_run`.
        outcome: ``PASS``, ``FAIL``, ``SKIP``, ``ERROR``, or another value.
        started_at: Timezone-aware. None: when the run began.
        duration_ms: How long it took, in milliseconds. None: it did not end.
        retry_count: How many attempts at the phase came before this one.
        is_final_attempt: Whether this is the last attempt at the phase.
        sequence_path: Path of the sequence that holds the phase. None: no sequence holds it.

    Raises:
        TypeError: A value is not of its type.
        ValueError: `started_at` is naive.
    """
    run = run or make_run()
    started_at = run.started_at if started_at is None else _aware("started_at", started_at)
    return _build(
        models.Phase,
        id,
        name=name,
        outcome=outcome,
        started_at=started_at,
        ended_at=None if duration_ms is None else started_at + timedelta(milliseconds=duration_ms),
        duration_ms=duration_ms,
        retry_count=retry_count,
        sequence_path=sequence_path,
        is_final_attempt=is_final_attempt,
        run_id=run.id,
        run_outcome=run.outcome,
        serial_number=run.unit.serial_number,
        sample=run.unit.sample,
    )


def make_measurement(
    measurement_name: str = "supply_voltage",
    value: bool | float | str | None = 12.1,  # noqa: FBT001 - a measured value
    *,
    id: str | None = None,  # noqa: A002 - the API's name
    phase: models.Phase | None = None,
    units: str | None = None,
    measurement_outcome: str = "PASS",
    measurement_type: str | None = None,
    validators: Iterable[models.Validator] | None = None,
) -> models.Measurement:
    """Make a measurement. It belongs to the attempt and the run of the phase.

    Args:
        measurement_name: Name of the measurement.
        value: The value that was measured. The item has it in the field of its type. None: there is none, as for the
            types ``multidimensional``, ``json`` and ``empty``.
        id: None: a UUID that depends on the other fields.
        phase: The phase that measured it. None: the one of `make_phase`.
        units: Unit of the value, such as ``V``. None: it has none.
        measurement_outcome: ``PASS``, ``FAIL``, ``UNSET``, or another value.
        measurement_type: None: ``numeric``, ``boolean``, ``string`` or ``empty``, depending on the value.
        validators: Checks of the value. None: it was not checked.

    Raises:
        TypeError: A value is not of its type.
    """
    phase = phase or make_phase()
    kind = "boolean" if isinstance(value, bool) else "string" if isinstance(value, str) else "numeric"
    return _build(
        models.Measurement,
        id,
        phase_name=phase.name,
        measurement_name=measurement_name,
        started_at=phase.started_at,
        value=value if kind == "numeric" else None,
        bool_value=value if kind == "boolean" else None,
        string_value=value if kind == "string" else None,
        units=units,
        measurement_outcome=measurement_outcome,
        run_id=phase.run_id,
        serial_number=phase.serial_number,
        sample=phase.sample,
        measurement_type=measurement_type or ("empty" if value is None else kind),
        retry_count=phase.retry_count,
        is_final_attempt=phase.is_final_attempt,
        validators=validators,
    )


def make_deployment(
    environment: str = "production",
    *,
    id: str | None = None,  # noqa: A002 - the API's name
    procedure: models.Procedure | models.ProcedureRef | None = _PROCEDURE,
    trigger: str = "auto",
    status: str = "ready",
    skipped: bool = False,
    deployed_at: datetime = datetime(2026, 1, 30, 16, 0, tzinfo=UTC),
    commit: models.Commit | None = _COMMIT,
    repository: models.Repository | models.DeploymentRepository | None = _REPOSITORY,
    stations: Iterable[models.Station | models.StationRef] = (_STATION,),
) -> models.Deployment:
    """Make a deployment, by default one that is ready. The status decides whether its build has begun and ended.

    Args:
        environment: ``production``, ``preview``, ``development``, or another value.
        id: None: a UUID that depends on the other fields.
        procedure: The procedure that was deployed. None: the server names none.
        trigger: What triggered it: ``auto``, ``manual``, ``cli``, or another value.
        status: ``pending``: the build has not begun. ``building``: it has begun and has not ended. ``ready`` and
            ``failed``: it has ended. A build with another status has not begun.
        skipped: Whether the build was skipped.
        deployed_at: Timezone-aware.
        commit: None: the server names none.
        repository: None: no repository is linked.
        stations: The stations to which it was deployed.

    Raises:
        TypeError: A value is not of its type.
        ValueError: `deployed_at` is naive.
    """
    deployed_at = _aware("deployed_at", deployed_at)
    begun, ended = status in {"building", "ready", "failed"}, status in {"ready", "failed"}
    return _build(
        models.Deployment,
        id,
        environment=environment,
        trigger=trigger,
        status=status,
        skipped=skipped,
        started_at=deployed_at + _QUEUE if begun else None,
        ended_at=deployed_at + _QUEUE + _BUILD if ended else None,
        deployed_at=deployed_at,
        procedure=procedure,
        commit=commit,
        repository=repository,
        stations=stations,
    )
