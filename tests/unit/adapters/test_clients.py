"""How long the clients try."""

from typing import Any

import pytest

from plumbline.adapters import clients

API_SECONDS = 29


def test_ssm_is_asked_several_times_and_given_up_within_what_the_api_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    clients._client.cache_clear()
    config: Any = clients.ssm().meta.config  # its options are set at run time, and unknown to the stubs
    clients._client.cache_clear()
    tries = config.retries["total_max_attempts"]
    waits = sum(min(2**wait, 20) for wait in range(tries - 1))
    assert tries >= 5
    assert tries * (config.connect_timeout + config.read_timeout) + waits < API_SECONDS
