"""The Matrix platform on a real homeserver, in rooms without encryption."""

import asyncio
import stat
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from chatbot.chat import matrix_device
from chatbot.chat.matrix import Matrix, seen_from_outside
from chatbot.chat.matrix_events import Manners
from chatbot.chat.matrix_http import discovered
from chatbot.chat.platform import Request
from chatbot.chat.post import File, Manner, Post
from chatbot.errors import Busy, Closed, DeliveryError, Problem, Refused, Unauthorized, Unavailable
from tests.fakes.handler import Handler
from tests.fakes.matrix import WORDS, Clerk, bot, listening, log_in, until, utc_now
from tests.fakes.proxy import proxy
from tests.fakes.synapse import PASSWORD, Person, Said, Synapse, eventually

POST = Post("matrix", "<h3>KVM</h3><p>3 mails, see <a href='https://a.example/'>the list</a></p>")


@dataclass
class Setting:
    """A bot with its device in a folder, and mia, who has invited it to a room where it is."""

    folder: Path
    device: matrix_device.Device
    mia: Person
    room: str
    user: Person

    def heard(self, room: str = "", kind: str = "m.room.message") -> list[Any]:
        return self.mia.heard(room or self.room, self.device.user, kind)

    def bodies(self, room: str = "") -> list[str]:
        return [one["content"]["body"] for one in self.heard(room)]


def setting_on(homeserver: Synapse, folder: Path, **more: Any) -> Setting:
    device = log_in(homeserver, folder)
    user = Person(homeserver.url, device.user, device.id, device.token)
    mia = homeserver.person("mia")
    room = mia.make_room(user, **more)
    user.join(room)
    return Setting(folder, device, mia, room, user)


@pytest.fixture
def setting(homeserver: Synapse, tmp_path: Path) -> Setting:
    return setting_on(homeserver, tmp_path / "device")


def run(setting: Setting, do: Callable[[Matrix], Any], manners: Manners | None = None, **more: Any) -> Any:
    with bot(setting.folder, manners, **more) as doing:
        return doing(do)


def test_a_post_is_a_notice_that_names_nobody_with_all_of_it_as_text(setting: Setting) -> None:
    receipt = run(setting, lambda matrix: matrix.send(setting.room, POST, "key"))
    (event,) = setting.heard()
    assert receipt.remote_id == event["event_id"]
    assert event["content"] == {
        "msgtype": "m.notice",
        "body": "KVM\n3 mails, see the list <https://a.example/>",
        "format": "org.matrix.custom.html",
        "formatted_body": '<h3>KVM</h3>\n<p>3 mails, see <a href="https://a.example/">the list</a></p>',
        "m.mentions": {},
        "uk.half-shot.unstable.show_url_previews": False,
        "chatbot.delivery": "key",
    }


def test_the_same_key_is_shown_once_whoever_sends_it_and_whatever_it_says(setting: Setting) -> None:
    first = run(setting, lambda matrix: matrix.send(setting.room, POST, "key"))
    again = run(setting, lambda matrix: matrix.send(setting.room, Post("matrix", "<p>other</p>"), "key"))
    other = run(setting, lambda matrix: matrix.send(setting.room, POST, "other key"))
    assert first == again != other
    assert len(setting.heard()) == 2


def test_what_stands_under_a_post_is_in_its_thread(setting: Setting) -> None:
    async def send(matrix: Matrix) -> str:
        first = await matrix.send(setting.room, POST, "first")
        await matrix.send(setting.room, POST, "second", under=first.remote_id)
        await matrix.send(setting.room, replace(POST, manner=Manner(aloud=True)), "third", under=first.remote_id)
        return first.remote_id

    first = run(setting, send)
    _, below, aloud = setting.heard()
    relation = below["content"]["m.relates_to"]
    assert (relation["rel_type"], relation["event_id"]) == ("m.thread", first)
    assert "m.relates_to" not in aloud["content"]


