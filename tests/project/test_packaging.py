"""The installed package agrees with pyproject.toml, the workflow and the public names."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import metadata, version
from itertools import chain
from pathlib import Path

import pytest

import aiotofupilot
from aiotofupilot import errors

ROOT = Path(__file__).parents[2]
DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT, GROUPS = DECLARED["project"], DECLARED["dependency-groups"]


NAMES = """
    Aggregation Attachment Batch BatchDetails BatchRef BatchUnit Branch BuildLog Checkpoint Commit
    CommitRepository CreationRun DataSeries DeployedStation Deployment DeploymentCommit DeploymentDetails
    DeploymentRepository DeploymentUser Details DetailsWalk FollowedListing from_wire Identity
    IncrementalDetailsWalk IncrementalWalk LastRun Log LogRun Measurement MeasurementDetails Metadata Operator
    Organization Page PageMeta Paginator Part PartDetails PartRef PartRevision Phase PhaseDetails PhaseRef
    Procedure ProcedureDetails ProcedureRef ProcedureVersion RawItem RecentRun RecentUnit RelatedPart
    RelatedUnit Repository RequestCounts RetryPolicy Revision RevisionDetails RevisionPart Run RunConfig
    RunDetails RunLog RunMeasurement RunPhase RunProcedure RunRef RunSecret RunSequence RunStation RunUnit
    Shard Station StationCommit StationDeployment StationDetails StationProcedure StationRef StationRepository
    SubUnit Team to_wire TofuPilotSession Unit UnitDetails UnitRef User UserRef ValidationIssue Validator
    VersionDetails Walk WalkStats Watermark
"""
"""All public names but those of errors."""


def test_the_public_names_are_these():
    """A public name is added or removed only on purpose."""
    values = NAMES.split()
    tree = [name for name in errors.__all__ if name.endswith("Error")]
    assert sorted(aiotofupilot.__all__) == sorted(values + tree)


def test_every_public_name_is_there_and_documented():
    """`from aiotofupilot import *` finds each name, and `help()` has something to say of it."""
    for name in aiotofupilot.__all__:
        assert getattr(aiotofupilot, name).__doc__, name


def test_the_version_is_one():
    """The build reads the one that the package has, and the installed package's metadata repeats it."""
    assert PROJECT["dynamic"] == ["version"]
    assert version("aiotofupilot") == aiotofupilot.__version__


def test_the_package_is_typed():
    """Type checkers read the annotations of an installed aiotofupilot only if it says so."""
    assert Path(aiotofupilot.__file__).with_name("py.typed").is_file()


def test_the_metadata_names_no_address():
    """The project has none, and a stranger could own whatever stood there."""
    assert metadata("aiotofupilot").get_all("Project-URL") is None
    assert metadata("aiotofupilot").get_all("Home-page") is None


def test_the_licence_travels_with_the_package():
    """Its text lies beside the modules, and in the metadata, where tools look for it."""
    text = Path(aiotofupilot.__file__).with_name("LICENSE").read_text(encoding="utf-8")
    assert text.startswith(f"{PROJECT['license']} License")
    assert metadata("aiotofupilot")["License-Expression"] == PROJECT["license"]
    assert metadata("aiotofupilot").get_all("License-File") == ["aiotofupilot/LICENSE"]


def test_every_supported_python_is_classified_and_tested():
    """The workflow runs the versions that the classifiers promise, from the oldest that may install it."""
    promised = [line.rpartition(" ")[2] for line in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", line)]
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    (matrix,) = re.findall(r"python: \[(.*)\]", workflow)
    assert re.findall(r'"(3\.\d+)"', matrix) == promised
    assert metadata("aiotofupilot")["Requires-Python"] == f">={promised[0]}"


def test_every_dependency_has_a_lower_bound_and_no_upper():
    """The lower ones are tested, and an upper one would keep a service from updating."""
    for requirement in chain(PROJECT["dependencies"], *PROJECT["optional-dependencies"].values(), *GROUPS.values()):
        assert re.fullmatch(r"aiotofupilot\[[\w,]+\]|[\w-]+(\[\w+\])?>=[\d.]+(b\d+)?", requirement), requirement


@pytest.mark.parametrize(
    "extra",
    [
        "cyclopts",
        "rich",
        "aioresponses",
        "pytest",
        "pyarrow",
        "dlt",
        "duckdb",
        "opentelemetry",
        "xlsxwriter",
        "tenacity",
        "aiotofupilot.sandbox",
        "aiohttp.web",
    ],
)
def test_importing_the_package_imports_nothing_of_an_extra(extra):
    """A service pays only for the client."""
    program = f"import sys, aiotofupilot; sys.exit({extra!r} in sys.modules)"
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)  # noqa: S603 - our own
