"""Encrypted rooms, read with nio's own client, which shares with ours only the machine."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from nio.crypto.attachments import decrypt_attachment

from chatbot.chat.matrix import Matrix
from chatbot.chat.post import Post
from tests.chat.test_matrix import POST, TEXT, Setting, run, setting_on
from tests.fakes.matrix import Clerk, Reader, listening, until
from tests.fakes.synapse import Synapse

SAID = "KVM\n3 mails, see the list <https://a.example/>"


@pytest.fixture
def setting(homeserver: Synapse, tmp_path: Path) -> Setting:
    return setting_on(homeserver, tmp_path / "device", encrypted=True)


@asynccontextmanager
async def reading(setting: Setting, folder: Path) -> AsyncIterator[Reader]:
    reader = Reader(setting.mia, folder)
    try:
        await reader.sync()
        yield reader
    finally:
        await reader.close()


def in_clear(setting: Setting) -> list[Any]:
    return setting.heard()


def test_posts_are_read_by_who_is_there_and_by_nobody_on_the_way(setting: Setting, tmp_path: Path) -> None:
    async def post(matrix: Matrix) -> None:
        async with reading(setting, tmp_path / "mia") as mia:
            first = await matrix.send(setting.room, POST, "one")
            await matrix.send(setting.room, Post("matrix", "<p>two</p>"), "two", under=first.remote_id)
            assert await mia.hears(setting.device.user, 2) == [SAID, "two"]

    run(setting, post)
    assert not in_clear(setting)
    one, two = setting.heard(kind="m.room.encrypted")
    assert "body" not in one["content"]
    assert two["content"]["m.relates_to"]["event_id"] == one["event_id"]


def test_keys_survive_restarts_and_a_post_sent_again_is_shown_once(setting: Setting, tmp_path: Path) -> None:
    async def post(matrix: Matrix, *keys: str) -> None:
        async with reading(setting, tmp_path / "mia") as mia:
            for key in keys:
                await matrix.send(setting.room, Post("matrix", f"<p>{key}</p>"), key)
            assert (await mia.hears(setting.device.user))[-1] == keys[-1]

    run(setting, lambda matrix: post(matrix, "one"))
    run(setting, lambda matrix: post(matrix, "one", "two"))
    run(setting, lambda matrix: post(matrix, "one", "two", "three"))
    assert len(setting.heard(kind="m.room.encrypted")) == 3


def test_commands_are_read_and_answered(setting: Setting, tmp_path: Path) -> None:
    clerk = Clerk()

    async def ask(matrix: Matrix) -> None:
        async with reading(setting, tmp_path / "mia") as mia:
            async with listening(matrix, clerk):
                await mia.say(setting.room, "!series one")
                assert await mia.hears(setting.device.user) == ["you asked !series one"]
            await mia.say(setting.room, "!series while nobody listens")
            async with listening(matrix, clerk):
                assert len(await mia.hears(setting.device.user, 2)) == 2

    run(setting, ask)
    assert [one.text for one in clerk.asked] == ["/series one", "/series while nobody listens"]
    assert not in_clear(setting)


def test_who_comes_later_and_a_new_device_read_what_comes_then(
    setting: Setting, homeserver: Synapse, tmp_path: Path
) -> None:
    ben = homeserver.person("ben")

    async def post(matrix: Matrix) -> None:
        async with reading(setting, tmp_path / "mia") as mia, listening(matrix, Clerk()):
            await matrix.send(setting.room, POST, "before")
            assert await mia.hears(setting.device.user) == [SAID]
            setting.mia.call("POST", f"rooms/{setting.room}/invite", {"user_id": ben.id})
            ben.join(setting.room)
            other = Reader(ben, tmp_path / "ben")
            try:
                await other.sync()
                await until(lambda: ben.id in matrix._keys._client.rooms[setting.room].users)
                await matrix.send(setting.room, Post("matrix", "<p>welcome</p>"), "after")
                assert await other.hears(setting.device.user) == ["welcome"]
                assert (await mia.hears(setting.device.user, 2))[-1] == "welcome"
            finally:
                await other.close()

    run(setting, post)


def test_a_file_is_sealed_and_neither_it_nor_its_name_is_read_on_the_way(setting: Setting, tmp_path: Path) -> None:
    async def ask(matrix: Matrix) -> None:
        async with reading(setting, tmp_path / "mia") as mia:
            async with listening(matrix, Clerk(file=TEXT)):
                asked = await mia.say(setting.room, "!digest 1f0c7b text")
                assert await mia.hears(setting.device.user) == ["you asked !digest 1f0c7b text"]
            (event,) = setting.heard(kind="m.room.encrypted")
            assert event["content"]["m.relates_to"]["event_id"] == asked
            content = mia.contents[event["event_id"]]
            assert (content["msgtype"], content["filename"]) == ("m.file", TEXT.name)
            assert "url" not in content
            file = content["file"]
            lies, called = setting.mia.download(file["url"])
            assert TEXT.data not in lies
            assert TEXT.name not in called
            assert decrypt_attachment(lies, file["key"]["k"], file["hashes"]["sha256"], file["iv"]) == TEXT.data

    run(setting, ask)
    assert not in_clear(setting)


def test_a_command_whose_key_does_not_come_gets_an_answer_that_says_so(setting: Setting, tmp_path: Path) -> None:
    clerk = Clerk()
    lost = {
        "algorithm": "m.megolm.v1.aes-sha2",
        "sender_key": "x" * 43,
        "device_id": "LOST",
        "session_id": "y" * 43,
        "ciphertext": "z" * 80,
    }

    async def ask(matrix: Matrix) -> None:
        async with reading(setting, tmp_path / "mia") as mia, listening(matrix, clerk):
            asked = setting.mia.send(setting.room, "m.room.encrypted", lost)
            setting.mia.send(setting.room, "m.room.encrypted", lost)
            (said,) = await mia.hears(setting.device.user)
            assert said.startswith("I cannot read this message")
            (answer,) = setting.heard(kind="m.room.encrypted")
            assert answer["content"]["m.relates_to"]["event_id"] == asked

    run(setting, ask)
    assert not clerk.asked


def test_a_room_that_became_encrypted_never_gets_anything_in_clear_again(homeserver: Synapse, tmp_path: Path) -> None:
    setting = setting_on(homeserver, tmp_path / "device")
    run(setting, lambda matrix: matrix.send(setting.room, POST, "in clear"))
    setting.mia.set_state(setting.room, "m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"})

    async def post(matrix: Matrix, key: str) -> None:
        async with reading(setting, tmp_path / "mia") as mia:
            await matrix.send(setting.room, Post("matrix", f"<p>{key}</p>"), key)
            assert (await mia.hears(setting.device.user))[-1] == key

    run(setting, lambda matrix: post(matrix, "encrypted"))
    # A homeserver that denies it changes nothing.
    setting.mia.set_state(setting.room, "m.room.encryption", {})
    run(setting, lambda matrix: post(matrix, "still encrypted"))
    assert len(setting.heard(kind="m.room.encrypted")) == 2
    assert len(in_clear(setting)) == 1


def test_the_device_is_signed_by_its_owner_who_is_the_bot(setting: Setting) -> None:
    said = setting.mia.call("POST", "keys/query", {"device_keys": {setting.device.user: []}})
    user = setting.device.user
    master, own = said["master_keys"][user], said["self_signing_keys"][user]
    (signer,) = own["keys"]
    assert list(own["signatures"][user]) == list(master["keys"])
    assert signer in said["device_keys"][user][setting.device.id]["signatures"][user]
    _check(own, user, next(iter(master["keys"].values())))
    _check(said["device_keys"][user][setting.device.id], user, signer.removeprefix("ed25519:"))


def _check(what: dict[str, Any], user: str, public: str) -> None:
    """As any client does it. Raises ValueError."""
    from base64 import b64decode

    from Crypto.Signature import eddsa

    bare = {key: value for key, value in what.items() if key not in ("signatures", "unsigned")}
    said = json.dumps(bare, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    signature = b64decode(what["signatures"][user][f"ed25519:{public}"] + "==")
    eddsa.new(eddsa.import_public_key(b64decode(public + "=")), "rfc8032").verify(said, signature)
