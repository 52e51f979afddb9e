"""`chatbot matrix-login`, and the bot that uses its device."""

import json
import stat
from collections.abc import Callable
from pathlib import Path

from tests.conftest import compose
from tests.fakes.synapse import PASSWORD, Person, Synapse, eventually
from tests.stories.test_running import running
from tests.test_cli import chatbot

CONFIG = """
[platforms.matrix]
[[lists]]
name = "kvm"
title = "KVM"
archive = "kvm"
"""


def test_a_device_is_made_once_and_the_bot_answers_with_it(
    homeserver: Synapse, tmp_path: Path, archive: Callable[..., Path]
) -> None:
    archive([compose("[PATCH] one", 1)], name="kvm")
    person, mia = homeserver.person("bot"), homeserver.person("mia")
    config, password = tmp_path / "config.toml", tmp_path / "password"
    config.write_text(CONFIG)
    password.write_text(f"{PASSWORD}\n")
    login = ("matrix-login", homeserver.url, person.id, "--password-file", password, "--config", config)
    told = chatbot("run", "--config", config).stderr
    assert "run `chatbot matrix-login`" in told
    done = chatbot(*login)
    assert (done.returncode, done.stdout.partition(" device ")[0]) == (0, f"{person.id}:")
    device = json.loads((tmp_path / "matrix" / "device.json").read_text())
    assert stat.S_IMODE((tmp_path / "matrix" / "device.json").stat().st_mode) == 0o600
    assert "there is a device already" in chatbot(*login).stderr
    room = mia.make_room(Person(homeserver.url, person.id, "", ""))
    with running("chatbot", "run", "--config", config) as process:
        eventually(lambda: mia.heard(room, person))
        mia.say(room, "!help series")
        _, answer = eventually(lambda: len(found := mia.heard(room, person)) > 1 and found)
        assert answer["content"]["body"].startswith("!series WORDS")
        assert "is using it" in chatbot(*login[:1], *login[1:], "--again").stderr
        process.terminate()
        assert process.wait(timeout=10) == 0
        assert process.stderr
        assert device["token"] not in process.stderr.read()


def test_what_is_no_address_and_where_no_device_belongs_is_said(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(CONFIG.replace("matrix", "terminal"))
    config = ("--config", tmp_path / "config.toml")
    assert "add that table, or give --device" in chatbot("matrix-login", "https://a.example", "bot", *config).stderr
    (tmp_path / "password").write_text("secret\n")
    login = (
        "matrix-login",
        "127.0.0.1:9",
        "bot",
        "--device",
        tmp_path / "new",
        "--password-file",
        tmp_path / "password",
    )
    assert "https://127.0.0.1:9 cannot be reached" in chatbot(*login).stderr
