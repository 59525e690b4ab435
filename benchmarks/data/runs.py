"""Runs with everything that can be nested in one.

A factory has few procedures, parts, batches, stations and operators, so those repeat. Units and sequences do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from .draws import Draws, duration, moment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, timedelta

__all__ = ["runs"]

_OUTCOMES = ("PASS",) * 16 + ("FAIL", "FAIL", "ERROR", "TIMEOUT", "ABORTED")
_STEPS = ("power_up", "flash", "calibrate", "rf_conducted", "leak_test", "soak", "functional", "pack_out")
_SAMPLES = ("golden", "failing", "ignored")


@frozen(kw_only=True)
class Factory:
    """What many runs have in common."""

    procedures: list[dict[str, Any]]
    parts: list[dict[str, Any]]
    batches: list[dict[str, Any]]
    stations: list[dict[str, Any]]
    users: list[dict[str, Any]]
    operators: list[dict[str, Any]]


def _factory(draws: Draws) -> Factory:
    known = [draws.person(draws.id()) for _ in range(20)]
    return Factory(
        procedures=[_procedure(draws) for _ in range(20)],
        parts=[_part(draws) for _ in range(40)],
        batches=[{"id": draws.id(), "number": f"2026-W{week:02}"} for week in range(1, 53)],
        stations=[{"id": draws.id(), "name": f"FVT bench {number}"} for number in range(1, 13)],
        users=[draws.person(draws.id()) for _ in range(6)],
        operators=[*known, *({"id": None, "name": f"Shift {shift}", "email": None} for shift in "ABC")],
    )


def _procedure(draws: Draws) -> dict[str, Any]:
    version = {"id": draws.id(), "tag": f"v{draws.integer(0, 9)}.{draws.integer(0, 30)}.{draws.integer(0, 9)}"}
    return {"id": draws.id(), "name": f"{draws.words(2).capitalize()} FVT", "version": draws.unless(0.1, version)}


def _part(draws: Draws) -> dict[str, Any]:
    return {
        "id": draws.id(),
        "number": f"{draws.words(1).upper()}-{draws.integer(100, 99_999)}",
        "name": draws.words(draws.integer(1, 3)).capitalize(),
        "revision": {"id": draws.id(), "number": draws.choice("ABCDEFG")},
    }


def runs() -> Iterator[dict[str, Any]]:
    """Yield runs, without end."""
    draws = Draws("runs")
    factory = _factory(draws)
    while True:
        yield _run(draws, factory)


def _run(draws: Draws, factory: Factory) -> dict[str, Any]:
    began, took = draws.moment(), draws.span(20, 5_000)
    ended = began + took
    by_user = draws.happens(0.1)
    slot = draws.integer(1, 8) if draws.happens(0.3) else None
    return {
        "id": draws.new_id(),
        "created_at": moment(ended + draws.span(0.2, 90)),
        "started_at": moment(began),
        "ended_at": moment(ended),
        "duration": duration(took),
        "outcome": draws.choice(_OUTCOMES),
        "execution_id": None if slot is None else draws.id(),
        "slot_key": None if slot is None else f"slot_{slot}",
        "slot_name": None if slot is None else f"Slot {slot}",
        "procedure": draws.choice(factory.procedures),
        "unit": _unit(draws, factory),
        "docstring": draws.unless(0.5, f"Tests the {draws.words(3)}.\n\nNeeds a {draws.words(1)} at 12 V."),
        "created_by_user": draws.choice(factory.users) if by_user else None,
        "created_by_station": None if by_user else draws.choice(factory.stations),
        "operated_by": draws.choice(factory.operators),
        "metadata": _metadata(draws),
        "sequences": _sequences(draws, began, took),
    }


def _unit(draws: Draws, factory: Factory) -> dict[str, Any]:
    return {
        "id": draws.new_id(),
        "serial_number": f"{draws.words(1)[:3].upper()}-{draws.integer(2401, 2612)}-{draws.integer(1, 99_999):05}",
        "sample": draws.unless(0.95, draws.choice(_SAMPLES)),
        "part": draws.choice(factory.parts),
        "batch": draws.unless(0.05, draws.choice(factory.batches)),
    }


def _metadata(draws: Draws) -> dict[str, Any]:
    known = {
        "shift": draws.choice("ABC"),
        "humidity": draws.number(20, 70),
        "rework": draws.happens(0.1),
        "cycle": draws.integer(1, 90_000),
        "pcb_lot": f"L{draws.integer(1_000, 9_999)}",
        "fixture": f"{draws.words(1)}-{draws.integer(1, 40)}",
    }
    return {key: known[key] for key in draws.some(list(known), 2, len(known))}


def _sequences(draws: Draws, began: datetime, took: timedelta) -> list[dict[str, Any]]:
    keys = draws.some(_STEPS, 2, 5)
    each = took / len(keys)
    return [_sequence(draws, key, began + number * each, each) for number, key in enumerate(keys)]


def _sequence(draws: Draws, key: str, began: datetime, took: timedelta) -> dict[str, Any]:
    skipped = draws.happens(0.03)
    return {
        "id": draws.new_id(),
        "path": key,
        "key": key,
        "parent_path": None,
        "name": key.replace("_", " ").capitalize(),
        "source": draws.unless(0.2, f"./sequences/{key}.yaml"),
        "outcome": "SKIP" if skipped else draws.choice(_OUTCOMES),
        "started_at": None if skipped else moment(began),
        "ended_at": None if skipped else moment(began + took),
        "duration": None if skipped else duration(took),
    }
