"""Builders of models for tests. The models are valid and complete. The same arguments make an item with the same ID.

`make` builds every model: ``make(Procedure, name="Burn-In")``. The details of an item have the fields of its example:
``make(RunDetails, outcome="FAIL")``. Five others say first what tests say most, and take all other fields by name:
``make_run("FAIL", slot_key="A")``. They also take what their item belongs to: ``make_phase(run=make_run("FAIL"))`` is a
phase of the run ``make_run("FAIL")``, and ``make_phase()`` is one of ``make_run()``.

- A field that follows from others does so unless it is given, such as the end of a run from its start and its duration.
- A field that refers to another item takes the item itself: ``make(Procedure, created_by_user=make(User))``. A log
  takes its unit, procedure and creator from its run.
- A field that is an array takes any iterable.
- An ID that is not given is a UUID that depends on the other fields, so items with other fields are other items. What
  is told of the same item later does not count, such as the last run of a unit.
- The time of an item, unless it is given, is a millisecond or more before that of each item that was made before it.
  So items that are made one after the other are in the order of a listing, which has the newest first. All are newer
  than what a sandbox makes up, unless that is given ``until``, so a follower yields a run that is inserted.
- Date-times have to be timezone-aware. They are cut to milliseconds, because TofuPilot sends no more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from typing import Any, TypeVar, cast
from uuid import NAMESPACE_URL, uuid5

import attrs

from aiotofupilot import models
from aiotofupilot._checks import must_be
from aiotofupilot.models.fields import Field, fields_of, immutable
from aiotofupilot.sandbox import DeployedRun
from aiotofupilot.sandbox.rest import comparison, document, extended

__all__ = ["make", "make_deployment", "make_measurement", "make_phase", "make_run", "make_unit"]

T = TypeVar("T")
_Follow = Callable[[Mapping[str, Any]], object]


def make(model: type[T], **changes: object) -> T:
    """Make an item, or a part of one.

    Example:
        make(Procedure, name="Burn-In", created_by_user=None)

    Args:
        model: A model of `aiotofupilot.models`, except those of pages.
        changes: Fields by name. The others have the values of an example. If the model has a builder, such as
            `make_run`, then the arguments of that, too.

    Raises:
        TypeError: There is no such model, the model has no such field, or a value is not of the field's type.
        ValueError: A date-time is naive, or a validator has neither an operator nor an expression.
    """
    if model not in _MODELS:
        raise must_be(TypeError, "model", "the class of an item or of a part of one, such as Run", model)
    build: Callable[..., T] | None = _BUILDERS.get(model)
    return build(**changes) if build else _made(model, changes)


def make_unit(
    serial_number: str = "BAT-2601-00001",
    *,
    part: models.Part | models.PartRef | None = None,
    revision: models.Revision | None = None,
    **fields: object,
) -> models.Unit:
    """Make a unit, by default one of production that a station created.

    Its ID does not depend on its parent, its children and its last run. So you can make a unit, a run of it, and then
    the same unit again with this run as its latest one.

    Args:
        serial_number: Serial number.
        part: The part of the unit. None: the one of ``make(Part)``.
        revision: Revision of the part. None: the last revision of the part.
        fields: The other fields of a `Unit`, such as ``sample``.

    Raises:
        TypeError: A unit has no such field, or a value is not of its type.
        ValueError: A date-time is naive, or the part has no revision, and none is given.
    """
    part = part or make(models.Part)
    if revision is not None:
        part = make(models.PartRef, id=part.id, number=part.number, name=part.name, revision=revision)
    return _made(models.Unit, {"serial_number": serial_number, "part": part, **fields})


def make_run(
    outcome: str = "PASS",
    *,
    procedure: models.Procedure | models.ProcedureRef | models.RunProcedure | None = None,
    version: str | None = "v1.0.0",
    environment: str | None = None,
    deployment: models.Deployment | None = None,
    **fields: object,
) -> models.Run:
    """Make a run, by default one that passed and that a station uploaded.

    Args:
        outcome: ``PASS``, ``FAIL``, ``ERROR``, ``TIMEOUT``, ``ABORTED``, or another value.
        procedure: The procedure that was run. None: that of the deployment, or the one of ``make(Procedure)``.
        version: Tag of the procedure's version, unless the procedure is a `RunProcedure`. None: the run names no
            version.
        environment: ``production``, ``preview`` or ``development``, for a sandbox. The API does not show it, and
            filters for environments find the run by it. None: that of the deployment, or no filter finds it.
        deployment: The deployment that was run, for a sandbox, as with `environment`. None: no filter finds it.
        fields: The other fields of a `Run`, such as ``unit=make_unit("SN-1")`` or ``duration``.

    Raises:
        TypeError: A run has no such field, or a value is not of its type.
        ValueError: A date-time is naive.
    """
    if procedure is None:
        procedure = (deployment and deployment.procedure) or make(models.Procedure)
    if isinstance(procedure, models.Procedure) or type(procedure) is models.ProcedureRef:
        tag = None if version is None else _version(procedure.id, version)
        procedure = models.RunProcedure(procedure.id, procedure.name, tag)
    run = _made(models.Run, {"outcome": outcome, "procedure": procedure, **fields})
    if deployment is not None:
        return DeployedRun.of(run, environment=environment or deployment.environment, deployment_id=deployment.id)
    return run if environment is None else DeployedRun.of(run, environment=environment)


def make_phase(name: str = "Power Up", *, run: models.Run | None = None, **fields: object) -> models.Phase:
    """Make a phase of a run. By default it begins in the middle of the run.

    Args:
        name: Display name.
        run: The run. None: the one of `make_run`.
        fields: The other fields of a `Phase`, such as ``outcome``, or ``duration_ms``, from which its end follows.

    Raises:
        TypeError: A phase has no such field, or a value is not of its type.
        ValueError: A date-time is naive.
    """
    run = _owner("run", run, models.Run)
    of_run: dict[str, object] = {"run_id": run.id, "run_outcome": run.outcome}
    of_unit = {"serial_number": run.unit.serial_number, "sample": run.unit.sample}
    of_run["started_at"] = run.started_at + run.duration / 2
    return _made(models.Phase, {"name": name, **fields}, {**of_run, **of_unit})


def make_measurement(
    measurement_name: str = "supply_voltage",
    value: bool | float | str | None = 12.1,  # noqa: FBT001 - a measured value
    *,
    phase: models.Phase | None = None,
    **fields: object,
) -> models.Measurement:
    """Make a measurement. It belongs to the attempt and the run of the phase.

    Args:
        measurement_name: Name of the measurement.
        value: The value that was measured. The item has it in the field of its type, and is of that type. None: there
            is none, as for the types ``multidimensional``, ``json`` and ``empty``, and the item is ``empty``.
        phase: The phase that measured it. None: the one of `make_phase`.
        fields: The other fields of a `Measurement`, such as ``units``, ``validators`` or ``measurement_type``.

    Raises:
        TypeError: A measurement has no such field, or a value is not of its type.
        ValueError: A date-time is naive.
    """
    phase = _owner("phase", phase, models.Phase)
    shared = ("run_id", "serial_number", "sample", "started_at", "retry_count", "is_final_attempt")
    of_phase = {"phase_name": phase.name, **{name: getattr(phase, name) for name in shared}}
    kind = "boolean" if isinstance(value, bool) else "string" if isinstance(value, str) else "numeric"
    field = {"boolean": "bool_value", "string": "string_value", "numeric": "value"}[kind]
    measured = {field: value, "measurement_type": "empty" if value is None else kind}
    return _made(models.Measurement, {"measurement_name": measurement_name, **measured, **fields}, of_phase)


def make_deployment(environment: str = "production", **fields: object) -> models.Deployment:
    """Make a deployment, by default one that is ready. The status decides whether its build has begun and ended.

    Args:
        environment: ``production``, ``preview``, ``development``, or another value.
        fields: The other fields of a `Deployment`, such as ``status``. ``pending``: the build has not begun.
            ``building``: it has begun and has not ended. ``ready`` and ``failed``: it has ended. A build with another
            status has not begun.

    Raises:
        TypeError: A deployment has no such field, or a value is not of its type.
        ValueError: A date-time is naive.
    """
    return _made(models.Deployment, {"environment": environment, **fields})


def _make_log(run: models.Run | models.LogRun | None = None, **fields: object) -> models.Log:
    """Make a log of a run. If that is only a reference, the rest is told of the run of `make_run`."""
    whole = run if isinstance(run, models.Run) else make_run()
    shared = ("unit", "procedure", "created_by_user", "created_by_station")
    of_run = {"created_at": whole.started_at + whole.duration / 2, **{name: getattr(whole, name) for name in shared}}
    return _made(models.Log, {"run": run or whole, **fields}, of_run)


def _owner(name: str, item: T | None, model: type[T]) -> T:
    """Return the item that another one belongs to: the given one, or the example."""
    if not isinstance(item, model | None):
        raise TypeError(f"{name} must be {model.__name__} or None, got {item!r}")
    return make(model) if item is None else item


def _made(model: type[T], changes: Mapping[str, object], owners: Mapping[str, object] | None = None) -> T:
    """Make a model of some fields, of an example, of what follows from both, and of an ID if none is given.

    `owners` are fields that follow from the item that it belongs to.
    """
    fields = _described(model)
    if unknown := changes.keys() - fields:
        raise TypeError(f"{model.__name__} has no field {min(unknown)!r}: it has {', '.join(fields)}")
    example = _example(cast("Any", model))
    made = {name: value for name, value in example.items() if not callable(value)}
    made |= {name: _checked(fields[name], value) for name, value in {**(owners or {}), **changes}.items()}
    told = {name: value for name, value in made.items() if name in changes or not isinstance(value, datetime)}
    if (time := _TIMES.get(model)) in made.keys() - told:
        made[time] -= next(_ages) * timedelta(milliseconds=1)
    if "id" in fields and "id" not in made:
        told_later = _TOLD_LATER.get(model, frozenset())
        made["id"] = _identify(model, **{name: told[name] for name in told if name not in told_later})
    for name, follow in example.items():
        if name not in made:
            made[name] = _checked(fields[name], follow(made))
    return model(**made)


_ages = count()
"""By how many milliseconds the next item is older than the example."""


@cache
def _example(model: Any) -> Mapping[str, Any]:  # noqa: ANN401 - a model
    """Return what a model has where nothing else is said, apart from an ID: values, and functions as in `_EXAMPLES`."""
    if model not in _EXAMPLES and (items := _items_of(model)):
        return attrs.asdict(_refer(model, make(items[0])), recurse=False)
    listed = getattr(models, model.__name__.removesuffix("Details"), model)
    item = None if listed is model else make(listed)  # details have what their item has
    values = dict(_EXAMPLES.get(model, dict[str, object])())
    for name, field in _described(model).items():
        if name != "id" and name not in values:
            values[name] = _example_of(field, getattr(item, name, None))
        if name in values and not callable(values[name]):
            values[name] = _checked(field, values[name])
    return values


def _example_of(field: Field, value: object) -> object:
    """Return an example of a field: what the item has there, if it can be in this field too."""
    fits = field.model is None or isinstance(value, (field.model, *_items_of(field.model)))
    if value is not None and fits and not field.is_array:
        return value
    known = _NAMED.get(field.name, field.default)
    if known is not attrs.NOTHING:
        return known
    if field.is_optional or field.is_array:
        return None if field.is_optional else ()
    if field.model is not None:
        return make(field.model)
    return {str: field.name, bool: False, datetime: _STARTED_AT, timedelta: timedelta(seconds=90)}.get(field.kind, 0)


def _checked(field: Field, value: object) -> object:
    """Return the value of a field as the wire can carry it."""
    if value is None and field.is_optional:
        return None
    if not field.is_array:
        return _checked_one(field, value)
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise TypeError(f"{field.name} must be an iterable, got {value!r}")
    return tuple(_checked_one(field, part) for part in cast("Iterable[object]", value))


def _checked_one(field: Field, value: object) -> object:
    """Return a value that may be in an array."""
    if field.model is not None and isinstance(value, (field.model, *_items_of(field.model))):
        return value if type(value) is field.model else _refer(field.model, value)
    classes = field.classes
    if tuple in classes:  # it may be an array of any JSON
        value = immutable(value)
    if not isinstance(value, classes) or (isinstance(value, bool) and bool not in classes):
        wanted = " or ".join(cls.__name__ for cls in classes)
        raise TypeError(f"{field.name} must be {wanted}{' or None' * field.is_optional}, got {value!r}")
    if not isinstance(value, datetime):
        return value
    if value.utcoffset() is None:
        raise ValueError(f"{field.name} must be timezone-aware, got {value!r}")
    return value.replace(microsecond=value.microsecond // 1000 * 1000)


@cache
def _items_of(reference: Any) -> tuple[type, ...]:  # noqa: ANN401 - a model, or None
    """Return the models that may be given for a reference, the usual one first."""
    return tuple(item for item, references in _REFERENCES.items() if reference in references)


def _refer(model: Any, item: Any) -> Any:  # noqa: ANN401 - a model and an item
    """Return the reference to an item. It has fields of the item, and defaults."""
    if model is models.PartRef:
        if not item.revisions:
            raise ValueError(f"revision must be given, because the part {item.number!r} has no revision")
        return extended(model, item, revision=item.revisions[-1])
    return extended(model, item, **({"version": _version(item.id, "v1.0.0")} if model is models.RunProcedure else {}))


def _identify(model: type, **values: object) -> str:
    """Return an ID that depends on some values. Of items in them, the times do not count."""
    dated = {name: document(value) if isinstance(value, datetime) else value for name, value in values.items()}
    told = json.dumps(
        dated, default=lambda value: None if isinstance(value, datetime) else document(value), sort_keys=True
    )
    return str(uuid5(NAMESPACE_URL, f"https://example.com/{model.__name__.lower()}?{told}"))


def _described(model: object) -> dict[str, Field]:
    return {field.name: field for field in fields_of(model)}


def _version(procedure_id: str, tag: str) -> models.ProcedureVersion:
    identity = _identify(models.ProcedureVersion, tag=tag, procedure=procedure_id)
    return make(models.ProcedureVersion, id=identity, tag=tag)


def _ended_at(made: Mapping[str, Any]) -> datetime | None:
    """Return when something ended. What did not begin, or has no duration, did not end either."""
    started_at, duration = made["started_at"], made.get("duration")
    if made.get("duration_ms") is not None:
        duration = timedelta(milliseconds=made["duration_ms"])
    return None if started_at is None or duration is None else started_at + duration


def _expression(made: Mapping[str, Any]) -> str:
    if made["operator"] is None:
        raise ValueError("expression must be given if operator is None")
    return comparison(made["operator"], made["expected_value"])


_STARTED_AT = datetime(2026, 9, 1, 9, 30, tzinfo=UTC)
"""When runs begin: later than those that a sandbox makes up, so that a test can insert a new one."""
_QUEUE = timedelta(seconds=4)
_BUILD = timedelta(seconds=50)
_BUILT = frozenset({"ready", "failed"})

_EXAMPLES: Mapping[type, Callable[[], Mapping[str, object | _Follow]]] = {
    models.User: lambda: {"name": "Ada Park", "email": "ada.park@example.com"},
    models.Operator: lambda: {"id": None, "name": "Night shift"},
    models.Repository: lambda: {
        "full_name": "example-energy/eol-tests",
        "name": lambda made: made["full_name"].rpartition("/")[2],
    },
    models.Procedure: lambda: {
        "name": "Battery Pack Functional Test",
        "created_at": datetime(2026, 6, 1, 16, 45, tzinfo=UTC),
        "created_by_user": make(models.User),
        "linked_repository": make(models.Repository),
    },
    models.ProcedureVersion: lambda: {"tag": "v1.0.0"},
    models.Team: lambda: {"name": "Line 1"},
    models.Station: lambda: {
        "name": "EOL Bench 1",
        "procedures": [make(models.Procedure)],
        "procedures_count": lambda made: len(made["procedures"]),
        "team": make(models.Team),
    },
    models.Revision: lambda: {"number": "A"},
    models.Part: lambda: {
        "number": "BAT-1000",
        "name": "Battery pack",
        "created_at": datetime(2026, 6, 1, 8, 0, tzinfo=UTC),
        "revisions": lambda made: [make(models.Revision, id=_identify(models.Revision, part=made["number"]))],
    },
    models.Batch: lambda: {
        "number": "2026-W36",
        "created_at": datetime(2026, 8, 31, 6, 0, tzinfo=UTC),
        "unit_count": 1,
        "created_by_station": make(models.Station),
    },
    models.Unit: lambda: {
        "created_at": datetime(2026, 8, 31, 13, 0, tzinfo=UTC),
        "created_by_station": make(models.Station),
        "batch": make(models.Batch),
    },
    models.Run: lambda: {
        "ended_at": _ended_at,
        "created_at": lambda made: made["ended_at"] + timedelta(seconds=1),
        "created_by_station": make(models.Station),
        "operated_by": make(models.Operator),
    },
    models.RunSequence: lambda: {
        "path": "main",
        "key": lambda made: made["path"].rpartition(".")[2],
        "parent_path": lambda made: made["path"].rpartition(".")[0] or None,
        "name": lambda made: made["key"],
        "source": "./main.yaml",
        "started_at": _STARTED_AT,
        "duration": lambda made: made["started_at"] and timedelta(seconds=60),
        "ended_at": _ended_at,
    },
    models.Phase: lambda: {"duration_ms": 1_500, "ended_at": _ended_at, "is_final_attempt": True},
    models.Log: lambda: {"message": "Supply voltage is stable", "source_file": "main.py", "line_number": 1},
    models.Measurement: lambda: {"measurement_outcome": "PASS"},
    models.Validator: lambda: {
        "operator": ">=",
        "expected_value": 11.4,
        "expression": _expression,
        "is_decisive": True,
        "is_expression_only": lambda made: made["operator"] is None,
        "analytics_expression": lambda made: made["expression"],
        "has_custom_expression": lambda made: made["operator"] is None or made["expression"] != _expression(made),
    },
    models.Deployment: lambda: {
        "trigger": "auto",
        "status": "ready",
        "started_at": lambda made: made["deployed_at"] + _QUEUE if made["status"] in {"building", *_BUILT} else None,
        "ended_at": lambda made: made["deployed_at"] + _QUEUE + _BUILD if made["status"] in _BUILT else None,
        "deployed_at": datetime(2026, 8, 31, 16, 0, tzinfo=UTC),
        "procedure": make(models.Procedure),
        "commit": make(models.Commit),
        "repository": make(models.Repository),
        "stations": [make(models.Station)],
    },
    models.Commit: lambda: {
        "message": "Tighten the ripple limit",
        "sha": "9fceb02d0ae598e95dc970b74767f19372d61af8",
        "author_username": "ada-park",
        "committed_at": datetime(2026, 8, 31, 15, 58, tzinfo=UTC),
        "branch": "main",
    },
    models.Organization: lambda: {"slug": "example", "name": "Example"},
    models.Identity: lambda: {"type": "user", "user": make(models.User)},
}
"""What models have where nothing else is said, and where `_example_of` would say something else. A function takes the
fields that do not follow from others, and those above it that do."""

_REFERENCES: Mapping[type, tuple[type, ...]] = {
    models.User: (models.UserRef, models.Operator),
    models.UserRef: (models.Operator,),
    models.Station: (models.StationRef, models.RunStation),
    models.StationRef: (models.RunStation,),
    models.Procedure: (models.ProcedureRef, models.RunProcedure),
    models.ProcedureRef: (models.RunProcedure,),
    models.Part: (models.PartRef, models.RevisionPart),
    models.PartRef: (models.RelatedPart, models.RevisionPart),
    models.Batch: (models.BatchRef,),
    models.Unit: (models.RunUnit, models.UnitRef, models.RecentUnit, models.RelatedUnit, models.BatchUnit),
    models.RunUnit: (models.RecentUnit,),
    models.Run: (models.LogRun, models.LastRun, models.RunRef, models.CreationRun, models.RecentRun),
    models.Phase: (models.PhaseRef,),
    models.Repository: (models.DeploymentRepository,),
}
"""Items, and the references for which they are given, apart from those that they derive from."""

_TOLD_LATER: Mapping[type, frozenset[str]] = {
    models.User: frozenset({"image", "banned"}),
    models.Unit: frozenset({"parent", "children", "last_run"}),
    models.Repository: frozenset({"name"}),  # it follows from the full name
    models.Attachment: frozenset({"download_url"}),  # each time another
}
"""Fields on which an ID does not depend."""

_TIMES: Mapping[type, str] = {
    models.Procedure: "created_at",
    models.Part: "created_at",
    models.Batch: "created_at",
    models.Unit: "created_at",
    models.Run: "started_at",
    models.Phase: "started_at",
    models.Measurement: "started_at",
    models.Log: "created_at",
    models.Deployment: "deployed_at",
}
"""The time of an item, by which its listing is sorted."""

_NAMED: Mapping[str, object] = {
    "outcome": "PASS",
    "level": "INFO",
    "provider": "github",
    "deployment_mode": "standalone",
    "data": (0.0, 0.5, 1.0),
    "measured_value": 12.1,
}
"""Values of fields for which nothing else is known, by the names of the fields."""

_BUILDERS: Mapping[type, Callable[..., Any]] = {
    models.Unit: make_unit,
    models.Run: make_run,
    models.Phase: make_phase,
    models.Log: _make_log,
    models.Measurement: make_measurement,
    models.Deployment: make_deployment,
}
"""The functions that build a model, by the model."""

_MODELS = [
    model
    for model in (getattr(models, name) for name in dir(models))
    if attrs.has(model) and model not in (models.Page, models.PageMeta, models.RawItem)
]
