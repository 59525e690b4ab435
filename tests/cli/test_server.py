"""Whom the command asks."""

import json

import pytest

from aiotofupilot import ConfigurationError
from aiotofupilot.cli.options import KEY, Server
from aiotofupilot.sandbox import Sandbox


@pytest.fixture
def environment(monkeypatch):
    """Set what the environment says."""

    def environment(url, key):
        monkeypatch.setenv("TOFUPILOT_URL", url)
        monkeypatch.setenv("TOFUPILOT_API_KEY", key)

    return environment


async def test_plain_http_beyond_this_machine_has_to_be_allowed():
    """By name, for a file that is gone on with, as by session."""
    refused = Server(base_url="http://tofu.example", api_key="key")
    with pytest.raises(ConfigurationError, match="plain HTTP"):
        refused.identity  # noqa: B018 - it raises
    with pytest.raises(ConfigurationError, match="plain HTTP"):
        async with refused.session():
            pass

    allowed = Server(base_url="http://tofu.example", api_key="key", allow_insecure_http=True)
    assert allowed.identity["server"] == "http://tofu.example/api"
    async with allowed.session() as session:
        assert "http://tofu.example/api" in repr(session)


def test_the_key_is_one_however_it_is_given(environment):
    """With or without Bearer, from the environment or an option, it tells the same account; a sandbox needs none."""
    environment("https://unreachable.invalid", "one")
    one, *same, other = (Server(api_key=key).identity for key in (None, "one", "Bearer one", "other"))
    assert same == [one, one]
    assert other.keys() == one.keys()
    assert [name for name in one if other[name] != one[name]] == [KEY]
    assert Server(sandbox=True).identity == {"server": "sandbox"}


@pytest.fixture
def login(tmp_path):
    """Log in with TofuPilot's own command."""

    def login(**members):
        path = tmp_path / "home" / ".tofupilot" / "credentials.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(members))
        path.chmod(0o600)

    return login


async def test_a_login_leads_to_a_server(login):
    """As it does in the library."""
    async with Sandbox(3) as sandbox:
        login(api_key=sandbox.api_key, base_url=sandbox.url)
        server = Server()
        assert server.identity["server"] == sandbox.url
        async with server.session() as session:
            assert len(await session.procedures.list().collect()) == 3


def test_the_key_does_not_show():
    """Not in a repr."""
    assert "secret" not in repr(Server(api_key="secret"))


def test_the_options_show_neither_key_nor_proxy():
    """A traceback with locals would print them."""
    options = Server(api_key="the-key", proxy="http://user:the-password@proxy.example.com:3128")
    assert "the-" not in repr(options)
