"""Names of files and folders, made of what a server says: they stay in the folder, and work on every system.

- A downloaded file has a name that every system takes, and no other attachment has.
"""

import re
from hashlib import sha256
from pathlib import PurePosixPath, PureWindowsPath

from hypothesis import given, strategies as st

from aiotofupilot import Attachment
from aiotofupilot._attachments import relative_path

RUN = "9c20199a-a347-4b70-a3fe-49b4e4f85fde"
DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)[ .]*(\..*)?", re.IGNORECASE)
TRAPS = ["..", ".", "", "/", "a/../../b", "CON", "nul.txt", "com1", "%", "%2F", "a.", "a ", ".a", " a", "é", "\ud800"]
TEXT = st.one_of(st.text(max_size=300), st.sampled_from(TRAPS), st.text("/\\.% aC:*\x00\x1f\u202e\n😀", max_size=300))


def path(name="trace.csv", identity="id", owner=("runs", RUN)):
    return relative_path(Attachment(id=identity, name=name, size=None, content_type=None, owner=owner))


def test_a_name_is_cleaned():
    for name, expected in [
        ("trace.csv", "id-trace.csv"),
        ("../../etc/passwd", "id-_.._etc_passwd"),
        ("C:\\autoexec.bat", "id-C__autoexec.bat"),
        ('a*b?c"d<e>f|g', "id-a_b_c_d_e_f_g"),
        ("a\x00b\x1fc\u202ed", "id-a_b_c_d"),
        ("...hidden", "id-hidden"),
        ("end. . ", "id-end"),
        ("CON", "id-CON"),
        ("50 %.csv", "id-50 %.csv"),
        ("größe 温度.csv", "id-größe 温度.csv"),
        ("...", "id"),
        ("a" * 300 + ".csv", "id-" + "a" * 233 + ".csv"),
        ("温" * 200, "id-" + "温" * 79),
        ("x." + "y" * 300, "id-x." + "y" * 235),
        ("." + "y" * 300, "id-" + "y" * 237),
    ]:
        assert path(name) == f"{RUN}/{expected}"


def test_a_serial_number_becomes_a_folder():
    for identity in ["SN-0042_b", "a%2Fb", "50 %", "console", "größe", "a" * 86]:
        assert path(owner=("units", identity)) == f"{identity}/id-trace.csv"
        assert path("", identity=identity) == f"{RUN}/{identity}"


def test_one_that_is_not_a_name_everywhere_gets_a_digest():
    for identity, expected in [
        ("a/b", "a_b"),
        ("..", ""),
        ("a.", "a"),
        ("con", "con"),
        ("Nul.txt", "Nul.txt"),
        ("COM¹", "COM¹"),
        ("a~b", "a_b"),
        ("", ""),
        ("a" * 300, "a" * 86),
    ]:
        digest = sha256(identity.encode()).hexdigest()[:32]
        assert path(owner=("units", identity)) == f"_{expected}~{digest}/id-trace.csv"
        assert path(identity=identity).startswith(f"{RUN}/_{expected}~{digest}-")


def test_without_an_owner_a_file_lies_in_the_folder_itself():
    assert path(owner=None) == "id-trace.csv"


@given(TEXT, TEXT, TEXT)
def test_a_path_has_two_names_that_every_system_takes(name, identity, owner):
    """Also on Windows, whatever the texts are."""
    parts = path(name, identity, ("units", owner)).split("/")
    assert len(parts) == 2
    assert PureWindowsPath(*parts).parts == PurePosixPath(*parts).parts == tuple(parts)
    for part in parts:
        assert 0 < len(part.encode()) <= 240
        assert part[0] not in ". "
        assert part[-1] not in ". "
        assert part.isprintable()
        assert not DEVICE.fullmatch(part)


@given(TEXT, TEXT)
def test_two_serial_numbers_never_share_a_folder(one, other):
    assert (path(owner=("units", one)) == path(owner=("units", other))) is (one == other)


def test_two_long_serial_numbers_do_not_share_a_folder():
    long = path(owner=("units", "a" * 300))
    assert long != path(owner=("units", "a" * 301))
    assert path(owner=("units", long.split("/")[0])) != long
