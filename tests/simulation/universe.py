"""One seed, from beginning to end."""

import asyncio
import logging
import math
from contextlib import ExitStack
from pathlib import Path
from traceback import format_exception

import pytest
from fakes.telemetry import installed
from simulation import oracle
from simulation.database import Database
from simulation.network import Limiter, Way, connect
from simulation.programs import KINDS
from simulation.server import Line, Server
from simulation.world import WORK, Records, World

WEIGHTS = {
    "walk": 12,
    "pages": 1,
    "details": 3,
    "since": 4,
    "follow": 3,
    "count": 2,
    "shards": 2,
    "downloads": 2,
    "ask": 1,
}
ROUNDS = 3

HOURS = 48
"""A universe whose programs have not ended after so many hours does not come to an end.

A walk that searches among ties without an order, while an item there costs six timeouts each time, takes 15 hours.
"""


class Universe:
    """What is in one universe. Afterwards, its world has what was tested, and what was broken."""

    def __init__(self, seed, folder):
        self.world = world = World(seed)
        self.folder = Path(folder)
        self.folder.mkdir(parents=True)
        chance = self.chance = world.chance("universe")
        number = chance.choice((2, 3)) if "together" in world.on else 1
        database = Database(world)
        world.on = database.change(world.on)
        plots = chance.choices(list(WEIGHTS), list(WEIGHTS.values()), k=number * ROUNDS)
        self.plots = [database.plot(plot) for plot in plots]
        self.rounds = [self.plots[nth::ROUNDS] for nth in range(ROUNDS)]
        self.line = Line(world, self.plots, database)
        self.server = Server(world, self.line)
        self.way = Way(world, self.server)
        self.session = None
        self.programs = []

    def run(self):
        """Let it run, and return its world."""
        world, loop = self.world, self.world.loop
        records = Records(world, self.line.sandbox.api_key)
        logger = logging.getLogger("aiotofupilot")
        level = logger.level
        logger.setLevel(records.level)
        logger.addHandler(records)
        logger.propagate = False
        loop.set_exception_handler(lambda _, context: world.check("nothing is lost in a task", not context, context))
        try:
            with ExitStack() as stack:
                telemetry = None
                if "spans" in world.on:
                    telemetry = stack.enter_context(installed(stack.enter_context(pytest.MonkeyPatch.context())))
                loop.run_until_complete(self._all())
                if telemetry is not None:
                    oracle.judge_spans(self, telemetry)
            left = asyncio.all_tasks(loop)
            world.check("no task is left", not left, left)
        except Exception as error:  # noqa: BLE001 - what a seed raises is its result
            world.broken.append("".join(format_exception(error)))
        finally:
            logger.removeHandler(records)
            logger.setLevel(level)
            logger.propagate = True
            loop.close()
        return world

    async def _all(self):
        world, chance = self.world, self.chance
        self.session = self._connect()
        for nth, plots in enumerate(self.rounds):
            self.server.plan()
            programs = [KINDS[plot](self, f"{plot}-{nth}-{which}") for which, plot in enumerate(plots)]
            self.programs += programs
            around = [asyncio.create_task(self.line.run())] if "moving" in world.on else []
            self.line.is_quiet = not around  # whichever task runs first
            if "close" in world.on:
                after = chance.choice((0.01, 0.2, 1.0, 20.0)) * chance.random()
                around.append(asyncio.create_task(self._close(after)))
            async with asyncio.timeout(HOURS * 3600), asyncio.TaskGroup() as group:
                for program in programs:
                    group.create_task(program.run())
            for task in around:
                task.cancel()
            for ended in await asyncio.gather(*around, return_exceptions=True):
                if isinstance(ended, Exception):
                    raise ended
            oracle.judge_outage(self, programs)
        await self.session.close()
        oracle.judge_draws(self)
        world.check("nothing is in flight in the end", self.way.in_flight == 0, self.way.in_flight)
        world.check("nobody stays in the limiter", self.way.limited == 0, self.way.limited)

    def _connect(self):
        limiter = Limiter(self.way) if "limiter" in self.world.on else None
        return connect(self.way, self.line.sandbox, limiter=limiter)

    async def _close(self, after):
        await asyncio.sleep(after)
        session, before = self.session, [sent for sent in self.way.sent if sent.ended == math.inf]
        self.session, now = self._connect(), self.world.now
        most = WORK if self.world.loop.at_work else 0.0  # nobody can cancel a thread, so closing waits for it
        await session.close()
        still, late = [sent for sent in before if sent.ended == math.inf], self.world.now - now
        self.world.check("closing ends everything at once", not still and late <= most, late, most, still)
