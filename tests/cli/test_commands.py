"""The commands and their options, in this process."""

import json
import re
import time
from importlib.metadata import version
from itertools import pairwise

import pytest
from fakes.budget import NIGHTLY

from aiotofupilot.cli import run
from aiotofupilot.sandbox.faults import latency, stall, status


def test_version(capsys):
    """The installed version, as the distribution has it."""
    assert run(["--version"]) == 0
    assert capsys.readouterr() == (f"aiotofupilot {version('aiotofupilot')}\n", "")


def test_completion_knows_commands_and_options(tmp_path):
    script = tmp_path / "script"
    assert run(["--install-completion", "--shell", "bash", "--output", str(script)]) == 0
    assert re.search(r"\bprocedures\b.*--search-query\b", script.read_text(), re.DOTALL)


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_help(capsys, arguments):
    """Without a command, what there is to choose from."""
    assert run(arguments) == 0
    told, errors = capsys.readouterr()
    assert re.search(r"procedures +List procedures", told)
    assert re.search(r"sandbox +Run a TofuPilot of your own", told)
    assert "Exit codes: 0 done, 2 wrong usage, 3 key refused" in told
    assert errors == ""


@pytest.mark.parametrize("columns", [40, 200])
def test_help_of_procedures(capfd, monkeypatch, columns):
    """Every option is explained, within the terminal's width, and the key's place is not the command line."""
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TOFUPILOT_API_KEY", "s3cr3t")
    assert run(["procedures", "--help"]) == 0
    told = capfd.readouterr().out
    assert "s3cr3t" not in told
    assert max(map(len, told.splitlines())) <= columns
    if columns == 200:
        options = (
            "search created-after created-before cursor format page-size concurrency on-drift base-url timeout retries "
        )
        options += "deadline"
        for option in options.split():
            assert re.search(rf"--{option}( --[a-z]+)? +[A-Z]+ +[A-Z]", told), option
        assert re.search(r"--max-items -n +N +Stop after", told)
        assert re.search(r"--output -o +FILE +Write into", told)
        assert re.search(r"--api-key +KEY +Discouraged.*set TOFUPILOT_API_KEY", told)
        assert re.search(r"--resume +Go on with", told)
        assert re.search(r"--allow-insecure-http +Let the key travel unencrypted", told)
        assert re.search(r"--sandbox +List the made-up factory.*no account", told)
        assert "DATE is ISO 8601" in told


