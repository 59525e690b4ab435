"""`Settings` finds the server and the key of a session.

- The key of a login is sent only to the server of the login.
"""

import pytest

from aiotofupilot.errors import ConfigurationError
from aiotofupilot.settings import Settings

LOGIN = "~/.tofupilot/credentials.json"


def test_a_key_from_elsewhere_is_not_sent_to_the_server_of_a_login(login, monkeypatch):
    """The file is not even read."""
    login(api_key=1, base_url="https://tofu.example")
    found = Settings.resolve("other")
    assert (found.base_url, found.key_source) == ("https://www.tofupilot.app/api", "api_key")
    monkeypatch.setenv("TOFUPILOT_API_KEY", "another")
    found = Settings.resolve()
    assert (found.base_url, found.key_source) == ("https://www.tofupilot.app/api", "TOFUPILOT_API_KEY")


def test_an_empty_variable_is_one_that_is_not_set(login, monkeypatch):
    login(api_key="s3cr3t", base_url="https://tofu.example")
    monkeypatch.setenv("TOFUPILOT_API_KEY", "")
    monkeypatch.setenv("TOFUPILOT_URL", "")
    assert Settings.resolve().base_url == "https://tofu.example/api"


@pytest.mark.parametrize("is_argument", [True, False])
@pytest.mark.parametrize(
    ("own", "other"),
    [
        ("https://tofu.example", "https://tofu.example.evil"),
        ("https://tofu.example", "https://evil.example/tofu.example"),
        ("https://tofu.example", "https://tofu.example:8443"),
        ("https://tofu.example", "http://tofu.example"),
        (None, "https://tofu.example"),
    ],
)
def test_the_key_of_a_login_is_sent_to_no_other_server(login, monkeypatch, own, other, is_argument):
    """It does not matter where the other server is named. The error says what was found, but does not show the key."""
    login(api_key="s3cr3t", base_url=own)
    if not is_argument:
        monkeypatch.setenv("TOFUPILOT_URL", other)
    with pytest.raises(
        ConfigurationError, match=r"^no API key for http.* is for https.* is sent nowhere else; "
    ) as caught:
        Settings.resolve(base_url=other if is_argument else None, allow_insecure_http=True)
    assert LOGIN in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


def test_the_key_of_a_login_is_sent_to_another_address_of_its_origin(login):
    login(api_key="s3cr3t", base_url="https://tofu.example/api", ca_cert="/ca.pem")
    found = Settings.resolve(base_url="https://TOFU.example:443/behind/a/proxy")
    assert (found.base_url, found.ca_cert) == ("https://tofu.example/behind/a/proxy", "/ca.pem")


@pytest.mark.parametrize(
    ("members", "complaint"),
    [
        ({"api_key": "s3cr3t x"}, "the API key in ~/.tofupilot/credentials.json has a space"),
        (
            {"api_key": "x", "base_url": "s3cr3t"},
            "base_url in ~/.tofupilot/credentials.json must begin with https://",
        ),
        (
            {"api_key": "s3cr3t", "base_url": "http://tofu.example"},
            "base_url in ~/.tofupilot/credentials.json is plain HTTP, and the network between here and",
        ),
        ({"api_key": 1}, "~/.tofupilot/credentials.json is malformed: api_key is not a string"),
    ],
)
def test_what_is_wrong_with_a_login_is_told_with_its_file(login, members, complaint):
    login(**members)
    with pytest.raises(ConfigurationError) as caught:
        Settings.resolve()
    assert str(caught.value).startswith(complaint)
    assert "s3cr3t" not in str(caught.value)


def test_a_login_over_plain_http_can_be_allowed(login):
    login(api_key="s3cr3t", base_url="http://tofu.example")
    assert Settings.resolve(allow_insecure_http=True).base_url == "http://tofu.example/api"
