"""What is read from the file that TofuPilot's own command writes at login, and what is refused."""

import json
import os
import ssl

import pytest
import trustme

from aiotofupilot import ConfigurationError
from aiotofupilot.settings import DEFAULT_BASE_URL, Settings


def of_login():
    return Settings._of_login(allow_insecure_http=False)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def path(home):
    (home / ".tofupilot").mkdir()
    return home / ".tofupilot" / "credentials.json"


def write(path, mode=0o600, **members):
    path.write_text(json.dumps(members))
    path.chmod(mode)


def test_a_login_has_a_key_and_its_server(path):
    write(path, api_key="k-1", base_url="https://tofu.example.com", ca_cert="/etc/ca.pem", later=1)
    found = of_login()
    assert (found.authorization, found.ca_cert) == ("Bearer k-1", "/etc/ca.pem")
    assert found.base_url == "https://tofu.example.com/api"
    assert not found.is_exposed
    assert "k-1" not in repr(found)


def test_what_a_login_lacks_is_the_default(path):
    """An empty string counts as missing."""
    write(path, api_key="k-1", base_url=None, ca_cert="")
    found = of_login()
    assert (found.base_url, found.ca_cert) == (DEFAULT_BASE_URL, None)


@pytest.mark.parametrize("members", [{}, {"api_key": None}, {"api_key": ""}, {"base_url": "https://tofu.example.com"}])
def test_without_a_key_there_is_no_login(path, members):
    """A file without a key is there after a logout."""
    write(path, **members)
    assert of_login() is None


def test_without_a_file_there_is_no_login(home):
    """The folder may be missing too, or be a file."""
    assert of_login() is None
    (home / ".tofupilot").write_text("")
    assert of_login() is None


def test_without_a_home_there_is_no_login(monkeypatch):
    """A user of a container may have none."""
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    assert of_login() is None


@pytest.mark.parametrize(("mode", "is_exposed"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True)])
def test_a_file_that_others_can_read_is_taken_and_known(path, mode, is_exposed):
    """Its group can read it, or everyone can."""
    write(path, mode, api_key="k-1")
    assert of_login().is_exposed is is_exposed


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'"secret"', b"null", b'{"api_key": "secret', b"\xff\xfe\xff", b"[" * 60_000, b"secret: 1"],
    ids=lambda content: repr(content[:12]),
)
def test_a_malformed_file_is_named_and_not_shown(path, content):
    """The error names the place of the fault, and does not show the key."""
    path.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        of_login()
    assert str(caught.value) == "~/.tofupilot/credentials.json is malformed: it is not a JSON object"
    assert "secret" not in f"{caught.value!r} {caught.value.__cause__!r}"


@pytest.mark.parametrize("name", ["api_key", "base_url", "ca_cert"])
@pytest.mark.parametrize("value", [1, True, ["secret"], {"secret": 1}])
def test_a_value_that_is_not_a_string_is_named_and_not_shown(path, name, value):
    """The others do not count then."""
    write(path, **{"api_key": "secret", name: value})
    complaint = f"~/.tofupilot/credentials.json is malformed: {name} is not a string"
    with pytest.raises(ConfigurationError) as caught:
        of_login()
    assert str(caught.value) == complaint


def test_a_file_of_a_byte_order_mark_is_read(path):
    """Some editors write one."""
    path.write_bytes(b'\xef\xbb\xbf{"api_key": "k-1"}')
    assert of_login().authorization == "Bearer k-1"


def test_a_file_that_cannot_be_read_says_why(path):
    """Here its links lead in a circle, so that no user can read it."""
    path.symlink_to(path)
    with pytest.raises(ConfigurationError, match=r"^~/\.tofupilot/credentials\.json cannot be read: Too many "):
        of_login()


def test_a_pipe_is_not_waited_for(path):
    """Perhaps nobody ever writes to it."""
    os.mkfifo(path)
    with pytest.raises(ConfigurationError) as caught:
        of_login()
    assert str(caught.value) == "~/.tofupilot/credentials.json cannot be read: not a regular file"


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def tls(path):
    """Return a function that makes a TLS context, for an argument or the authority of a login."""

    def tls(ca_cert, *, is_argument):
        write(path, api_key="k-1", ca_cert=None if is_argument else ca_cert)
        return Settings.resolve().tls(ca_cert if is_argument else None)

    return tls


@pytest.mark.parametrize("is_argument", [True, False])
def test_an_authority_is_trusted_beside_those_of_the_system(home, authority, tls, monkeypatch, is_argument):
    """It is the PEM text, or the path of a PEM file. A relative one begins at the login's own file, if that has it."""
    text = authority.cert_pem.bytes()
    for folder in (home, home / ".tofupilot"):
        (folder / "ca.pem").write_bytes(text)
    (home / ".tofupilot" / "own.pem").write_bytes(text)
    monkeypatch.chdir(home / ".tofupilot" if is_argument else home)
    own = ssl.create_default_context()
    for form in (text.decode(), str(home / "ca.pem"), "~/ca.pem", "own.pem", "../ca.pem"):
        context = tls(form, is_argument=is_argument)
        assert context.cert_store_stats()["x509_ca"] == own.cert_store_stats()["x509_ca"] + 1
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_an_authority_may_be_a_path(home, authority):
    (home / "ca.pem").write_bytes(authority.cert_pem.bytes())
    assert isinstance(Settings.resolve("k").tls(home / "ca.pem"), ssl.SSLContext)


def test_without_an_authority_the_system_decides(home):
    assert Settings.resolve("k").tls() is None


@pytest.mark.parametrize("is_argument", [True, False])
@pytest.mark.parametrize(
    "ca_cert", ["-----BEGIN CERTIFICATE-----\nx", "/nowhere/ca.pem", "~nobody/ca.pem", "a\0b", "/"]
)
def test_an_authority_that_cannot_be_used_is_named(tls, ca_cert, is_argument):
    """It is not a certificate, or its file is missing, or is a folder."""
    place = "ca_cert" if is_argument else r"ca_cert in ~/\.tofupilot/credentials\.json"
    with pytest.raises(ConfigurationError, match=rf"^{place} cannot be used: "):
        tls(ca_cert, is_argument=is_argument)


@pytest.mark.parametrize("is_argument", [True, False])
def test_an_authority_in_a_pipe_is_not_waited_for(tls, home, is_argument):
    os.mkfifo(home / "ca.pem")
    with pytest.raises(ConfigurationError, match=r"cannot be used: not a regular file$"):
        tls(str(home / "ca.pem"), is_argument=is_argument)


@pytest.mark.parametrize("ca_cert", [True, b"-----BEGIN", 3])
def test_an_authority_of_another_type_is_refused(home, ca_cert):
    with pytest.raises(TypeError, match=r"^ca_cert must be a string, a path or None, got "):
        Settings.resolve("k").tls(ca_cert)