def test_where_a_subscription_wants_a_badge_a_post_is_a_text(setting: Setting) -> None:
    run(setting, lambda matrix: matrix.send(setting.room, replace(POST, manner=Manner(badge=True)), "key"))
    (event,) = setting.heard()
    assert (event["content"]["msgtype"], event["content"]["m.mentions"]) == ("m.text", {})


def test_a_day_later_the_rooms_history_is_read_before_a_post_is_sent_again(setting: Setting) -> None:
    now = datetime.now(UTC)
    sent = run(setting, lambda matrix: matrix.send(setting.room, POST, "key"))
    for number in range(120):
        setting.user.say(setting.room, f"something else {number}")

    def find(key: str, at: datetime, since: datetime = now) -> Any:
        return run(setting, lambda matrix: matrix.find(setting.room, key, since), now=lambda: at)

    assert find("key", now + timedelta(hours=19)) is None  # its transaction id finds it
    assert find("key", now + timedelta(hours=21)) == sent
    assert find("other", now + timedelta(hours=21)) is None


def test_after_a_new_login_the_history_is_read_too(setting: Setting) -> None:
    now = datetime.now(UTC)
    sent = run(setting, lambda matrix: matrix.send(setting.room, POST, "key"))
    setting.user.call("POST", "logout", {})
    with pytest.raises(Unauthorized):
        run(setting, lambda matrix: matrix.send(setting.room, POST, "key"))
    device = matrix_device.log_in(
        setting.folder, setting.device.homeserver, setting.device.user, PASSWORD, datetime.now(UTC), again=True
    )
    assert device.login != setting.device.login
    assert run(setting, lambda matrix: matrix.find(setting.room, "key", now)) == sent


def test_errors_are_named_by_what_to_do(setting: Setting, homeserver: Synapse) -> None:
    huge = Post("matrix", f"<p>{'x' * 70_000}</p>")
    cases: list[tuple[str, Post, type[Exception]]] = [
        ("!nowhere:test.example", POST, Closed),
        (homeserver.person("ben").make_room(), POST, Closed),
        (setting.room, huge, Refused),
    ]
    for room, post, kind in cases:
        with pytest.raises(kind):
            run(setting, lambda matrix, room=room, post=post: matrix.send(room, post, f"key of {room}"))
    setting.mia.set_state(setting.room, "m.room.power_levels", {"events_default": 50})
    with pytest.raises(Closed):
        run(setting, lambda matrix: matrix.send(setting.room, POST, "muted"))


def test_commands_are_answered_in_a_thread_on_them(setting: Setting) -> None:
    clerk = Clerk()

    async def ask(matrix: Matrix) -> None:
        async with listening(matrix, clerk):
            asked = setting.mia.say(setting.room, "!series tdx")
            (answer,) = await until(setting.heard)
            assert answer["content"]["body"] == "you asked !series tdx"
            assert answer["content"]["m.relates_to"]["event_id"] == asked
            below = setting.mia.say(setting.room, "!digest kvm", **{"m.relates_to": answer["content"]["m.relates_to"]})
            _, second = await until(lambda: len(found := setting.heard()) > 1 and found)
            assert second["content"]["m.relates_to"]["event_id"] == asked
            assert second["content"]["m.relates_to"]["m.in_reply_to"]["event_id"] == below

    run(setting, ask)
    assert [(one.room, one.person, one.text) for one in clerk.asked] == [
        (setting.room, setting.mia.id, text) for text in ("/series tdx", "/digest kvm")
    ]
    assert not setting.heard(kind="m.reaction")


def test_what_is_for_one_person_alone_is_not_said_among_others(setting: Setting, homeserver: Synapse) -> None:
    async def private(request: Request) -> Post:
        fault = "wrong" if request.text == "/series" else ""
        return Post("matrix", f"<p>for you: {len(request.text)}</p>", aside=True, fault=fault)

    ben = homeserver.person("ben")
    crowd = setting.mia.make_room(setting.user, ben)
    setting.user.join(crowd)
    ben.join(crowd)

    async def ask(matrix: Matrix) -> None:
        async with listening(matrix, private):
            for room in (setting.room, crowd):
                setting.mia.say(room, "!subscriptions mine")
                setting.mia.say(room, "!series")
                await until(lambda room=room: len(setting.bodies(room)) == 2)

    run(setting, ask)
    assert sorted(setting.bodies()) == ["for you: 19", "for you: 7"]
    alone = "This is for you alone: ask me in a room where nobody else is."
    assert sorted(setting.bodies(crowd)) == [alone, "for you: 7"]


