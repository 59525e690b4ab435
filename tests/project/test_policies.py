"""The statements of `.github` are true, and a release is built from the sources that it names."""

import re
import shutil
import subprocess
import sys

import pytest
import yaml
from fakes.guides import ROOT, read

from aiotofupilot import __version__

GITHUB = ROOT / ".github"
ADDRESS = "https://github.com/OWNER/NAME"


def test_the_files_that_contributors_are_sent_to_exist():
    """The steps to add a listing, and the others, name files and folders."""
    folders = r"aiotofupilot|tests|benchmarks|\.github|\.ci|\.site"
    named = re.findall(rf"`((?:{folders})[\w./]*)`", read(GITHUB / "CONTRIBUTING.md"))
    assert len(named) > 15
    for path in named:
        assert (ROOT / path).exists(), path


def test_only_the_job_that_publishes_may_speak_for_the_project():
    """This job runs no code of the project. All other jobs may only read."""
    workflow = yaml.safe_load(read(GITHUB / "workflows" / "release.yml"))
    assert workflow["permissions"] == {"contents": "read"}
    jobs = workflow["jobs"]
    assert {name: job["permissions"] for name, job in jobs.items() if "permissions" in job} == {
        "publish": {"attestations": "write", "id-token": "write"}
    }
    assert not [step for step in jobs["publish"]["steps"] if "run" in step]
    assert (jobs["build"]["needs"], jobs["publish"]["needs"]) == ("check", "build")


@pytest.fixture
def release(tmp_path):
    """Ask for a release of a copy of the project, which has what a release looks at."""
    for file in (".ci/release", ".github/CHANGELOG.md", "aiotofupilot/_version.py"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)

    def release(*arguments):
        command = [tmp_path / ".ci" / "release", *arguments]
        ran = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - our own
        assert not (tmp_path / "dist").exists()
        return ran.returncode, ran.stderr

    return release


def test_a_release_of_another_version_is_refused(release):
    assert release("v9.9.9", ADDRESS) == (1, f".ci/release: the tag is v9.9.9, the version is {__version__}\n")
    expected = ".ci/release: name the tag and the repository, such as v0.1.0 https://github.com/OWNER/NAME\n"
    assert release("v9.9.9") == (1, expected)


def test_a_release_that_the_changelog_does_not_name_is_refused(release, tmp_path):
    path = tmp_path / "aiotofupilot" / "_version.py"
    path.write_text(read(path).replace(__version__, "9.9.9"), encoding="utf-8")
    assert release("v9.9.9", ADDRESS) == (1, ".ci/release: CHANGELOG.md has no section '## [9.9.9] - YYYY-MM-DD'\n")


def test_the_links_of_the_long_description_lead_to_files_of_the_tag(tmp_path):
    """On an index, README.md stands alone. The address of a picture is that of its file, not of a page about it."""
    readme = tmp_path / "README.md"
    shutil.copy(ROOT / "README.md", readme)
    links = r"(!?)\[[^\]]*\]\(([^)#]+)"
    before = re.findall(links, read(readme))
    subprocess.run([sys.executable, ROOT / ".ci" / "links.py", readme, ADDRESS, "v1.2.3"], check=True)  # noqa: S603 - our own
    after = re.findall(links, read(readme))
    kinds = {"!": f"{ADDRESS}/raw/v1.2.3/", "": f"{ADDRESS}/blob/v1.2.3/"}
    assert after == [(kind, to if to.startswith("https:") else kinds[kind] + to) for kind, to in before]
    assert {kind for kind, to in after if to.startswith(ADDRESS)} == {"!", ""}
