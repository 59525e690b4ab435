"""The command's entry."""

import subprocess
import sys
from importlib.metadata import entry_points, version

from aiotofupilot import __main__


def test_the_installed_command_is_the_module():
    """`aiotofupilot` and `python -m aiotofupilot` run the same function."""
    (script,) = entry_points(group="console_scripts", name="aiotofupilot")
    assert script.load() is __main__.main


def test_the_module_takes_the_arguments_and_exits_with_the_commands_code():
    command = [sys.executable, "-m", "aiotofupilot", "--vresion"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    assert (done.returncode, done.stdout) == (2, "")
    assert 'Unknown command "--vresion"' in done.stderr


def test_the_version_is_known_without_metadata():
    """A program that PyInstaller has frozen has no metadata of packages."""
    program = """
import importlib.metadata, sys

def version(name):
    raise importlib.metadata.PackageNotFoundError(name)

importlib.metadata.version = version
from aiotofupilot.__main__ import main
for command in ([], ["runs"], ["users"], ["sandbox"]):
    sys.argv[1:] = [*command, "--version"]
    assert main() == 0, command
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)  # noqa: S603 - our own
    assert (done.stdout, done.stderr) == (f"aiotofupilot {version('aiotofupilot')}\n" * 4, "")


def test_without_the_extra_one_line_says_how_to_install_it():
    program = "import sys; sys.modules['cyclopts'] = None; from aiotofupilot.__main__ import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", program, "--version"], capture_output=True, text=True, check=False)  # noqa: S603 - our own
    assert done.returncode == 2
    assert done.stderr == "aiotofupilot: the command needs cyclopts: install the extra 'cli'\n"
    assert done.stdout == ""


def test_another_missing_module_is_no_matter_of_the_extra():
    """A module that is missing for another reason is not explained away."""
    program = "import sys; sys.modules['aiotofupilot.errors'] = None; from aiotofupilot.__main__ import main; main()"
    done = subprocess.run([sys.executable, "-c", program, "runs"], capture_output=True, text=True, check=False)  # noqa: S603 - our own
    assert done.returncode == 1
    assert "ModuleNotFoundError: import of aiotofupilot.errors halted" in done.stderr


def test_interrupted_before_anything_has_begun(monkeypatch, capsys):
    """Ctrl-C while the command is still being loaded ends it with one line, as later."""

    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("aiotofupilot.cli.run", interrupt)
    assert __main__.main() == 130
    assert capsys.readouterr() == ("", "aiotofupilot: interrupted before anything was requested\n")