def test_a_command_that_takes_its_time_gets_a_sign_and_a_room_may_want_answers_beside_it(setting: Setting) -> None:
    async def ask(matrix: Matrix) -> None:
        clerk = Clerk(slow=asyncio.Event())
        async with listening(matrix, clerk):
            asked = setting.mia.say(setting.room, "%help")
            (sign,) = await until(lambda: setting.heard(kind="m.reaction"))
            assert sign["content"]["m.relates_to"] == {"rel_type": "m.annotation", "event_id": asked, "key": "👀"}
            assert not setting.heard()
            assert clerk.slow
            clerk.slow.set()
            (answer,) = await until(setting.heard)
            assert "m.relates_to" not in answer["content"]

    run(setting, ask, Manners(prefixes={setting.room: "%"}, unthreaded=frozenset({setting.room})))


TEXT, PICTURE = File.of_text("kvm-1f0c7b.txt", "All of it, <!here>\n"), File("x.png", b"\x89PNG", "image/png", (4, 2))


def test_a_file_is_brought_into_the_thread_and_what_is_said_of_a_picture_with_it(setting: Setting) -> None:
    async def ask(matrix: Matrix) -> None:
        for number, file in enumerate((TEXT, PICTURE), 1):
            async with listening(matrix, Clerk(file=file)):
                setting.mia.say(setting.room, "!digest 1f0c7b text")
                await until(lambda number=number: len(setting.heard()) == number)

    run(setting, ask)
    text, picture = (one["content"] for one in setting.heard())
    for content, file in ((text, TEXT), (picture, PICTURE)):
        assert setting.mia.download(content["url"])[0] == file.data
        assert (content["filename"], content["m.mentions"]) == (file.name, {})
        assert content["m.relates_to"]["rel_type"] == "m.thread"
        assert content["body"] == "you asked !digest 1f0c7b text"
    assert (text["msgtype"], text["info"]) == ("m.file", {"mimetype": "text/plain", "size": len(TEXT.data)})
    assert picture["info"] == {"mimetype": "image/png", "size": 4, "w": 4, "h": 2}
    assert picture["msgtype"] == "m.image"


def test_a_file_is_uploaded_once_however_often_its_message_is_tried_and_one_not_taken_is_named(
    setting: Setting,
) -> None:
    upload, clerk = "/media/v3/upload", Clerk(file=TEXT)
    with proxy(int(setting.device.homeserver.rpartition(":")[2])) as between:
        matrix_device.save(setting.folder, replace(setting.device, homeserver=between.url))

        async def ask(matrix: Matrix) -> None:
            async with listening(matrix, clerk):
                between.faults += [(upload, "500 before"), (upload, "behaves"), (upload, "too large")]
                between.faults += [("/send/m.room.message", "500 after")]
                setting.mia.say(setting.room, "!digest 1f0c7b text")
                await until(lambda: between.faults == [(upload, "too large")] and setting.heard())
                setting.mia.say(setting.room, "!digest 1f0c7b text")
                await until(lambda: len(setting.heard()) == 2)
                between.faults += [(upload, "forbids")]
                setting.mia.say(setting.room, "!digest 1f0c7b text")
                await until(lambda: len(setting.heard()) == 3)

        run(setting, ask)
    file, *others = (one["content"] for one in setting.heard())
    assert [file["msgtype"], *(said["msgtype"] for said in others)] == ["m.file", "m.notice", "m.notice"]
    assert all(said["body"].startswith("kvm-1f0c7b.txt cannot be uploaded") for said in others)


