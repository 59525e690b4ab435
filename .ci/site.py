"""Build the site from the guides, the docstrings and the command's help.

    python .ci/site.py FOLDER

The site is in FOLDER afterwards. Its pages can be read there. Its search needs a server, such as
``python -m http.server -d FOLDER``. Building it needs the extras
``cli`` and ``mirror``, and the dependency group ``docs``.

Pages are the Markdown files that `.site/zensical.toml` names, and those that are made here: the reference has each
public name once, and a page for each listing, the page of options is what ``--help`` says, and ``llms.txt`` is the
skill of the package with the list of pages. A line such as ``<!-- parameters: aiotofupilot.RetryPolicy -->`` becomes
the table of what the callable takes, from its signature and its docstring, and ``<!-- functions:
aiotofupilot.sandbox.faults -->`` that of the public functions of a module. ``<!-- promises: tests -->`` becomes the
promises in the docstrings of test files. A link that leads nowhere, a name that cannot be resolved, a page that is in
no menu, a public name without a place and a parameter without documentation all fail.
"""

from __future__ import annotations

import ast
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import defaultdict
from pathlib import Path
from pkgutil import resolve_name
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import griffe

from aiotofupilot import __version__
from aiotofupilot.cli import command_line
from aiotofupilot.listings import NAMES, listing_class

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

PACKAGE = "aiotofupilot"
ROOT = Path(__file__).resolve().parents[1]
CONFIGURATION = ROOT / ".site"

SKILL = ROOT / "aiotofupilot" / ".agents" / "skills" / "aiotofupilot" / "SKILL.md"

MOVED = {
    "README.md": "index.md",
    "aiotofupilot/README.md": "guides/index.md",
    "aiotofupilot/LICENSE": "LICENSE.txt",
    str(SKILL.relative_to(ROOT)): "llms.txt",
}
"""Where a file of the project is on the site, if that does not follow from where it is in the project."""

SOURCES = (
    *("README.md", "aiotofupilot/*.md", "aiotofupilot/[!.]*/**/*.md", "benchmarks/README.md"),
    *("tests/README.md", ".github/*.md"),
)
"""The files that are pages."""


class Group(NamedTuple):
    """A page of the reference: the public names whose definitions are in some parts of the package."""

    page: str
    title: str
    homes: tuple[str, ...]
    """Modules, without the name of the package. What is in them belongs to the page too. The first introduces it."""


GROUPS = (
    Group("session", "Session", ("_session", "_http", "settings")),
    Group("walks", "Walks", ("_paging", "positions", "stats")),
    Group("listings", "Listings", ("listings",)),
    Group("models", "Items", ("models", "_wire")),
    Group("details", "Details of items", ("models.details",)),
    Group("errors", "Errors", ("errors",)),
    Group("arrow", "aiotofupilot.arrow", ("arrow",)),
    Group("blocking", "aiotofupilot.blocking", ("blocking",)),
    Group("mirror", "aiotofupilot.mirror", ("mirror",)),
    Group("dlt", "aiotofupilot.dlt", ("dlt",)),
    Group("doctor", "aiotofupilot.doctor", ("doctor",)),
    Group("sandbox", "aiotofupilot.sandbox", ("sandbox",)),
    Group("testing", "aiotofupilot.testing", ("testing",)),
)

INTRODUCTION = (
    "::: {}\n    options:\n      members: false\n      show_root_heading: false\n      show_root_toc_entry: false"
)
DIRECTIVE = "::: {}\n    options:\n      inherited_members: {}"
LISTING = """::: {}
    options:
      heading_level: 1
      inherited_members: {}
      members: {}
      separate_signature: false
      show_signature: false
"""
"""The page of a listing. The parameters come with their types and defaults, so a signature would say them twice."""
LISTINGS = {f"{PACKAGE}.listings.{listing_class(name).__name__}": name for name in NAMES}
"""The names of the listings, by the paths of their classes."""
MADE = ("cli/options.html", "reference/")
"""Where the pages are that are made from the source."""
FENCE = re.compile(r"^```(\w+) [\w ]+$", re.MULTILINE)
"""The opening of a block whose language has a word for the tests, such as ``python program``."""
LINK = re.compile(r"(?<=\]\()(?!https?:|#)([^)#\s]+)(?=[)#])")
"""The path in a link to another file."""
MARKER = re.compile(r"^<!-- (parameters|functions|promises): ([\w.]+) -->$", re.MULTILINE)
"""The place of a table that is made from the source."""
CODE = re.compile(r"(^```.*?^```$|`[^`\n]+`)", re.MULTILINE | re.DOTALL)


