"""Name what breaks programs that use the last release: removed names, changed parameters and defaults.

    python .ci/surface.py REPOSITORY FOLDER

The last release is the highest tag that begins with v and was set before this commit of the git repository. FOLDER has
the package to compare with it. The exit code is 1 if something breaks, unless the version says so: a version breaks
where the first of its numbers that is not 0 is larger (https://semver.org). Without a tag there is nothing to break.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import griffe

if TYPE_CHECKING:
    from collections.abc import Iterator

Known = griffe.Object | griffe.Alias
"""What griffe knows of a package, and of what is in it."""

PACKAGE = "aiotofupilot"
NOT_FOR_PROGRAMS = {"cli"}
"""Packages that no program imports; the command's own tests pin what it prints."""
INNER = {"faults", "paging"}
"""Modules of the sandbox from which programs import, beside the packages themselves."""


def load(folder: Path) -> Known:
    """Read a version of the package. Nothing of it is imported."""
    package: Known = griffe.load(
        PACKAGE, search_paths=[folder], try_relative_path=False, resolve_aliases=True, allow_inspection=False
    )
    for module in package["listings"].modules.values():
        for listing in module.classes.values():
            if not listing.is_alias and "list" in listing.functions:
                unpack(listing.functions["list"], module)
    return package


def unpack(function: griffe.Function, module: Known) -> None:
    """Give a function the keys of the TypedDict that it unpacks as parameters.

    An extension of griffe does the same, but not for keys of a base in another module.
    """
    (declared,) = re.findall(r"Unpack\[(\w+)\]", str(function.parameters["arguments"].annotation))
    del function.parameters["arguments"]
    for name, key in module[declared].all_members.items():
        if key.is_attribute:
            annotation = str(key.annotation)
            default = re.search(r"\bDefault\((.*?)\)", annotation)
            function.parameters.add(
                griffe.Parameter(
                    name,
                    kind=griffe.ParameterKind.keyword_only,
                    default=None if annotation.startswith("Required") else default[1] if default else "None",
                )
            )


def public_modules(package: Known) -> Iterator[Known]:
    """Yield the modules from which programs import."""
    yield package
    for name, part in package.modules.items():
        if not (name.startswith("_") or name in NOT_FOR_PROGRAMS):
            yield part
            yield from (module for inner, module in part.modules.items() if inner in INNER)


def public_names(package: Known) -> dict[str, str]:
    """Return each name that programs may use, with the path of the object that it names."""
    names = {}
    for module in public_modules(package):
        wildcards = (name for name, member in module.members.items() if getattr(member, "wildcard_imported", False))
        for name in map(str, module.exports or wildcards):
            with suppress(KeyError, griffe.AliasResolutionError):  # it is announced, but not there
                names[f"{module.path}.{name}"] = str(module[name].canonical_path)
    return names


def is_internal(function: Known) -> bool:
    """Tell a constructor that only the package itself calls."""
    return any(str(decorator.value).endswith("internal") for decorator in getattr(function, "decorators", ()))


def breaking_changes(old: Known, new: Known) -> Iterator[str]:
    """Yield a line for each change that breaks a program."""
    before, after = public_names(old), public_names(new)
    for name in sorted(before.keys() - after.keys()):
        yield f"- `{name}`: *Public name was removed*"
    public = tuple(f"{path}{end}" for path in before.values() for end in ".(")
    yield from sorted(
        {
            change.explain(griffe.ExplanationStyle.MARKDOWN)
            for change in griffe.find_breaking_changes(old, new)
            if f"{change.obj.canonical_path}(".startswith(public) and not is_internal(change.obj)
        }
    )


def breaking_number(folder: Path) -> tuple[int, ...]:
    """Return the numbers of a version up to the first that is not 0."""
    (version,) = re.findall(r'"([\d.]+)"', (folder / PACKAGE / "_version.py").read_text(encoding="utf-8"))
    numbers = tuple(map(int, version.split(".")))
    return next((numbers[: at + 1] for at, number in enumerate(numbers) if number), numbers)


def git(repository: Path, *arguments: str) -> bytes:
    """Return what git prints. In a container, the repository is often another user's."""
    command = ["git", "-c", "safe.directory=*", "-C", str(repository), *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout  # noqa: S603 - our own


def last_release(repository: Path) -> str | None:
    """Return the highest tag of a version, other than that of the version now; None: there is none."""
    newest_first = ["--count=1", "--sort=-v:refname", "--format=%(refname:short)"]
    return git(repository, "for-each-ref", *newest_first, "--no-contains=HEAD", "refs/tags/v*").decode().strip() or None


def main(repository: Path, new: Path) -> int:
    """Print what breaks, and return the exit code."""
    release = last_release(repository)
    if release is None:
        print("surface: there is no release yet, so nothing can break")
        return 0
    with TemporaryDirectory() as old:
        archive = git(repository, "archive", release, PACKAGE)
        with tarfile.open(fileobj=BytesIO(archive)) as files:
            files.extractall(old, filter="data")
        changes = [*breaking_changes(load(Path(old)), load(new))]
        is_allowed = breaking_number(new) > breaking_number(Path(old))
    allowed = ", which the version allows" if changes and is_allowed else ""
    print(*changes, f"surface: {len(changes)} breaking changes since {release}{allowed}", sep="\n")
    return int(bool(changes) and not is_allowed)


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