def test_of_what_was_said_before_only_what_is_fresh_and_new_is_answered(setting: Setting) -> None:
    clerk = Clerk()
    setting.mia.say(setting.room, "!series before it first came")

    async def ask(matrix: Matrix) -> None:
        async with listening(matrix, clerk):
            setting.mia.say(setting.room, "!series one")
            await until(setting.heard)

    run(setting, ask)
    setting.mia.say(setting.room, "!series while it was down")

    async def stay(matrix: Matrix, seen: int) -> None:
        async with listening(matrix, clerk):
            await until(lambda: len(setting.heard()) >= seen)

    run(setting, lambda matrix: stay(matrix, 2))
    place = (setting.folder / "place.json").read_text()
    setting.mia.say(setting.room, "!series three")
    run(setting, lambda matrix: stay(matrix, 3))
    assert [one.text for one in clerk.asked] == ["/series one", "/series while it was down", "/series three"]
    # It dies before it has noted that: the answer is in the room already.
    (setting.folder / "place.json").write_text(place)

    async def again(matrix: Matrix) -> None:
        async with listening(matrix, clerk):
            await until(lambda: len(clerk.asked) == 4)
        setting.mia.say(setting.room, "the last")

    run(setting, again)
    assert setting.bodies() == [
        "you asked !series one",
        "you asked !series while it was down",
        "you asked !series three",
    ]


# What a person's client can send where ours expects something else.
ODD: list[tuple[str, object]] = [
    ("m.room.message", {}),
    ("m.room.message", {"msgtype": 7, "body": "!help"}),
    ("m.room.message", {"msgtype": "m.text", "body": ["!help"]}),
    ("m.room.message", {"msgtype": "m.text", "body": "!help", "m.relates_to": "x", "m.mentions": 7}),
    ("m.room.message", {"msgtype": "m.text", "body": "bot help", "m.mentions": {"user_ids": 7}}),
    ("m.room.message", {"msgtype": "m.text", "body": "x", "m.relates_to": {"rel_type": "m.thread", "event_id": {}}}),
    ("m.room.message", {"msgtype": "m.image", "url": 7, "info": []}),
    ("m.room.encrypted", {}),
    ("m.room.encrypted", {"algorithm": 7, "ciphertext": {}}),
    ("m.room.encrypted", {"algorithm": "m.olm.v1.curve25519-aes-sha2", "ciphertext": 7, "sender_key": []}),
    ("m.room.encrypted", {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "x", "session_id": 7, "sender_key": 7}),
    ("m.reaction", {"m.relates_to": 7}),
    ("m.sticker", {"body": 7}),
    ("m.call.invite", {"offer": 7}),
    ("com.example.odd", {"x": [[[]]]}),
]
ODD_STATE: list[tuple[str, object]] = [
    ("m.room.name", {"name": 7}),
    ("m.room.topic", {"topic": [7]}),
    ("m.room.avatar", {"url": 7}),
    ("m.room.canonical_alias", {}),
    ("m.room.join_rules", {"join_rule": "odd"}),
    ("m.room.pinned_events", {"pinned": 7}),
    ("m.room.tombstone", {"replacement_room": 7}),
    ("m.space.child", {"via": 7}),
]


def test_whatever_people_send_the_next_command_is_answered(setting: Setting) -> None:
    clerk = Clerk()

    async def ask(matrix: Matrix) -> None:
        async with listening(matrix, clerk):
            taken = 0
            for send, odd in ((setting.mia.send, ODD), (setting.mia.set_state, ODD_STATE)):
                for kind, content in odd:
                    with suppress(Said):  # the homeserver itself looks at some
                        send(setting.room, kind, content)
                        taken += 1
            assert taken >= 15
            setting.mia.say(setting.room, "!series x")
            await until(lambda: any(one.text == "/series x" for one in clerk.asked))
            setting.mia.call("POST", f"rooms/{setting.room}/kick", {"user_id": setting.device.user})
            other = setting.mia.make_room(setting.user)
            await until(lambda: setting.bodies(other))

    run(setting, ask)
    assert [one.text for one in clerk.asked] == ["/series x"]


