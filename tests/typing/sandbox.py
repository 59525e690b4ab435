"""The sandbox as type checkers see it: never run, only checked."""

from __future__ import annotations

from typing import assert_type

from aiotofupilot import Procedure
from aiotofupilot.models import Measurement, Run, Unit, User
from aiotofupilot.sandbox import BusyLine, Delivery, Factory, Request, Sandbox, paging


def every_listing_is_a_list_of_its_items() -> None:
    sandbox = Sandbox(procedures=3, runs=10)
    assert_type(sandbox.procedures, list[Procedure])
    assert_type(sandbox.runs, list[Run])
    assert_type(sandbox.units[0], Unit)
    assert_type(sandbox.measurements[:3], list[Measurement])
    sandbox.runs.insert(0, sandbox.runs[1])
    sandbox.users[1:] = [User("u")]
    del sandbox.phases[2:]


def items_may_be_given(runs: list[Run], users: tuple[User, ...]) -> None:
    Sandbox([], runs=runs, users=users)
    Factory([], runs=5, seed=7)


def a_sandbox_that_is_not_started_answers_too() -> None:
    sandbox = Sandbox(api_key="k", station_key="s", pagings={"runs": paging.capped(25)})
    with sandbox.handle(Request(path="/api/v2/runs", query=[("ids", "a"), ("ids", "b")])) as delivery:
        assert_type(delivery, Delivery)
        assert_type(delivery.body, bytes)


def a_hook_sees_every_listing(sandbox: Sandbox) -> None:
    def hook(factory: Factory, request: Request) -> None:
        if request.attempt > 1:
            factory.runs.clear()

    sandbox.before_response += [hook, BusyLine(runs=0.5)]