def place(path: Path) -> Path:
    """Return where a file of the project is on the site."""
    inside = str(path.relative_to(ROOT))
    moved = MOVED.get(inside) or re.sub(r"(^|/)README\.md$", r"\1index.md", inside)
    return Path(re.sub(r"^\.github/", "project/", moved.removeprefix("aiotofupilot/")))


def add_page(source: Path, docs: Path) -> None:
    """Copy a file with its links, and what these lead to, unless that is another page."""

    def moved(link: re.Match[str]) -> str:
        target = (source.parent / link[1]).resolve()
        if not target.is_file():
            fail(f"{source.relative_to(ROOT)} links to {link[1]}, which is not there")
        if target.suffix != ".md":
            beside = docs / place(target)
            beside.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(target, beside)
        return os.path.relpath(place(target), place(source).parent)

    parts = CODE.split(source.read_text(encoding="utf-8"))
    parts[::2] = (MARKER.sub(lambda line: TABLES[line[1]](line[2]), LINK.sub(moved, part)) for part in parts[::2])
    page = docs / place(source)
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(FENCE.sub(r"```\1", "".join(parts)), encoding="utf-8")


def parameters(path: str) -> str:
    """Return the table of what a callable takes: names, defaults, and their documentation.

    The documentation is in the docstring, or under the fields of a class.
    """
    called: Callable[..., Any] = resolve_name(path)
    documented = {
        element.name: element.description
        for thing in (called, getattr(called, "__init__", called))
        for section in griffe.Docstring(inspect.getdoc(thing) or "").parse("google", warnings=False)
        if section.kind.value in {"parameters", "attributes"}
        for element in section.value
    }
    if inspect.isclass(called):
        where = f"{called.__module__}.{called.__qualname__}"
        fields = griffe.load(where, search_paths=[ROOT], allow_inspection=False).attributes
        documented |= {name: field.docstring.value for name, field in fields.items() if field.docstring}
    rows = ["| parameter | default | meaning |", "|-|-|-|"]
    for name, parameter in inspect.signature(called).parameters.items():
        if name == "self":
            continue
        if name not in documented:
            fail(f"{path} does not say what {name} means")
        meaning = " ".join(documented[name].split()).replace("|", r"\|")
        rows.append(f"| `{name}` | {default(parameter)} | {meaning} |")
    return "\n".join(rows)


def default(parameter: inspect.Parameter) -> str:
    """Return the default of a parameter as a program writes it."""
    value = parameter.default
    if parameter.kind is parameter.VAR_KEYWORD:
        return "none"
    if value is parameter.empty:
        return "required"
    if callable(value):
        return f"`{value.__name__}`"
    is_ours = type(value).__module__.startswith(PACKAGE)  # such as a RetryPolicy, whose repr names each of its options
    return f"`{type(value).__name__}()`" if is_ours else f"`{value!r}`"


def functions(path: str) -> str:
    """Return the table of the public functions of a module, with the first sentences of their documentation."""
    module = resolve_name(path)
    rows = ["| name | what it does |", "|-|-|"]
    for name in module.__all__:
        if inspect.isfunction(function := getattr(module, name)):
            summary, _, _ = (inspect.getdoc(function) or "").partition("\n\n")
            rows.append(f"| [`{name}`][{path}.{name}] | {' '.join(summary.split())} |")
    return "\n".join(rows)


def promises(folder: str) -> str:
    """Return what the test files in a folder promise, which the list items of their docstrings say."""
    held: dict[str, list[str]] = {}
    for file in sorted((ROOT / folder).rglob("test_*.py")):
        docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        rows = held.setdefault(str(file.parent.relative_to(ROOT)), [])
        for item in re.findall(r"^- (.+(?:\n  .+)*)$", docstring, re.MULTILINE):
            rows.append(f"| {' '.join(item.split())} | `{file.name}` |")
    tables = (
        "\n".join([f"## {name}\n", "| promise | held by |", "|-|-|", *rows]) for name, rows in held.items() if rows
    )
    return "\n\n".join(tables)


TABLES = {"parameters": parameters, "functions": functions, "promises": promises}


def public_modules(package: griffe.Object | griffe.Alias) -> Iterator[griffe.Object | griffe.Alias]:
    """Yield the modules from which programs import."""
    yield package
    for name, part in package.modules.items():
        if not name.startswith("_") and name != "cli":  # no program imports the command
            yield part
            yield from (module for inner, module in part.modules.items() if inner in {"faults", "paging"})


