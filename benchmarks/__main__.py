"""``python -m benchmarks [--rounds N] [--keep] [NAME ...]``, or ``python -m benchmarks --redraw``."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .bench import Bench
from .picture import picture
from .plots import plot
from .processes import Server
from .questions import QUESTIONS
from .report import answers as kept_answers, document, headline, losses, markdown, measured_with

if TYPE_CHECKING:
    from .measure import Row
    from .report import Answers

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Ask the questions, show the progress and print the table.

    The results are kept if every question was asked, or if ``--keep`` says so.
    """
    questions = {question.__name__: question for question in QUESTIONS}
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Compare aiotofupilot with other ways to list.",
        epilog="\n".join(
            f"{name:8} {(question.__doc__ or '').splitlines()[0]}" for name, question in questions.items()
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="the questions to ask; by default all of them")
    parser.add_argument("--rounds", type=int, help="how often each client runs; by default each question decides")
    parser.add_argument("--keep", action="store_true", help="keep the answers to these questions with the others")
    parser.add_argument("--redraw", action="store_true", help="draw the results that are kept, and ask nothing")
    arguments = parser.parse_args()
    if arguments.redraw:
        _draw(kept_answers((RESULTS / "results.json").read_bytes()))
        return
    names = arguments.names
    if unknown := [name for name in names if name not in questions]:
        parser.error(f"no such question: {', '.join(unknown)}; there are {', '.join(questions)}")
    chosen = names or list(questions)

    answers: dict[str, list[Row]] = {}
    with Server() as server:
        for number, name in enumerate(chosen, 1):
            bench = Bench(server, partial(_show, f"[{number}/{len(chosen)}] {name}: "), arguments.rounds)
            answers[name] = list(questions[name](bench))
    _show()
    table = markdown(answers)
    print(table)
    if arguments.keep or not (names or arguments.rounds):
        RESULTS.mkdir(exist_ok=True)
        if names:  # the other answers, and where they were measured, stay as they are
            asked = ", ".join(names)
            kept = (RESULTS / "results.md").read_text().rpartition("\n\n")[2].splitlines()
            lines = [line for line in kept if not line.startswith(f"{asked}: ")]
            answers = {**kept_answers((RESULTS / "results.json").read_bytes()), **answers}
            table = markdown(answers, "\n".join([*lines, f"{asked}: {measured_with()}"]))
        (RESULTS / "results.md").write_text(table)
        (RESULTS / "headline.md").write_text(headline(answers))
        (RESULTS / "losses.md").write_text(losses(answers["drift"]))
        (RESULTS / "results.json").write_bytes(document(answers, kept=(RESULTS / "results.json") if names else None))
        _draw(answers)


def _draw(answers: Answers) -> None:
    (RESULTS / "picture.svg").write_text(picture(answers["wall"]))
    plot(answers, RESULTS)


def _show(*parts: str) -> None:
    """Replace the line of progress on a terminal. Elsewhere, print another line."""
    text = "".join(parts)
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
    elif text:
        print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
