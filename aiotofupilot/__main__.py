"""The entry point of the command. ``aiotofupilot`` and ``python -m aiotofupilot`` are the same."""

from __future__ import annotations

import gc
import sys


def main() -> int:
    """Run the command that the program's arguments ask for, and return its exit code."""
    try:
        from .cli import run  # noqa: PLC0415 - its libraries may not be installed

        return run(sys.argv[1:])
    except KeyboardInterrupt:  # before the command has begun anything
        print("aiotofupilot: interrupted before anything was requested", file=sys.stderr)  # noqa: T201 - for the user
        return 130
    except ModuleNotFoundError as error:
        if error.name != "cyclopts":  # rich is installed with it
            raise
        sys.stderr.write("aiotofupilot: the command needs cyclopts: install the extra 'cli'\n")
        return 2
    finally:
        gc.freeze()  # Python's exit would search all modules for garbage, for longer than a small listing takes


if __name__ == "__main__":
    sys.exit(main())
