"""``python -m benchmarks [OPTIONS] [NAME ...]``. With ``--help``, it says which options and names there are."""

from __future__ import annotations

import argparse
import subprocess
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .bench import Bench, Server
from .instructions import worse
from .picture import DEPTH, WALL, picture
from .questions import QUESTIONS
from .report import SHOWN, Answer, markdown, measured_with, read, write

if TYPE_CHECKING:
    from .bench import Row

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results.json"


def main() -> None:
    """Ask the questions, show the progress and print the table.

    What documents show of the answers is kept if every question was asked, or if ``--keep`` says so.
    """
    questions = {question.__name__: question for question in QUESTIONS}
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Compare aiotofupilot with other ways to list.",
        epilog="\n".join(
            f"{name:12} {(question.__doc__ or '').splitlines()[0]}" for name, question in questions.items()
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="the questions to ask; by default all of them")
    parser.add_argument("--rounds", type=int, help="how often each client runs; by default each question decides")
    parser.add_argument("--keep", action="store_true", help="keep the answers to these questions with the others")
    parser.add_argument("--redraw", action="store_true", help="draw the results that are kept, and ask nothing")
    parser.add_argument(
        "--against",
        type=Path,
        metavar="FOLDER",
        help="count the instructions of this checkout too, and fail if more than 2 %% more are needed here",
    )
    arguments = parser.parse_args()
    if arguments.redraw:
        _draw()
        return
    names = arguments.names
    if unknown := [name for name in names if name not in questions]:
        parser.error(f"no such question: {', '.join(unknown)}; there are {', '.join(questions)}")
    if arguments.keep and (unseen := [name for name in names if name not in SHOWN]):
        parser.error(f"no document shows the answers to {', '.join(unseen)}, so they are not kept")
    chosen = names or list(questions)
    if arguments.against and not (arguments.against / "aiotofupilot" / "__init__.py").is_file():
        parser.error(f"{arguments.against} is not a checkout of aiotofupilot")
    if arguments.against and "instructions" not in chosen:
        parser.error("--against is for the question instructions")

    answers: dict[str, list[Row]] = {}
    with Server() as server:
        for number, name in enumerate(chosen, 1):
            show = partial(_show, f"[{number}/{len(chosen)}] {name}: ")
            answers[name] = list(questions[name](Bench(server, show, arguments.rounds, arguments.against)))
    _show()
    print(markdown([row for rows in answers.values() for row in rows]))
    if arguments.keep or not (names or arguments.rounds):
        _keep(answers)
    if found := worse(answers.get("instructions", ())):
        sys.exit("\n".join(found))


def _keep(answers: dict[str, list[Row]]) -> None:
    """Keep the answers with those to other questions, and draw them."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    commit = subprocess.run(command, cwd=FOLDER, check=True, capture_output=True, text=True).stdout.strip()
    measured = f"{datetime.now(UTC):%Y-%m-%d}, commit {commit}: {measured_with()}"
    new = {name: Answer(measured, rows) for name, rows in answers.items()}
    RESULTS.write_text(write(read(RESULTS.read_text("utf-8")) | new), "utf-8")
    _draw()


def _draw() -> None:
    kept = read(RESULTS.read_text("utf-8"))
    for name, chart, question in (("picture", WALL, "wall"), ("depth", DEPTH, "depth")):
        (FOLDER / f"{name}.svg").write_text(picture(chart, kept[question].rows), "utf-8")


def _show(*parts: str) -> None:
    """Replace the line of progress on a terminal. Elsewhere, print another line."""
    text = "".join(parts)
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
    elif text:
        print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
