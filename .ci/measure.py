"""Measure the size of this project and the shape of its package, to compare one commit with another.

    python .ci/measure.py FOLDER           a table
    python .ci/measure.py FOLDER --json    the same as JSON
    python .ci/measure.py FOLDER --page    the modules that a page enters, by name

FOLDER is a checkout of any commit, with the extra dev installed in its .venv. What the numbers count:

- Code is each line with a token that belongs neither to a comment nor to a docstring. A docstring is any string that
  is a statement of its own, so the documentation of a field is one too.
- Imports are the lines of code of import statements, wherever they stand, also below ``if TYPE_CHECKING``.
- A circle is a set of modules that import one another, directly or through others. Every import counts, also one
  below ``if TYPE_CHECKING`` and one in a function. So it is for arrows and floors.
- An entry is a module or a package directly in the package, or the package's own ``__init__``. An arrow is a pair of
  entries of which one imports the other. Floors are the entries of the longest chain of arrows. The entries of a
  circle stand one above the other.
- A page enters a module if it calls a function there while ``async for`` goes from the last item of the second page of
  procedures to the first item of the third. The sandbox that answers is not counted.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import json
import re
import subprocess
import sys
import threading
import tokenize
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType

    from grimp import ImportGraph

PACKAGE = "aiotofupilot"
LAYOUT = {tokenize.ENCODING, tokenize.INDENT, tokenize.DEDENT, tokenize.NEWLINE, tokenize.NL, tokenize.ENDMARKER}
"""Tokens that are not text."""


def lines_of(nodes: Iterable[ast.AST]) -> set[int]:
    """Return the numbers of the lines on which statements stand."""
    return {
        line for node in nodes if isinstance(node, ast.stmt) for line in range(node.lineno, (node.end_lineno or 0) + 1)
    }


def is_docstring(node: ast.AST) -> bool:
    """Tell a string that is a statement of its own."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def is_all(node: ast.AST) -> bool:
    """Tell a statement that sets ``__all__``."""
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets)


def count_module(path: Path) -> Counter[str]:
    """Count the lines of a module by their kind, its classes and its functions."""
    with path.open("rb") as file:
        tokens = [token for token in tokenize.tokenize(file.readline) if token.type not in LAYOUT]
    text = path.read_text(encoding="utf-8")
    nodes = [*ast.walk(ast.parse(text))]
    docstrings = lines_of(filter(is_docstring, nodes))
    code = {
        line
        for token in tokens
        if token.type != tokenize.COMMENT
        for line in range(token.start[0], token.end[0] + 1)
        if line not in docstrings
    }
    return Counter(
        {
            "modules": 1,
            "lines": len(text.splitlines()),
            "code": len(code),
            "docstrings": len(docstrings),
            "classes": sum(isinstance(node, ast.ClassDef) for node in nodes),
            "functions": sum(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in nodes),
            "imports": len(code & lines_of(node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom))),
            "__all__": len(code & lines_of(filter(is_all, nodes))),
        }
    )


def count_modules(folder: Path) -> Counter[str]:
    """Add up the counts of all modules below a folder."""
    total: Counter[str] = Counter()
    for path in sorted(folder.rglob("*.py")):
        total.update(count_module(path))
    return total


def lines_with_private_imports(folder: Path, package: str) -> int:
    """Count the lines of modules that import a private module of a package, or a private name of one."""
    lines = 0
    for path in folder.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        names: set[str] = set()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names |= {f"{node.module}.{alias.name}" for alias in node.names}
        if any(re.match(rf"{package}\..*\b_[a-z]", name) for name in names):
            lines += len(text.splitlines())
    return lines


def circle_of(graph: ImportGraph, module: str) -> frozenset[str]:
    """Return the circle of a module: itself, and all that it imports and that imports it."""
    return frozenset({module, *(graph.find_downstream_modules(module) & graph.find_upstream_modules(module))})


def floors(graph: ImportGraph) -> int:
    """Return the length of the longest chain of imports."""

    @cache
    def height(circle: frozenset[str]) -> int:
        below = {other for module in circle for other in graph.find_modules_directly_imported_by(module)} - circle
        return len(circle) + max((height(circle_of(graph, module)) for module in below), default=0)

    return max(height(circle_of(graph, module)) for module in graph.modules)


