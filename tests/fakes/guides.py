"""The guides of the project, taken apart for the tests that hold them to the truth."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
FRONT = ROOT / "README.md"
MAP = ROOT / "aiotofupilot" / "README.md"
"""It leads to the guides that the front page does not name."""
COOKBOOK = ROOT / "aiotofupilot" / "guides" / "cookbook"
SKILL = ROOT / "aiotofupilot" / ".agents" / "skills" / "aiotofupilot" / "SKILL.md"
"""What coding agents read. The wheel has it."""
GUIDES = [
    FRONT,
    *sorted(path for folder in ("aiotofupilot", "benchmarks", "tests") for path in ROOT.glob(f"{folder}/**/README.md")),
    *sorted(ROOT.glob("aiotofupilot/guides/**/*.md")),
    ROOT / "aiotofupilot" / "cli" / "RECEIPT.md",
    SKILL,
]

POLICIES = sorted((ROOT / ".github").glob("*.md"))


class Block(NamedTuple):
    """A fenced block of a guide."""

    guide: Path
    language: str
    """What follows the opening fence, such as ``python test``."""
    heading: str
    line: int
    """Line of the guide on which its content begins, from 1."""
    text: str

    def __str__(self):
        return f"{self.guide.relative_to(ROOT)}:{self.heading}:{self.line}"

    @property
    def numbered(self):
        """The text below as many empty lines as put it on the guide's own lines, for tracebacks."""
        return "\n" * (self.line - 1) + self.text


def read_blocks(guide):
    """Yield the fenced blocks of a guide."""
    heading, language, first, lines = "", None, 0, []
    for number, line in enumerate(read(guide).splitlines(), 1):
        if language is not None and line == "```":
            yield Block(guide, language, heading, first, "\n".join(lines) + "\n")
            language = None
        elif language is not None:
            lines.append(line)
        elif line.startswith("```"):
            language, first, lines = line[3:].strip(), number + 1, []
        elif line.startswith("#"):
            heading = line.lstrip("# ")


def read_tables(guide):
    """Yield the tables of a guide as lists of rows, the heading first; cells keep their backticks."""
    for table in re.findall(r"(?:^\|.*\|\n)+", read(guide), re.MULTILINE):
        rows = [re.split(r"(?<!\\)\|", line.strip("\n")[1:-1]) for line in table.splitlines()]
        yield [[cell.strip() for cell in row] for row in rows if not set("".join(row)) <= set("-: ")]


def read(guide):
    return guide.read_text(encoding="utf-8")


BLOCKS = [block for guide in GUIDES for block in read_blocks(guide)]
TABLES = [table for guide in GUIDES for table in read_tables(guide)]


def blocks(language):
    return [block for block in BLOCKS if block.language == language]