def public_names() -> dict[str, str]:
    """Return the public names, each by the shortest path from which it can be imported, with the path of its home.

    A module that another one exports has its own names, and is not among them.
    """
    package = griffe.load(PACKAGE, search_paths=[ROOT], resolve_aliases=True, allow_inspection=False)
    by_home: dict[str, list[str]] = defaultdict(list)
    for module in public_modules(package):
        wildcards = (name for name, member in module.members.items() if getattr(member, "wildcard_imported", False))
        for name in map(str, module.exports or wildcards):
            by_home[str(module[name].canonical_path)].append(f"{module.path}.{name}")
    modules = {name.rpartition(".")[0] for names in by_home.values() for name in names}
    shortest = {min(names, key=lambda name: (name.count("."), name)): home for home, names in by_home.items()}
    return {name: home for name, home in shortest.items() if name not in modules}


def group_of(name: str, home: str) -> Group:
    """Return the page of the reference that a name belongs to: that of the smallest part of the package."""
    parts = {part: group for group in GROUPS for part in group.homes if f"{home}.".startswith(f"{PACKAGE}.{part}.")}
    if not parts:
        fail(f"{name} has no place: {home} belongs to no group of .ci/site.py")
    return parts[max(parts, key=len)]


def rank(name: str) -> tuple[int, str]:
    """Say where a name stands among those of its module: classes first, then functions, then constants."""
    last = name.rpartition(".")[2]
    return (2 if last.isupper() else 1 if last.islower() else 0), name


def reference(names: Mapping[str, str]) -> dict[str, str]:
    """Return the text of each page of the reference, by its name."""
    places: dict[Group, dict[str, list[str]]] = {}
    for name, home in sorted(names.items(), key=lambda item: rank(item[0])):
        places.setdefault(group_of(name, home), {}).setdefault(name.rpartition(".")[0], []).append(name)
    index = ["---\nsearch: {exclude: true}\n---", "# Reference"]
    index.append("Each public name, with its parameters, its fields and what it raises.")
    pages = {}
    for group, modules in sorted(places.items(), key=lambda item: GROUPS.index(item[0])):
        page, first = [f"# {group.title}"], f"{PACKAGE}.{group.homes[0]}"
        if group.homes[0][0] != "_" and first not in modules:
            page.append(INTRODUCTION.format(first))
        has_all = str(group.page != "errors").lower()  # each error has what the first one has
        index.append(f"## [{group.title}]({group.page}.md)")
        for module in sorted(modules, key=lambda module: (module.count("."), module)):
            page.append(f"## from {module}")
            if module != PACKAGE:
                page.append(INTRODUCTION.format(module))
            if linked := [f"[`session.{LISTINGS[name]}`][{name}]" for name in modules[module] if name in LISTINGS]:
                page.append("Each has a page: " + " · ".join(linked))
            page += (DIRECTIVE.format(name, has_all) for name in modules[module] if name not in LISTINGS)
            index.append(" · ".join(f"[`{name.rpartition('.')[2]}`][{name}]" for name in modules[module]))
        pages[group.page] = "\n\n".join(page) + "\n"
    listings = {LISTINGS[path]: listing_page(path) for path in names if path in LISTINGS}
    return pages | listings | {"index": "\n\n".join(index) + "\n"}


def listing_page(path: str) -> str:
    """Return the page of a listing, by the path of its class. Its ``list()``, with the filters, comes first."""
    needs_procedure = any(argument.is_required for argument in listing_class(LISTINGS[path]).filters)
    inherited = ["get", "of_every_procedure"] if needs_procedure else ["get"]
    return LISTING.format(path, inherited, ["list", "current", *inherited])


def options() -> str:
    """Return the page of the command's options. What is the same for several subcommands is there once."""
    page = ["# Options of the command", "This is what `aiotofupilot NAME --help` says."]
    seen: dict[str, str] = {}
    for name in command_line():
        if name[0] == "-":
            continue
        text = command_line()[name].generate_docs(recursive=False, heading_level=2)
        text = re.sub(r"```console\n.*\n```\n", "", text, count=1)  # the usage, which names the program that runs here
        head, *sections = re.split(r"^(?=\*\*[\w ]+\*\*:$)", text, flags=re.MULTILINE)
        page.append(head)
        for section in sections:
            first = seen.setdefault(section.strip(), name)
            title = section.partition("\n")[0]
            page.append(section if first == name else f"{title} as for [{first}](#{first})")
    return "\n\n".join(page) + "\n"