@pytest.mark.parametrize("command", ["download", "get", "mirror", "sandbox", "whoami"])
def test_help_is_wrapped_by_the_terminal_alone(capfd, monkeypatch, command):
    """A line is short only where a paragraph or a description ends, or where the next word does not fit."""
    columns = 70
    monkeypatch.setenv("COLUMNS", str(columns))
    assert run([command, "--help"]) == 0
    told = capfd.readouterr().out
    assert "ARGS" not in told
    paragraphs = told.partition("╭")[0].splitlines()
    for line, following in pairwise(paragraphs):
        assert not following or not line or len(line) + len(following.split()[0]) + 1 >= columns, line


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--page-size", "0"], 'Invalid value "0" for --page-size. Must be >= 1. See --help.'),
        (["--page-size", "101"], 'Invalid value "101" for --page-size. Must be <= 100. See --help.'),
        (["--max-items", "-1"], 'Invalid value "-1" for --max-items. Must be >= 0. See --help.'),
        (["--concurrency", "0"], 'Invalid value "0" for --concurrency. Must be >= 1. See --help.'),
        (["--retries", "-1"], 'Invalid value "-1" for --retries. Must be >= 0. See --help.'),
        (["--retries", "few"], "Invalid value for --retries: unable to convert"),
        (["--timeout", "0"], 'Invalid value "0.0" for --timeout. Must be > 0. See --help.'),
        (["--timeout", "-1"], 'Invalid value "-1.0" for --timeout. Must be > 0. See --help.'),
        (["--timeout", "soon"], 'Invalid value for --timeout: unable to convert "soon" into float. See --help.'),
        (["--deadline", "nan"], 'Invalid value "nan" for --deadline. Must be < inf. See --help.'),
        (["--deadline", "inf"], 'Invalid value "inf" for --deadline. Must be < inf. See --help.'),
        (
            ["--cursor", "-1"],
            'Invalid value for --cursor: "-1" is not a cursor: write 0 or more, or what an earlier run',
        ),
        (
            ["--format", "xml"],
            'Invalid value "xml" for --format. Choose from: "table", "jsonl", "json", "csv", "parquet". See',
        ),
        (["--created-after", "soon"], 'Invalid value for --created-after: "soon" is not a date: write 2024-01-31, '),
        (["--serch", "x"], "Unknown option: --serch. Did you mean --search? See --help."),
        (["--max", "3"], "Unknown option: --max. Did you mean --max-items? See --help."),
        (["--xyz", "x"], "Unknown option: --xyz. See --help."),
        (["--colour", "red"], "Unknown option: --colour. See --help."),
        (["--no-sandbox"], "Unknown option: --no-sandbox."),
        (["--limit", "5"], "Unknown option: --limit. At most so many in all is -n or --max-items; so many per request"),
        (["--limit=5"], "Unknown option: --limit. At most so many in all is -n or --max-items; so many per request is"),
        (["stray"], "no such argument: stray; see --help"),
        (["--until", "now"], "--until is for --sandbox; to list what is older, filter with --created-before"),
        (["--sandbox", "--api-key", "k"], "--sandbox has an address and a key of its own: leave out"),
        (["--sandbox", "--base-url", "https://x"], "--sandbox has an address and a key of its own: leave out"),
        (["--sandbox", "--allow-insecure-http"], "--sandbox has an address and a key of its own: leave out"),
        (
            ["--sandbox", "--search", "x" * 101],
            "wrong --search-query: search_query must have at most 100 characters, got 101",
        ),
        (
            ["--sandbox", "--created-after", "2025-01-01T00:00Z", "--created-before", "2024-01-01T00:00Z"],
            "wrong --created-after: created_after must not be later than created_before, got 2025-01-01",
        ),
        (["--sandbox", "--output", "/"], "--output names a file, and / is not one: leave it out to write to standard"),
        (["--sandbox", "--resume"], "--resume needs --output FILE"),
        (["--sandbox", "--output=-"], "--output names a file, and - is not one: leave it out to write to standard"),
        (
            ["--sandbox", "--resume", "--output", "/dev/null"],
            "--output names a file, and /dev/null is not one: leave it",
        ),
        ([], "no API key: set the environment variable TOFUPILOT_API_KEY, or log in with"),
    ],
)
def test_wrong_usage(capsys, arguments, line):
    """One line says what is wrong and what would be right."""
    assert run(["procedures", *arguments]) == 2
    told, errors = capsys.readouterr()
    assert errors.startswith(f"aiotofupilot: {line}")
    assert errors.count("\n") == 1
    assert told == ""


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("runz", 'Unknown command "runz". Did you mean "runs"? Available commands: procedures,'),
        ("run", 'Unknown command "run". Did you mean "runs"? Available commands: procedures,'),
        ("measurments", 'Unknown command "measurments". Did you mean "measurements"? Available commands: procedures,'),
        ("ls", 'Unknown command "ls". Available commands: procedures, runs,'),
    ],
)
def test_only_a_similar_command_is_suggested(capsys, command, line):
    assert run([command]) == 2
    assert capsys.readouterr().err.startswith(f"aiotofupilot: {line}")


@pytest.mark.usefixtures("sandbox")
def test_a_process_that_has_loaded_pydantic_has_the_same_options(capfd):
    """Then cyclopts lets pydantic check each value, and each default."""
    import fastapi  # noqa: F401, PLC0415 - it loads pydantic, and only this test needs that

    assert run(["runs", "-n", "1", "--metadata", "shift=A", "--format", "jsonl"]) == 0
    assert run(["measurements"]) == 2
    assert "--procedure-id ID is missing" in capfd.readouterr().err


