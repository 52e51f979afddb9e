"""How the wiring comes by Slack's secrets."""

from pathlib import Path
from typing import Any

import pytest

from chatbot.config import check_config
from chatbot.connect import platforms_of
from chatbot.errors import BadConfig
from chatbot.settings import Config
from tests.conftest import NOON

VARIABLES = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET")


@pytest.fixture(autouse=True)
def no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def configured(folder: Path = Path(), **slack: Any) -> Config:
    return check_config({"lists": [{"name": "a", "archive": "a"}], "platforms": {"slack": slack}}, folder)


def test_tokens_come_from_the_environment_or_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1\n")
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-1")
    (tmp_path / "bot").write_text("xoxb-2\n")
    by_environment, by_file = (
        platforms_of(configured(tmp_path, **files), "mia", lambda: NOON)["slack"]
        for files in ({}, {"bot_token_file": "bot"})
    )
    assert by_environment.login != by_file.login
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-2")
    assert platforms_of(configured(), "mia", lambda: NOON)["slack"].login == by_file.login


def test_what_is_missing_is_named_and_no_secret_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadConfig) as missing:
        platforms_of(configured(), "mia", lambda: NOON)
    assert [fault.partition(":")[0] for fault in missing.value.faults] == [
        "[platforms.slack] bot_token_file",
        "[platforms.slack] app_token_file",
    ]
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xapp-swapped")
    monkeypatch.setenv("SLACK_APP_TOKEN", "xoxb-swapped")
    with pytest.raises(BadConfig, match="begins with xoxb-") as swapped:
        platforms_of(configured(), "mia", lambda: NOON)
    assert "swapped" not in str(swapped.value)
    with pytest.raises(BadConfig, match="SLACK_SIGNING_SECRET"):
        platforms_of(configured(tmp_path, mode="http"), "mia", lambda: NOON)