def in_menu(entries: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield title and path of each page in a menu."""
    for entry in entries:
        for title, inner in entry.items():
            yield from in_menu(inner) if isinstance(inner, list) else [(title, inner)]


def for_agents(configuration: Mapping[str, Any]) -> str:
    """Return ``llms.txt``: the skill of the package, and where the rest stands. See https://llmstxt.org."""
    _, _, skill = SKILL.read_text(encoding="utf-8").split("---\n", 2)
    title, _, rest = skill.strip().partition("\n")
    pages = [f"- [{name}]({Path(path).with_suffix('.html')})" for name, path in in_menu(configuration["nav"])]
    summary = f"> {configuration['site_description']}"
    return "\n".join([title, "", summary, FENCE.sub(r"```\1", rest), "", "## Pages", "", *pages, ""])


def check_menu(menu: list[dict[str, Any]], docs: Path) -> None:
    """Fail if a page is in no menu, or if the menu leads to none."""
    listed, there = {path for _, path in in_menu(menu)}, {str(page.relative_to(docs)) for page in docs.rglob("*.md")}
    if listed != there:
        fail(f"in no menu: {sorted(there - listed)}; in the menu, but not there: {sorted(listed - there)}")


def guides_first(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what the search can find, in an order in which a guide comes before the reference.

    The search shows titles that it finds before texts, and of those that are alike the first here. A guide has most
    words in its text only. So a field of a class is found in the text of the class, and not by a title.
    """
    kept: dict[str, dict[str, Any]] = {}
    for entry in sorted(found, key=lambda entry: entry["location"].startswith(MADE)):
        title, text = entry["title"], entry["text"]
        owner = kept.get(entry["location"].rpartition(".")[0])
        if owner and text.startswith("<pre><code>") and not text.startswith(f"<pre><code>{title}("):
            owner["text"] += text
        else:
            kept[entry["location"]] = entry
    return list(kept.values())


def fail(what: str) -> NoReturn:
    """End with a line that says what is wrong."""
    sys.exit(f".ci/site.py: {what}")


def build(work: Path) -> Path:
    """Build the site in an empty folder, and return its folder."""
    docs = work / "docs"
    for pattern in SOURCES:
        for source in sorted(ROOT.glob(pattern)):
            add_page(source, docs)
    shutil.copy(CONFIGURATION / "style.css", docs)
    shutil.copy(CONFIGURATION / "declared.py", work)
    (work / "source").symlink_to(ROOT)
    configuration = tomllib.loads((CONFIGURATION / "zensical.toml").read_text(encoding="utf-8"))["project"]
    names = public_names()
    configuration["site_name"] += f" {__version__}"
    python = configuration["plugins"]["mkdocstrings"]["handlers"]["python"]
    homes = {name.rpartition(".")[2]: home for name, home in names.items()}
    python["options"]["extensions"] = [{"declared.py": {"homes": homes}}]
    (docs / "reference").mkdir()
    pages = reference(names)
    for page, text in pages.items():
        (docs / "reference" / f"{page}.md").write_text(text, encoding="utf-8")
    (menu,) = [entry["Reference"] for entry in configuration["nav"] if "Reference" in entry]
    for group in GROUPS:
        menu.append({group.title: f"reference/{group.page}.md"})
        if group.page == "listings":
            menu.append({"Each listing": [{f"session.{name}": f"reference/{name}.md"} for name in NAMES]})
    (docs / "cli" / "options.md").write_text(options(), encoding="utf-8")
    check_menu(configuration["nav"], docs)
    (docs / "llms.txt").write_text(for_agents(configuration), encoding="utf-8")
    (work / "mkdocs.yml").write_text(json.dumps(configuration), encoding="utf-8")  # JSON is YAML
    command = [str(Path(sys.executable).with_name("zensical")), "build", "--strict"]
    if subprocess.run(command, cwd=work, check=False, env=os.environ | {"NO_COLOR": "1"}).returncode:  # noqa: S603 - our own
        fail("the site was not built")
    search = work / "site" / "search.json"
    index = json.loads(search.read_text(encoding="utf-8"))
    search.write_text(json.dumps(index | {"items": guides_first(index["items"])}), encoding="utf-8")
    return work / "site"


def main(folder: Path) -> None:
    """Build the site, and put it into a folder, which is replaced."""
    with TemporaryDirectory() as work:
        built = build(Path(work).resolve())
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(built, folder)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