def test_who_is_told_to_stop_answers_first_who_has_asked(setting: Setting) -> None:
    async def ask(matrix: Matrix) -> None:
        clerk = Clerk(slow=asyncio.Event())
        assert clerk.slow
        async with listening(matrix, clerk):
            setting.mia.say(setting.room, "!help")
            await until(lambda: clerk.asked)
            asyncio.get_running_loop().call_later(0.2, clerk.slow.set)

    run(setting, ask)
    assert setting.bodies() == ["you asked !help"]


def test_what_cannot_be_said_before_it_ends_is_said_after_the_next_start(setting: Setting) -> None:
    clerk = Clerk()
    with proxy(int(setting.device.homeserver.rpartition(":")[2])) as between:
        matrix_device.save(setting.folder, replace(setting.device, homeserver=between.url))

        async def ask(matrix: Matrix, said: int) -> None:
            async with listening(matrix, clerk):
                if not said:
                    between.faults += [("/send/m.room.message", "500 before")] * 99
                    setting.mia.say(setting.room, "!help")
                    await until(lambda: clerk.asked and len(between.faults) < 99)
                await until(lambda: len(setting.bodies()) >= said)

        run(setting, lambda matrix: ask(matrix, 0))
        assert not setting.bodies()
        between.faults.clear()
        run(setting, lambda matrix: ask(matrix, 1))
    assert setting.bodies() == ["you asked !help"]


def test_it_comes_where_it_may_be_invited_and_says_what_it_is_for(setting: Setting, homeserver: Synapse) -> None:
    ben = homeserver.person("ben")
    own, foreign = setting.mia.make_room(setting.user), ben.make_room(setting.user)

    async def come(matrix: Matrix) -> None:
        async with listening(matrix, Clerk()):
            await until(lambda: setting.bodies(own))
            await until(lambda: ben.state(foreign, "m.room.member", setting.device.user)["membership"] == "leave")

    run(setting, come, Manners(inviters=("@mia*:test.example",)))
    assert setting.bodies(own) == [
        "Hello! I post digests of mailing lists, and answer !series, !digest, !subscribe, !help."
    ]
    assert setting.device.user not in ben.members(foreign)


def test_without_a_rule_its_own_homeserver_may_invite_it(setting: Setting) -> None:
    room = setting.mia.make_room(setting.user)

    async def come(matrix: Matrix) -> None:
        async with listening(matrix, Clerk()):
            await until(lambda: setting.bodies(room))

    run(setting, come)


@pytest.mark.parametrize("version", ["10", "11", "12"])
def test_who_may_manage_a_room_is_asked_of_the_room_each_time(
    homeserver: Synapse, tmp_path: Path, version: str
) -> None:
    setting = setting_on(homeserver, tmp_path / "device", version=version)
    ben, mia = homeserver.person("ben"), setting.mia
    power = mia.state(setting.room, "m.room.power_levels")
    rights = []
    for level in (50, 49, 100):
        mia.set_state(setting.room, "m.room.power_levels", power | {"users": {**power.get("users", {}), ben.id: level}})
        rights.append(run(setting, lambda matrix: matrix.may_manage(ben.id, setting.room)))
    assert rights == [True, False, True]
    assert run(setting, lambda matrix: matrix.may_manage(mia.id, setting.room))
    assert not run(setting, lambda matrix: matrix.may_manage("@nobody:test.example", setting.room))
    assert not run(setting, lambda matrix: matrix.may_manage(mia.id, "!nowhere"))
    level = 101
    assert run(setting, lambda matrix: matrix.may_manage(mia.id, setting.room), Manners(level=level)) == (
        version == "12"
    )


@pytest.mark.parametrize("rule", ["public", "invite"])
def test_an_upgraded_room_is_followed_at_once_or_when_it_is_invited(setting: Setting, rule: str) -> None:
    moves: list[tuple[str, str]] = []
    setting.mia.set_state(setting.room, "m.room.join_rules", {"join_rule": rule})

    async def moved(old: str, new: str) -> None:
        moves.append((old, new))

    async def follow(matrix: Matrix) -> str:
        async with listening(matrix, Clerk()):
            before = matrix._place.upto
            said = setting.mia.call("POST", f"rooms/{setting.room}/upgrade", {"new_version": "12"})
            new = str(said["replacement_room"])
            await until(lambda: matrix._place.upto != before)
            if rule == "invite":
                assert not moves
                setting.mia.call("POST", f"rooms/{new}/invite", {"user_id": setting.device.user})
            await until(lambda: moves)
            return new

    new = run(setting, follow, moved=moved)
    assert set(moves) == {(setting.room, new)}  # it may learn it in two ways
    assert setting.device.user in setting.mia.members(new)


