"""Change the package in small ways, and see which of the changes its tests notice.

    python .ci/mutants.py FOLDER --seed 22 --quota 8
    python .ci/mutants.py FOLDER --seed 22 --quota 8 --part http --list

FOLDER is a checkout of any commit, with the extra dev installed in its .venv. Nothing in it is changed: each mutant is
tried in a copy, with an environment of its own.

A part of the package is a package of it, such as http, or all the modules that stand beside the packages. From each
part, ``--quota`` mutants are drawn: the operators take turns, in an order that is drawn, and each gives one place. The
same seed draws the same mutants from the same tree.

A mutant is tried with the tests of its part until one fails, in Hypothesis' profile ``quick``. Those that bear the name
of its module come first. If none fails, it has survived. The tests may use 60 s of CPU, and a program that they start
60 s of its own. By the clock they may take 20 minutes, because other work can slow a machine down. A mutant that takes
longer is caught, unless the tests without a mutant take longer too.

Documentation, annotations, blocks for type checkers, ``__all__`` and texts are not changed. The arguments of a call in
an annotation are, as in ``Annotated[int, Bounds(1, 100)]``.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import re
import shutil
import signal
import subprocess
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import accumulate, zip_longest
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory, TemporaryFile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = "aiotofupilot"
PARTS = {"arrow", "cli", "dlt", "http", "listings", "mirror", "models", "otel", "paging", "sandbox", "testing", "wire"}
"""Parts of the package, by the names of their tests. In the package, a part is ``http``, ``_http`` or a module."""
ALSO = {"models": "wire", "session": "http", "stats": "http"}
"""In which other folder the tests of a part or a module are."""
OTHERS = "values"
"""The part of all other modules."""
LIMITS = "ulimit -t 60; ulimit -v 8000000; ulimit -c 0"
"""What each process may use: seconds of CPU, KiB of addresses, and no file for a dump of its memory."""
WALL_SECONDS = 1200
OVER = "a limit"
"""What has ended tests that took too long."""

SWAPS: dict[type[ast.AST], Any] = {
    ast.Lt: ast.LtE,
    ast.Gt: ast.GtE,
    ast.Eq: ast.NotEq,
    ast.Is: ast.IsNot,
    ast.In: ast.NotIn,
    ast.Add: ast.Sub,
    ast.And: ast.Or,
    ast.Continue: ast.Break,
}
SWAPS |= {after: before for before, after in SWAPS.items()}


@dataclass(frozen=True)
class Mutant:
    """A small change of one place in a module."""

    file: str
    """Where the module is in the package."""
    line: int
    operator: str
    before: str
    after: str
    span: tuple[int, int]
    """Where the text before is, in bytes from the beginning of the file."""

    def apply(self, source: bytes) -> bytes:
        """Return the module with the change."""
        start, end = self.span
        return source[:start] + self.after.encode() + source[end:]

    def __str__(self) -> str:
        """Return it in one line."""
        before, after = (" ".join(text.split()) for text in (self.before, self.after))
        return f"{self.file}:{self.line} {self.operator}: {before} -> {after}"


@dataclass(frozen=True)
class Place:
    """A node of a module that may be changed."""

    node: ast.AST
    is_default: bool = False
    """Whether it is the default of an argument or of a field."""
    is_typed: bool = False
    """Whether it is in a function that is annotated to return something other than None."""

    def inner(self) -> Iterator[Place]:
        """Yield the place, and all within it that may be changed."""
        yield self
        for name, value in ast.iter_fields(self.node):
            is_default = name in {"defaults", "kw_defaults"} or isinstance(self.node, ast.AnnAssign)
            is_typed = self.is_typed
            if isinstance(self.node, ast.FunctionDef | ast.AsyncFunctionDef) and name == "body":
                is_typed = self.node.returns is not None and ast.unparse(self.node.returns) != "None"
            for child in value if isinstance(value, list) else [value]:
                if not isinstance(child, ast.AST) or is_left_out(child):
                    continue
                if name in {"annotation", "returns"}:
                    for call in (node for node in ast.walk(child) if isinstance(node, ast.Call)):
                        yield from Place(call).inner()
                else:
                    yield from Place(child, is_default, is_typed).inner()

    def changes(self) -> Iterator[tuple[str, str]]:
        """Yield the operators that change the node, each with the text after the change."""
        match self.node:
            case ast.Constant(str(text)) if self.is_default:
                yield "default", repr(f"{text}X")
            case ast.Return(value) if self.is_typed and value and ast.unparse(value) != "None":
                yield "return", "return None"
            case ast.expr():
                # The parentheses keep what stands around the expression as it is.
                changes = expression_changes(self.node)
                yield from (("default" if self.is_default else name, f"({ast.unparse(new)})") for name, new in changes)
            case ast.AugAssign(target, ast.Add() | ast.Sub() as operator, value) if not is_text(value):
                yield "arithmetic", ast.unparse(ast.AugAssign(target, SWAPS[type(operator)](), value))
            case ast.Expr(ast.Call() | ast.Await(ast.Call())) | ast.Assign([ast.Attribute()]):
                yield "deletion", "pass"
            case ast.AnnAssign(ast.Attribute(), _, ast.expr()):
                yield "deletion", "pass"
            case ast.Continue() | ast.Break():
                yield "loop", ast.unparse(SWAPS[type(self.node)]())
            case _:
                pass


def expression_changes(node: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """Yield the operators that change an expression, each with the expression after the change."""
    match node:
        case ast.Compare(left, operators, right):
            for place, operator in enumerate(operators):
                swapped = [*operators[:place], SWAPS[type(operator)](), *operators[place + 1 :]]
                yield "comparison", ast.Compare(left, swapped, right)
        case ast.BoolOp(operator, values):
            yield "and/or", ast.BoolOp(SWAPS[type(operator)](), values)
        case ast.BinOp(left, ast.Add() | ast.Sub() as operator, right) if not (is_text(left) or is_text(right)):
            yield "arithmetic", ast.BinOp(left, SWAPS[type(operator)](), right)
        case ast.UnaryOp(ast.Not(), operand):
            yield "not", operand
        case ast.Constant(bool(value)):
            yield "boolean", ast.Constant(not value)
        case ast.Constant(int(number) | float(number)):
            yield "number", ast.Constant(number - 1)
            yield "number", ast.Constant(number + 1)
        case _:
            pass


def is_text(node: ast.AST) -> bool:
    """Tell a text, or bytes."""
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes))


def is_left_out(node: ast.AST) -> bool:
    """Tell a text with values, whose positions are wrong in Python 3.11, a block for type checkers, and ``__all__``."""
    match node:
        case ast.JoinedStr() | ast.If(ast.Name("TYPE_CHECKING")) | ast.Assign([ast.Name("__all__")]):
            return True
        case _:
            return False


def mutants_of(file: str, source: bytes) -> Iterator[Mutant]:
    """Yield every mutant of a module."""
    starts = [0, *accumulate(map(len, source.splitlines(keepends=True)))]
    for place in Place(ast.parse(source)).inner():
        for operator, after in place.changes():
            node: Any = place.node
            span = starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset
            yield Mutant(file, node.lineno, operator, source[slice(*span)].decode(), after, span)


def part_of(file: str) -> str:
    """Return the part of the package to which a module belongs."""
    name = Path(file).parts[0].removesuffix(".py").strip("_")
    return name if name in PARTS else OTHERS


def sample(package: Path, seed: int, quota: int) -> dict[str, list[Mutant]]:
    """Draw mutants from each part of a package."""
    found: defaultdict[str, defaultdict[str, list[Mutant]]] = defaultdict(lambda: defaultdict(list))
    for path in sorted(package.rglob("*.py")):
        file = path.relative_to(package).as_posix()
        for mutant in mutants_of(file, path.read_bytes()):
            found[part_of(file)][mutant.operator].append(mutant)
    drawn = {}
    for part, operators in sorted(found.items()):
        chance = random.Random(f"{seed} {part}")  # noqa: S311 - no secret
        shuffled = [chance.sample(mutants, len(mutants)) for _, mutants in sorted(operators.items())]
        chance.shuffle(shuffled)
        turns = [mutant for turn in zip_longest(*shuffled) for mutant in turn if mutant]
        drawn[part] = turns[:quota]
    return drawn


def tests_of(tests: Path, file: str) -> list[str]:
    """Return the test files for a module, from the root: first those that bear its name, then those of its part.

    A module beside the packages is tested by what bears its name in any folder, or else by what stands in no folder.
    """
    part = Path(file).parts[0].removesuffix(".py").strip("_")
    bearing = (tests.glob if part in PARTS else tests.rglob)(f"test_{part}*.py")
    folders = {part, ALSO.get(part, part)}
    inside = (path for folder in folders for path in tests.glob(f"{folder}/**/test_*.py"))
    found = {*bearing, *inside} or {*tests.glob("test_*.py")}

    def words(path: str) -> set[str]:
        return {*re.split(r"[_/.]+", path)}

    def by_likeness(path: Path) -> tuple[int, Path]:
        return -len(words(file) & words(path.relative_to(tests).as_posix())), path

    return [path.relative_to(tests.parent).as_posix() for path in sorted(found, key=by_likeness)]


class Copy:
    """A copy of a checkout, with an environment of its own that uses what is installed for the checkout."""

    def __init__(self, checkout: Path, folder: Path) -> None:
        self.folder = folder
        ignored = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", ".hypothesis")
        shutil.copytree(checkout, folder, ignore=ignored, dirs_exist_ok=True)
        python = checkout / ".venv" / "bin" / "python"
        subprocess.run([python, "-m", "venv", "--without-pip", folder / ".venv"], check=True)  # noqa: S603 - our own
        (own,) = (folder / ".venv").glob("lib/*/site-packages")
        (installed,) = (checkout / ".venv").glob("lib/*/site-packages")
        (own / "copy.pth").write_text(f"{folder}\n{installed}\n", encoding="utf-8")
        for script in filter(Path.is_file, python.parent.iterdir()):  # what compiles may leave a folder there
            first, rest = script.read_bytes().split(b"\n", 1)
            if first.startswith(b"#!") and b"python" in first:  # a command, which has to run the Python of the copy
                command = folder / ".venv" / "bin" / script.name
                command.write_bytes(b"#!%b/.venv/bin/python\n%b" % (bytes(folder), rest))
                command.chmod(0o755)

    def run(self, tests: list[str]) -> str | None:
        """Run tests until one fails, and return its name. None: all pass; ``OVER``: they take too long.

        Pytest itself fails where it cannot start, and where a test hangs.
        """
        settings = re.compile("PYTEST|PYTHON|TOFUPILOT|VIRTUAL_ENV")  # which could lead away from this copy
        options = ["-x", "-q", "-p", "no:cacheprovider", "-o", "asyncio_debug=false", "--hypothesis-profile=quick"]
        command = [".venv/bin/python", "-m", "pytest", *options, *tests]
        with TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
            process = subprocess.Popen(  # noqa: S603 - our own
                ["/bin/sh", "-c", f'{LIMITS}; exec "$@"', "sh", *command],
                cwd=self.folder,
                env={name: value for name, value in os.environ.items() if not settings.match(name)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                code = process.wait(WALL_SECONDS)
            except subprocess.TimeoutExpired:
                code = -signal.SIGKILL
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # with all that the tests have started
            process.wait()
            output.seek(0)
            failed = re.findall(r"^(?:FAILED|ERROR) (tests\S+)", output.read(), re.MULTILINE)
        if code in {-signal.SIGXCPU, -signal.SIGKILL}:
            return OVER
        return (failed or ["pytest itself"])[0] if code else None

    def try_mutant(self, mutant: Mutant) -> str | None:
        """Run the tests of a mutant. The copy is as before afterwards."""
        path = self.folder / PACKAGE / mutant.file
        source = path.read_bytes()
        path.write_bytes(mutant.apply(source))
        # Python believes what it has compiled if length and second are the same.
        shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)
        try:
            return self.run(tests_of(self.folder / "tests", mutant.file))
        finally:
            path.write_bytes(source)
            shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)


@dataclass
class Outcome:
    """What became of a mutant."""

    mutant: Mutant
    caught_by: str | None
    """The test that failed, or ``OVER``. None: it has survived."""


def try_unchanged(tests: frozenset[str], copy: Copy) -> str | None:
    """Run tests without a mutant. They have to pass, or to take too long.

    Raises:
        SystemExit: One of them fails.
    """
    ended_by = copy.run(sorted(tests))
    if ended_by not in {None, OVER}:
        message = f"without a mutant, {ended_by} fails"
        raise SystemExit(message)
    if ended_by:
        print(f"without a mutant, the tests from {min(tests)} to {max(tests)} reach {ended_by}", flush=True)
    return ended_by


def try_mutants(mutants: list[Mutant], copies: list[Copy]) -> Iterator[Outcome]:
    """Try mutants, as many at a time as there are copies."""
    tests = {mutant.file: frozenset(tests_of(copies[0].folder / "tests", mutant.file)) for mutant in mutants}
    unchanged = {some: try_unchanged(some, copies[0]) for some in dict.fromkeys(tests.values())}
    free: SimpleQueue[Copy] = SimpleQueue()
    for copy in copies:
        free.put(copy)

    def attempt(mutant: Mutant) -> Outcome:
        copy = free.get()
        try:
            ended_by = copy.try_mutant(mutant)
        finally:
            free.put(copy)
        return Outcome(mutant, None if ended_by == unchanged[tests[mutant.file]] else ended_by)

    with ThreadPoolExecutor(len(copies)) as pool:
        yield from pool.map(attempt, mutants)


def summary(outcomes: dict[str, list[Outcome]]) -> Iterator[str]:
    """Yield a line for each part, and one for all."""
    yield f"{'part':10}{'mutants':>9}{'caught':>9}{'of these, by a limit':>22}{'survived':>10}{'share caught':>14}"
    everything = [outcome for part in outcomes.values() for outcome in part]
    for part, some in [*outcomes.items(), ("all", everything)]:
        caught = [outcome.caught_by for outcome in some if outcome.caught_by]
        share = f"{len(caught) / len(some):.0%}" if some else "-"
        yield f"{part:10}{len(some):9}{len(caught):9}{caught.count(OVER):22}{len(some) - len(caught):10}{share:>14}"


def main(arguments: list[str] | None = None) -> None:
    """Try mutants, print a line for each, and a summary."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="a checkout with an environment in .venv")
    parser.add_argument("--seed", type=int, required=True, help="another seed draws other mutants")
    parser.add_argument("--quota", type=int, required=True, help="how many mutants are drawn from each part")
    parser.add_argument("--part", action="append", help="only this part; can be repeated")
    parser.add_argument("--jobs", type=int, default=1, help="how many are tried at a time")
    parser.add_argument("--list", action="store_true", help="print the mutants and try none")
    parser.add_argument("--json", type=Path, help="write what became of each mutant to this file")
    options = parser.parse_args(arguments)
    folder = options.folder.resolve()
    drawn = sample(folder / PACKAGE, options.seed, options.quota)
    if unknown := {*(options.part or ())} - drawn.keys():
        parser.error(f"--part: there is no part {', '.join(sorted(unknown))}, only {', '.join(drawn)}")
    drawn = {part: mutants for part, mutants in drawn.items() if not options.part or part in options.part}
    mutants = [mutant for some in drawn.values() for mutant in some]
    if options.list:
        print(*mutants, sep="\n")
        return
    outcomes: dict[str, list[Outcome]] = {part: [] for part in drawn}
    with TemporaryDirectory() as work:
        copies = [Copy(folder, Path(work).resolve() / str(number)) for number in range(options.jobs)]
        for outcome in try_mutants(mutants, copies):
            outcomes[part_of(outcome.mutant.file)].append(outcome)
            print(f"{outcome.caught_by or 'SURVIVED'}: {outcome.mutant}", flush=True)
    print(*summary(outcomes), sep="\n")
    if options.json:
        document = {part: [asdict(outcome) for outcome in some] for part, some in outcomes.items()}
        options.json.write_text(json.dumps(document, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
