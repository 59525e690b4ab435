"""Which keys and addresses are accepted, and which are refused before anything is sent.

- A value in the place of the server's address that may be a key is not shown.
"""

from ipaddress import ip_address

import pytest
from hypothesis import example, given, strategies as st
from yarl import URL

from aiotofupilot import ConfigurationError
from aiotofupilot.settings import DEFAULT_BASE_URL, Settings


@pytest.fixture(autouse=True)
def no_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("TOFUPILOT_API_KEY", raising=False)
    monkeypatch.delenv("TOFUPILOT_URL", raising=False)


def resolve(base_url=None, *, allow_insecure_http=False):
    return Settings.resolve("key", base_url=base_url, allow_insecure_http=allow_insecure_http).base_url


def authorization(key):
    return Settings.resolve(key).authorization


@pytest.mark.parametrize("key", ["k-1", "Bearer k-1", "bearer k-1", "BEARER  k-1", "Bearer\tk-1"])
def test_a_key_becomes_a_bearer_with_or_without_the_word(key):
    """Keys are copied from curl commands too."""
    assert authorization(key) == "Bearer k-1"


def test_the_key_comes_from_the_environment_unless_it_is_given(monkeypatch):
    """An argument counts more than TOFUPILOT_API_KEY."""
    monkeypatch.setenv("TOFUPILOT_API_KEY", "from-environment")
    assert authorization(None) == "Bearer from-environment"
    assert authorization("given") == "Bearer given"


@pytest.mark.parametrize("key", [None, "", "Bearer ", "bearer\t"])
def test_no_key_is_an_error_that_names_the_variable(key):
    """A reader knows what to set."""
    with pytest.raises(ConfigurationError, match="TOFUPILOT_API_KEY"):
        authorization(key)


@pytest.mark.parametrize(
    "key", ["sec ret", "secret\n", "sec\r\nret", "sec\x00ret", "secrét", " secret", "Bearer sec ret"]
)
@pytest.mark.parametrize("variable", [False, True])
def test_a_key_that_no_header_may_carry_is_refused_without_being_shown(key, variable, monkeypatch):
    """A line break would begin another header."""
    if variable and "\x00" not in key:
        monkeypatch.setenv("TOFUPILOT_API_KEY", key)
        key = None
    with pytest.raises(ConfigurationError, match="TOFUPILOT_API_KEY" if key is None else "api_key") as caught:
        authorization(key)
    assert "sec" not in str(caught.value)


@pytest.mark.parametrize("key", [b"secret", 12345, ["secret"]])
def test_a_key_that_is_not_a_string_is_a_type_error_without_its_value(key):
    """Bytes read from a file are a likely mistake, and a secret."""
    with pytest.raises(TypeError, match=rf"^api_key must be a string or None, got {type(key).__name__}$"):
        authorization(key)


@pytest.mark.parametrize(
    ("given_url", "resolved"),
    [
        ("https://tofu.example.com", "https://tofu.example.com/api"),
        ("https://tofu.example.com/", "https://tofu.example.com/api"),
        ("https://tofu.example.com/api", "https://tofu.example.com/api"),
        ("https://tofu.example.com/api/", "https://tofu.example.com/api"),
        ("https://tofu.example.com/behind/a/proxy//", "https://tofu.example.com/behind/a/proxy"),
        ("HTTPS://TOFU.example.com:8443", "https://tofu.example.com:8443/api"),
        ("https://[2001:db8::1]:8443/api", "https://[2001:db8::1]:8443/api"),
        ("https://tofu.example.com/a%20b", "https://tofu.example.com/a%20b"),
    ],
)
def test_an_address_is_taken_with_or_without_api_and_slash(given_url, resolved):
    """If an address has no path, TofuPilot's own is appended."""
    assert resolve(given_url) == resolved


def test_the_address_comes_from_the_environment_unless_it_is_given(monkeypatch):
    """Without a variable it is TofuPilot's own address. An empty variable counts as not set."""
    assert resolve() == DEFAULT_BASE_URL == "https://www.tofupilot.app/api"
    monkeypatch.setenv("TOFUPILOT_URL", "")
    assert resolve() == DEFAULT_BASE_URL
    monkeypatch.setenv("TOFUPILOT_URL", "https://tofu.example.com/")
    assert resolve() == "https://tofu.example.com/api"
    assert resolve("https://other.example.com") == "https://other.example.com/api"


@pytest.mark.parametrize(
    "base_url",
    ["http://localhost:3000", "http://LOCALHOST", "http://127.0.0.1:8080", "http://127.9.9.9", "http://[::1]"],
)
def test_plain_http_is_taken_on_this_machine(base_url):
    """Nobody can listen in between."""
    assert resolve(base_url).endswith("/api")