def test_who_claims_to_be_a_rooms_successor_takes_nothing_along(setting: Setting, homeserver: Synapse) -> None:
    moves: list[tuple[str, str]] = []
    eve = homeserver.person("eve")
    content = {"predecessor": {"room_id": setting.room, "event_id": "$x"}}
    claimed = eve.make_room(setting.user, creation_content=content)

    async def moved(old: str, new: str) -> None:
        moves.append((old, new))

    async def come(matrix: Matrix) -> None:
        async with listening(matrix, Clerk()):
            await until(lambda: eve.heard(claimed, setting.device.user))

    run(setting, come, moved=moved)
    assert eve.state(claimed, "m.room.create")["predecessor"]["room_id"] == setting.room
    assert moves == []


def test_a_room_moves_by_its_own_tombstone_alone_and_to_none_that_does_not_know_it(
    setting: Setting, homeserver: Synapse
) -> None:
    moves: list[tuple[str, str]] = []
    eve, bot_id = homeserver.person("eve"), setting.device.user
    content = {"predecessor": {"room_id": setting.room, "event_id": "$x"}}
    claimed = eve.make_room(preset="public_chat", creation_content=content)
    stranger = eve.make_room(preset="public_chat")

    async def moved(old: str, new: str) -> None:
        moves.append((old, new))

    def came(room: str) -> list[str]:
        those = [one for one in eve.events(room) if one.get("state_key") == bot_id]
        return [one["content"]["membership"] for one in those]

    async def follow(matrix: Matrix) -> None:
        async with listening(matrix, Clerk()):
            one_of_many = f"rooms/{setting.room}/state/m.room.tombstone/x"
            setting.mia.call("PUT", one_of_many, {"replacement_room": claimed})
            setting.mia.set_state(setting.room, "m.room.tombstone", {"replacement_room": stranger})
            await until(lambda: came(stranger) == ["join", "leave"])

    run(setting, follow, moved=moved)
    assert (moves, came(claimed)) == ([], [])


def test_a_token_that_is_not_taken_stops_this_platform_alone(setting: Setting) -> None:
    setting.user.call("POST", "logout", {})

    async def listen(matrix: Matrix) -> bool:
        task = asyncio.ensure_future(matrix.listen(Clerk()))
        await until(lambda: True)
        ended = (await asyncio.wait({task}, timeout=1))[0]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return bool(ended)

    assert not run(setting, listen)


def test_a_homeserver_that_is_not_there_is_tried_again(tmp_path: Path) -> None:
    from tests.fakes.synapse import synapse

    with synapse(tmp_path / "own") as own:
        setting = setting_on(own, tmp_path / "device")
        clerk = Clerk()

        async def ask(matrix: Matrix) -> None:
            async with listening(matrix, clerk):
                own.stop()
                with pytest.raises(Unavailable):
                    await matrix.send(setting.room, POST, "key")
                await asyncio.to_thread(own.start)
                await matrix.send(setting.room, POST, "key")
                await asyncio.to_thread(setting.mia.say, setting.room, "!help")
                await until(lambda: clerk.asked)

        run(setting, ask)
    assert [one.text for one in clerk.asked] == ["/help"]


