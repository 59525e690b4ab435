"""Which server a session would ask, and with which key."""

import pytest

from aiotofupilot.errors import ConfigurationError
from aiotofupilot.settings import Settings


def test_they_are_those_of_the_environment(monkeypatch):
    monkeypatch.setenv("TOFUPILOT_API_KEY", "s3cr3t")
    monkeypatch.setenv("TOFUPILOT_URL", "https://tofu.example/")
    settings = Settings.resolve()
    assert (settings.base_url, settings.authorization) == ("https://tofu.example/api", "Bearer s3cr3t")


def test_arguments_come_before_the_environment(monkeypatch):
    monkeypatch.setenv("TOFUPILOT_API_KEY", "other")
    monkeypatch.setenv("TOFUPILOT_URL", "https://other.example")
    settings = Settings.resolve("s3cr3t", base_url="http://tofu.example", allow_insecure_http=True)
    assert (settings.base_url, settings.authorization) == ("http://tofu.example/api", "Bearer s3cr3t")


def test_the_key_does_not_show():
    assert "s3cr3t" not in repr(Settings.resolve("s3cr3t"))


def test_a_server_that_would_get_the_key_unencrypted_is_refused():
    with pytest.raises(ConfigurationError, match="plain HTTP"):
        Settings.resolve("s3cr3t", base_url="http://tofu.example")