def measure_imports(package: str) -> dict[str, int]:
    """Return the circles of a package's modules, and the arrows and floors of its entries.

    Args:
        package: Its name. It has to be found on ``sys.path``, and is not imported.
    """
    import grimp  # noqa: PLC0415 - Python without it can name the modules of a page

    graph = grimp.build_graph(package, exclude_type_checking_imports=False, cache_dir=None)
    circles = {circle for module in graph.modules if len(circle := circle_of(graph, module)) > 1}
    for entry in graph.find_children(package):
        graph.squash_module(entry)
        graph.remove_import(importer=entry, imported=entry)  # what its modules import of one another
    arrows = graph.count_imports()
    of_init = [*graph.find_modules_directly_imported_by(package), *graph.find_modules_that_directly_import(package)]
    return {
        "circles": len(circles),
        "modules in circles": sum(map(len, circles)),
        "entries": len(graph.modules),
        "arrows": arrows,
        "arrows without __init__": arrows - len(of_init),
        "floors": floors(graph),
    }


async def modules_of_a_page(limit: int = 10) -> list[str]:
    """List procedures of a sandbox, and return the modules of the package that the third page enters.

    The sandbox runs in a thread of its own, where the profile does not look.
    """
    from aiotofupilot import TofuPilotSession  # noqa: PLC0415 - the package of FOLDER, in its environment
    from aiotofupilot.sandbox import Sandbox  # noqa: PLC0415 - likewise

    entered = set()

    def profile(frame: FrameType, event: str, _argument: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and PACKAGE in path.parts:
            entered.add("/".join(path.parts[path.parts.index(PACKAGE) :]))

    async def serve(started: asyncio.Future[Sandbox], client: asyncio.AbstractEventLoop, done: threading.Event) -> None:
        async with Sandbox() as sandbox:
            client.call_soon_threadsafe(started.set_result, sandbox)
            await asyncio.to_thread(done.wait)

    client = asyncio.get_running_loop()
    started: asyncio.Future[Sandbox] = client.create_future()
    done = threading.Event()
    server = threading.Thread(target=lambda: asyncio.run(serve(started, client, done)), daemon=True)
    server.start()
    try:
        sandbox = await started
        async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
            items = aiter(session.procedures.list(limit=limit))
            for _ in range(2 * limit - 1):  # each page but the first begins with an item of the one before
                await anext(items)
            sys.setprofile(profile)
            try:
                await anext(items)
            finally:
                sys.setprofile(None)
            await items.aclose()
    finally:
        done.set()
        server.join()
    return sorted(entered)


def run_python(folder: Path, *arguments: str) -> str:
    """Run the Python of a checkout's environment in the checkout, and return what it prints."""
    command = [str(folder / ".venv" / "bin" / "python"), *arguments]
    return subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603 - our own


def measure(folder: Path) -> dict[str, float]:
    """Return everything that is measured, by its name."""
    counts = count_modules(folder / PACKAGE)
    tests = count_modules(folder / "tests")
    page = run_python(folder, __file__, str(folder), "--page").splitlines()
    (cases,) = re.findall(r"(\d+) tests collected", run_python(folder, "-m", "pytest", "--collect-only", "-q"))
    guides = [folder / "README.md", folder / "benchmarks" / "README.md", *(folder / PACKAGE).rglob("*.md")]
    return {
        **counts,
        "imports, % of code": round(100 * counts["imports"] / counts["code"], 1),
        **measure_imports(PACKAGE),
        "modules that a page enters": len(page),
        "words of guides": sum(len(guide.read_text(encoding="utf-8").split()) for guide in guides),
        "tests: cases": int(cases),
        "tests: lines": tests["lines"],
        "tests: code": tests["code"],
        "tests: lines in files with private imports": lines_with_private_imports(folder / "tests", PACKAGE),
    }


def main() -> None:
    """Print what the options ask for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="a checkout with an environment in .venv")
    parser.add_argument("--json", action="store_true", help="print JSON in the place of the table")
    parser.add_argument("--page", action="store_true", help="print the modules that a page enters, and nothing else")
    options = parser.parse_args()
    folder = options.folder.resolve()
    sys.path.insert(0, str(folder))  # its package, wherever another one is installed
    if options.page:
        print(*asyncio.run(modules_of_a_page()), sep="\n")
    elif options.json:
        print(json.dumps(measure(folder), indent=2))
    else:
        print(*(f"{name:44}{number:>10,}" for name, number in measure(folder).items()), sep="\n")


if __name__ == "__main__":
    main()