def test_plain_http_beyond_this_machine_has_to_be_allowed():
    """An address that is not certainly this machine counts as another one."""
    numbers = ["192.168.0.7", "0.0.0.0", "[2001:db8::1]", "127.1", "2130706433"]  # noqa: S104 - nothing listens there
    names = ["tofu", "127.0.0.1", "localhost", "localhost%00"]
    for host in [*numbers, "tofu.localhost", *(f"{name}.example.com" for name in names)]:
        base_url = f"http://{host}"
        with pytest.raises(ConfigurationError, match=r"plain HTTP.*use https, or pass allow_insecure_http=True"):
            resolve(base_url)
        assert resolve(base_url, allow_insecure_http=True).startswith("http://")


def test_an_unusable_address_is_named_with_what_is_wrong():
    """The message says where it came from and shows it."""
    for base_url, complaint in [
        ("https://", "is not a URL"),
        ("https:///api", "it has no host"),
        ("https://tofu.example.com:99999", "is not a URL"),
        ("https://[::1", "is not a URL"),
        ("https://xn--/", "is not a URL"),
        ("https://a..b", "is not a URL"),
        (f"https://{'a' * 64}.example.com", "is not a URL"),
        (r"https://127.0.0.1\.example.com", "is not a URL"),
        ("https://tofu.example.com\n", "visible ASCII"),
        ("https://tofu.example.com/\r\nX: y", "visible ASCII"),
        ("https://tofu\x00.example.com", "visible ASCII"),
        ("https://töfu.example.com", "visible ASCII"),
    ]:
        with pytest.raises(ConfigurationError, match=complaint) as caught:
            resolve(base_url)
        assert "base_url" in str(caught.value)
        assert repr(base_url) in str(caught.value)


def test_a_value_that_is_not_an_address_is_refused_without_being_shown():
    """It may be a key that was given in the wrong place."""
    keys = ["", "secret", "Bearer secret", "secret\n", "sécret", " https://secret", "secret.example.com"]
    for value in [*keys, "secret:3000", "/secret", "//[secret", "https:secret", "ftp://secret.example.com"]:
        with pytest.raises(
            ConfigurationError, match=r"^base_url must begin with https://.*the value is not shown"
        ) as caught:
            resolve(value)
        assert "secret" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None


@pytest.mark.parametrize("end", ["?api_key=secret", "?", "#secret", "?a#secret"])
def test_the_query_of_an_address_is_refused_without_being_shown(end):
    """A query may hold a key."""
    with pytest.raises(ConfigurationError, match=r"must not have .* a query or a fragment") as caught:
        resolve(f"https://tofu.example.com/{end}")
    assert "secret" not in str(caught.value)


def test_an_unusable_address_of_the_environment_is_named_by_its_variable(monkeypatch):
    """Nobody has to guess which of the two it was."""
    monkeypatch.setenv("TOFUPILOT_URL", "tofu.example.com")
    with pytest.raises(ConfigurationError, match=r"^TOFUPILOT_URL must begin with https"):
        resolve()


@pytest.mark.parametrize(
    "base_url",
    ["https://user:secret@tofu.example.com", "https://secret@h", "ftp://u:secret@h", "u:secret@h", "u:secret @h"],
)
def test_a_password_in_the_address_is_refused_without_being_shown(base_url):
    """The key is the only credential. Another one would end up in logs."""
    with pytest.raises(ConfigurationError, match="must not have a user name") as caught:
        resolve(base_url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("base_url", [b"https://h", URL("https://h"), 3])
def test_an_address_that_is_not_a_string_is_a_type_error(base_url):
    """A URL object is spelled out by its owner."""
    with pytest.raises(TypeError, match=rf"^base_url must be a string or None, got {type(base_url).__name__}$"):
        resolve(base_url)


BEGINNINGS = ["", "http://", "https://", "https://[", "http://127.0.0.1", "http://localhost"]


@given(
    st.sampled_from(BEGINNINGS), st.text("a1.:/@[]\\%?#-_~ é\n", max_size=12) | st.text(st.characters(codec="ascii"))
)
@example("https://[", ":.]")
@example("https://[", "1:]")
@example("https://[", ":]")
def test_any_text_is_refused_or_becomes_an_address_that_stays_itself(beginning, text):
    """The only error is a ConfigurationError, and plain HTTP never leaves this machine."""
    try:
        resolved = resolve(beginning + text)
    except ConfigurationError:
        return
    url = URL(resolved)
    assert url.host
    assert url.user is None
    assert url.scheme == "https" or url.host == "localhost" or ip_address(url.host).is_loopback
    assert resolve(resolved) == resolved