def test_options_reach_the_server(capfd, sandbox, monkeypatch):
    """Each option asks for what its help says."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    dates = ["--created-after", "2024-01-01", "--created-before", "2026-12-31T00:00:00+02:00"]
    arguments = [
        "--search",
        "null",
        "--page-size",
        "7",
        "--cursor",
        "5",
        "--max-items",
        "5000",
        *dates,
        "--format",
        "csv",
    ]
    assert run(["procedures", *arguments]) == 0
    assert sandbox.requests[0].query == {
        "limit": "7",
        "search_query": "null",
        "created_after": "2023-12-31T15:00:00.000Z",
        "created_before": "2026-12-30T22:00:00.000Z",
        "cursor": "5",
    }
    monkeypatch.undo()
    time.tzset()


def test_a_file_that_was_asked_for_by_age_is_gone_on_with_by_the_moment(capfd, sandbox, tmp_path):
    """An age is another moment later. The line that refuses it spells the moment that goes on."""
    command = ["procedures", "--output", str(tmp_path / "list.jsonl"), "--created-before"]
    sandbox.faults.on(cursor=198).next(status(418))
    assert run([*command, "1s"]) == 4
    capfd.readouterr()
    assert run([*command, "1s", "--resume"]) == 2
    (moment,) = re.findall(r"was begun with --created-before (\S+): give", capfd.readouterr().err)
    assert run([*command, moment, "--resume"]) == 0
    assert len((tmp_path / "list.jsonl").read_bytes().splitlines()) == 250


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_file_of_another_version_is_not_gone_on_with(capfd, sandbox, tmp_path, monkeypatch, ending):
    """Its model may be older, where nothing else tells it."""
    output = tmp_path / f"list.{ending}"
    sandbox.faults.on(cursor=198).next(status(418))
    with monkeypatch.context() as patch:
        patch.setattr("aiotofupilot.cli.listing.__version__", "0.0.9")
        assert run(["procedures", "--output", str(output)]) == 4
    left = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    capfd.readouterr()
    assert run(["procedures", "--output", str(output), "--resume"]) == 2
    assert capfd.readouterr().err == (
        f"aiotofupilot: {output}.part was begun with aiotofupilot 0.0.9: "
        "give the same again, or leave out --resume to begin anew\n"
    )
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == left


def test_how_to_ask(capfd, sandbox):
    """Concurrency and what to do about drift are the library's."""
    sandbox.faults.always(latency(0.05))
    assert run(["procedures", "--page-size", "20", "--concurrency", "4", "--on-drift", "resync"]) == 0
    assert sandbox.requests.peak_in_flight > 1
    assert "19" in sandbox.requests.cursors
    assert run(["procedures", "--page-size", "20", "--cursor", "230+5", "--format", "jsonl"]) == 0
    assert len(capfd.readouterr().out.splitlines()) == 251 + 15


@pytest.mark.parametrize(("options", "attempts"), [([], 6), (["--retries", "1"], 2), (["--retries", "0"], 1)])
def test_retries_are_attempts_beyond_the_first(capfd, sandbox, monkeypatch, options, attempts):
    """By default as many as the library makes."""
    monkeypatch.setattr("aiotofupilot._clock.Clock.uniform", lambda *_: 0.0)
    sandbox.faults.always(status(500))
    assert run(["procedures", *options]) == 4
    assert [request.query["limit"] for request in sandbox.requests].count("100") == attempts
    told = capfd.readouterr().err
    assert told.startswith("aiotofupilot: 500")
    assert (f"({attempts} attempts in " in told) == (attempts > 1)


def test_a_timeout_is_that_of_an_attempt(capfd, sandbox):
    """The error names it."""
    sandbox.faults.always(stall(60))
    assert run(["procedures", "--timeout", "0.05", "--retries", "0"]) == 4
    told = capfd.readouterr().err
    assert told.startswith("aiotofupilot: no whole response within 0.05 s")


def test_key_and_address_as_options(capfd, sandbox, monkeypatch):
    """They are taken before the environment's."""
    monkeypatch.setenv("TOFUPILOT_API_KEY", "wrong")
    monkeypatch.setenv("TOFUPILOT_URL", "https://unreachable.invalid")
    arguments = ["--api-key", sandbox.api_key, "--base-url", sandbox.url, "--format", "json"]
    assert run(["procedures", *arguments]) == 0
    assert [item["id"] for item in json.loads(capfd.readouterr().out)] == [item.id for item in sandbox.procedures]


def test_plain_http_beyond_this_machine_has_to_be_allowed(capfd, sandbox):
    """The line that refuses it names the option that allows it; the address is this machine's, and does not look it."""
    elsewhere = ["procedures", "--base-url", sandbox.url.replace("127.0.0.1", "0.0.0.0"), "--format", "jsonl"]  # noqa: S104 - a destination
    assert run(elsewhere) == 2
    told, errors = capfd.readouterr()
    assert told == ""
    assert errors.endswith("use https, or pass --allow-insecure-http\n")
    assert not sandbox.requests

    assert run([*elsewhere, "--allow-insecure-http"]) == 0
    assert len(capfd.readouterr().out.splitlines()) == 250


