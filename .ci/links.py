"""Let the links of README.md lead to the files of a tag, because an index shows the text without the files.

    python .ci/links.py README.md ADDRESS TAG

ADDRESS is that of the repository, such as https://github.com/OWNER/NAME. The file is changed in its place.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

LINK = re.compile(r"(!?)(\[[^\]]*\])\((?!https?:|#)")
"""The beginning of a relative link, with ``!`` for a picture."""


def main(readme: Path, address: str, tag: str) -> None:
    """Make the links of a file absolute."""

    def absolute(link: re.Match[str]) -> str:
        return f"{link[1]}{link[2]}({address}/{'raw' if link[1] else 'blob'}/{tag}/"

    readme.write_text(LINK.sub(absolute, readme.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    file, *rest = sys.argv[1:]
    main(Path(file), *rest)
