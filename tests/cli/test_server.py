"""Whom the command asks."""

import pytest

from aiotofupilot.cli.options import KEY, Server


@pytest.fixture
def environment(monkeypatch):
    """Set what the environment says."""

    def environment(url, key):
        monkeypatch.setenv("TOFUPILOT_URL", url)
        monkeypatch.setenv("TOFUPILOT_API_KEY", key)

    return environment


def test_the_key_is_one_however_it_is_given(environment):
    """With or without Bearer, from the environment or an option, it tells the same account; a sandbox needs none."""
    environment("https://unreachable.invalid", "one")
    one, *same, other = (Server(api_key=key).identity for key in (None, "one", "Bearer one", "other"))
    assert same == [one, one]
    assert other.keys() == one.keys()
    assert [name for name in one if other[name] != one[name]] == [KEY]
    assert Server(sandbox=True).identity == {"server": "sandbox"}


def test_the_options_show_neither_key_nor_proxy():
    """A traceback with locals would print them."""
    options = Server(api_key="the-key", proxy="http://user:the-password@proxy.example.com:3128")
    assert "the-" not in repr(options)