def test_a_file_is_written_in_silence(capfd, tmp_path):
    """Where nobody watches, a file is all that there is of it; its ending tells the format."""
    output = tmp_path / "list.csv"
    assert run(["procedures", "--sandbox", "--output", str(output)]) == 0
    assert capfd.readouterr() == ("", "")
    assert output.read_bytes().count(b"\r\n") == 251


def test_a_file_is_gone_on_with(capfd, sandbox, tmp_path):
    """The same command with --resume writes the rest."""
    output = tmp_path / "list.jsonl"
    sandbox.faults.on(cursor=198).next(status(418))
    assert run(["procedures", "--output", str(output)]) == 4
    errors = capfd.readouterr().err
    assert errors.startswith("aiotofupilot: 418")
    assert errors.count("\n") == 1
    advice = "go on with --resume, or elsewhere with --cursor procedures.3dnEB2f5:199@"
    assert f"; 199 procedures written, {advice}" in errors
    assert run(["procedures", "--output", str(output), "--resume"]) == 0
    assert len(output.read_bytes().splitlines()) == 250
    assert sandbox.requests.cursors == [None, "99", "198", "191"]  # the last page shows all items of the checkpoint


def test_a_refused_key_does_not_cost_what_an_interrupted_run_has_left(capfd, sandbox, tmp_path):
    """Not even if --resume was forgotten: what has arrived is replaced when something else arrives."""
    output = tmp_path / "list.jsonl"
    sandbox.faults.on(cursor=198).next(status(418))
    assert run(["procedures", "--output", str(output)]) == 4
    assert run(["procedures", "--output", str(output), "--api-key", "wrong"]) == 3
    sandbox.requests.clear()
    assert run(["procedures", "--output", str(output), "--resume"]) == 0
    assert sandbox.requests.cursors == ["191"]  # so that it shows all items of the checkpoint
    assert len(output.read_bytes().splitlines()) == 250


def test_without_something_to_go_on_with_all_is_written(sandbox, tmp_path):
    output = tmp_path / "list.jsonl"
    assert run(["procedures", "--output", str(output), "--resume"]) == 0
    assert len(output.read_bytes().splitlines()) == 250


ENDINGS = ("csv", "parquet")
AGAIN = (["procedures"], ["procedures", "-n", "5"], ["procedures", "--search", "x"], ["runs"])


@pytest.mark.parametrize(
    ("ending", "again"),
    [(ending, again) for ending in ENDINGS for again in AGAIN if NIGHTLY or ending == "csv" or again == AGAIN[0]],
    ids=str,
)
def test_a_finished_file_is_never_lost_by_resume(capfd, sandbox, tmp_path, ending, again):
    """It may hold more than what is asked for now. One line says so, and how to begin anew, and nothing is asked."""
    output = tmp_path / f"list.{ending}"
    assert run(["procedures", "--output", str(output)]) == 0
    finished = output.read_bytes()
    sandbox.requests.clear()
    assert run([*again, "--output", str(output), "--resume"]) == 2
    errors = capfd.readouterr().err
    assert errors.startswith(f"aiotofupilot: {output} is there already, and no interrupted run has left anything of it")
    assert errors.endswith(": leave out --resume to replace it, or choose another --output\n")
    assert errors.count("\n") == 1
    assert output.read_bytes() == finished
    assert list(tmp_path.iterdir()) == [output]
    assert not sandbox.requests

    assert run([*again, "--output", str(output)]) == 0
    assert (output.read_bytes() == finished) == (again == ["procedures"])


def test_a_key_that_is_refused_is_called_by_its_option(capfd, sandbox):
    assert run(["procedures", "--api-key", "wrong"]) == 3
    assert capfd.readouterr().err.endswith(
        f"; {sandbox.url.removesuffix('/api')} refused the key given as --api-key: "
        "check it, and that it is of this server\n"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["--api-key", "s3cr3t"],
        ["--api-key=s3cr3t", "--page-size", "0"],
        ["--api-kee=s3cr3t"],
        ["--api-key", "s3cr3t", "--api-key", "s3cr3t"],
        ["--api-key", "s3cr3t", "--base-url", "http://plain.example"],
        ["--api-key", "s3cr3t with a space"],
    ],
)
def test_a_key_is_never_shown(capfd, sandbox, arguments):
    """Whatever is wrong with it, or beside it."""
    assert run(["procedures", *arguments]) in (2, 3)
    told, errors = capfd.readouterr()
    assert errors
    assert "s3cr3t" not in told + errors