def test_before_the_first_post_it_tells_whether_all_is_well(setting: Setting, homeserver: Synapse) -> None:
    muted, elsewhere = setting.mia.make_room(setting.user, encrypted=True), homeserver.person("ben").make_room()
    setting.user.join(muted)
    alias = f"#{setting.mia.id[1:].partition(':')[0]}:test.example"
    setting.mia.call("PUT", f"directory/room/{alias.replace('#', '%23')}", {"room_id": setting.room})
    setting.mia.set_state(muted, "m.room.power_levels", {"events": {"m.room.encrypted": 50}})

    def check() -> list[tuple[str, bool, str]]:
        async def asked() -> list[tuple[str, bool, str]]:
            outside = seen_from_outside(setting.folder, WORDS, utc_now)
            try:
                found = await outside.check([setting.room, muted, elsewhere, alias, "#nowhere:test.example", "#odd"])
            finally:
                await outside.close()
            return [(one.what, one.well, one.said.partition(";")[0]) for one in found]

        return asyncio.run(asked())

    with bot(setting.folder):  # somebody else has the device
        assert check() == [
            ("token matrix", True, setting.device.user),
            (f"room matrix/{setting.room}", True, "we may post there"),
            (f"room matrix/{muted}", False, "we may not post there"),
            (f"room matrix/{elsewhere}", False, "we are not in it"),
            (f"room matrix/{alias}", True, "we may post there"),
            ("room matrix/#nowhere:test.example", False, "no room has this alias"),
            ("room matrix/#odd", False, "it cannot be asked for: HTTP 400 M_INVALID_PARAM Room alias invalid"),
        ]
    setting.user.call("POST", "logout", {})
    ((what, well, _),) = check()
    assert (what, well) == ("token matrix", False)


def test_the_device_is_made_once_for_its_owner_alone_and_used_by_one_process(setting: Setting) -> None:
    for path in (setting.folder, setting.folder / "device.json", setting.folder / "keys.sqlite3"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    with pytest.raises(Problem, match="there is a device already"):
        matrix_device.log_in(
            setting.folder, setting.device.homeserver, setting.device.user, PASSWORD, datetime.now(UTC)
        )
    with bot(setting.folder), pytest.raises(Busy), bot(setting.folder):
        pytest.fail("two on one device")


def test_who_cannot_log_in_is_told_why(homeserver: Synapse, tmp_path: Path) -> None:
    person = homeserver.person("bot")
    now = datetime.now(UTC)
    with pytest.raises(Problem, match="does not know this name with this password"):
        matrix_device.log_in(tmp_path / "a", homeserver.url, person.id, "wrong", now)
    with pytest.raises(Problem, match="cannot be reached"):
        matrix_device.log_in(tmp_path / "b", "http://127.0.0.1:9", person.id, PASSWORD, now)
    matrix_device.log_in(tmp_path / "c", homeserver.url, person.id, PASSWORD, now)
    with pytest.raises(Problem, match="somebody else has set up its signing keys"):
        matrix_device.log_in(tmp_path / "d", homeserver.url, person.id, PASSWORD, now)
    with pytest.raises(Problem, match="run `chatbot matrix-login`"), bot(tmp_path / "d"):
        pytest.fail("there is no device")
    assert eventually(lambda: len(person.call("GET", "devices")["devices"]) == 2)


@pytest.mark.parametrize(
    ("status", "body", "found"),
    [
        (404, "no such page", "http://{here}"),
        (200, '{"m.homeserver": {"base_url": "http://matrix.corp.example/"}}', "http://matrix.corp.example"),
        (200, '{"m.homeserver": {"base_url": "ftp://corp.example"}}', None),
        (200, '{"m.homeserver": {"base_url": 7}}', None),
        (200, '{"m.homeserver": []}', None),
        (200, "{}", None),
        (200, "<html>", None),
        (500, '{"m.homeserver": {"base_url": "http://matrix.corp.example"}}', None),
    ],
)
def test_a_homeserver_is_found_by_its_name(status: int, body: str, found: str | None) -> None:
    class Pages(Handler):
        def do_GET(self) -> None:  # noqa: N802  # the library's name
            assert self.path == "/.well-known/matrix/client"
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        threading.Thread(target=server.serve_forever).start()
        here = f"127.0.0.1:{server.server_address[1]}"
        try:
            if found is None:
                with pytest.raises(DeliveryError):
                    asyncio.run(discovered(here, "http"))
            else:
                assert asyncio.run(discovered(here, "http")) == found.replace("{here}", here)
        finally:
            server.shutdown()
