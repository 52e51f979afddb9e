"""What goes wrong between the bot and its homeserver, and what becomes of a post then."""

import asyncio
import json
import selectors
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chatbot.chat import matrix_device
from chatbot.chat.matrix import Matrix
from chatbot.chat.matrix_pace import Pace
from chatbot.chat.post import File, Post
from chatbot.errors import DeliveryError, Unauthorized, Unavailable, Unknown
from tests.chat.test_matrix import POST, Setting, run, setting_on
from tests.fakes.matrix import Clerk, Reader, listening, until
from tests.fakes.proxy import Proxy, proxy
from tests.fakes.synapse import Synapse, synapse


@pytest.fixture
def between(homeserver: Synapse) -> Iterator[Proxy]:
    with proxy(homeserver.port) as made:
        yield made


def behind(between: Proxy, homeserver: Synapse, folder: Path, **more: object) -> Setting:
    """A setting whose bot talks to the proxy."""
    setting = setting_on(homeserver, folder, **more)
    setting.device = replace(setting.device, homeserver=between.url)
    matrix_device.save(folder, setting.device)
    return setting


def times(path: str, fault: str) -> list[tuple[str, str]]:
    """aiohttp itself says once more what may be said twice, where a connection breaks."""
    return [(path, fault)] * (2 if "resets" in fault and "keys" not in path else 1)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("refuses", Unknown),
        ("too many", Unavailable),
        ("500 before", Unknown),
        ("500 after", Unknown),
        ("page before", Unknown),
        ("resets before", Unknown),
        ("resets after", Unknown),
        ("truncates", Unknown),
        ("nonsense", Unknown),
    ],
)
@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "encrypted"])
def test_whatever_goes_wrong_is_one_of_our_errors_and_the_second_attempt_is_shown_once(
    between: Proxy, homeserver: Synapse, tmp_path: Path, fault: str, error: type[DeliveryError], *, encrypted: bool
) -> None:
    setting = behind(between, homeserver, tmp_path / "device", encrypted=encrypted)

    async def send(matrix: Matrix) -> None:
        between.faults += times("/send/", fault)
        with pytest.raises(DeliveryError) as caught:
            await matrix.send(setting.room, POST, "key")
        assert type(caught.value) is error
        await matrix.send(setting.room, POST, "key")

    run(setting, send)
    assert len(setting.heard(kind="m.room.encrypted" if encrypted else "m.room.message")) == 1


STEPS = ["m.room.encryption", "joined_members", "keys/query", "keys/claim", "sendToDevice"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("fault", ["500 before", "500 after", "too many", "truncates", "resets before"])
def test_keys_that_do_not_reach_everybody_are_an_error_and_come_with_the_next_attempt(
    between: Proxy, homeserver: Synapse, tmp_path: Path, step: str, fault: str
) -> None:
    setting = behind(between, homeserver, tmp_path / "device", encrypted=True)

    async def send(matrix: Matrix) -> None:
        mia = Reader(setting.mia, tmp_path / "mia")
        try:
            await mia.sync()
            between.faults += times(step, fault)
            with pytest.raises((Unknown, Unavailable)):
                await matrix.send(setting.room, POST, "key")
            assert not setting.heard()
            await matrix.send(setting.room, POST, "key")
            await matrix.send(setting.room, Post("matrix", "<p>two</p>"), "two")
            assert len(await mia.hears(setting.device.user, 2)) == 2
            assert not mia.unread
        finally:
            await mia.close()

    run(setting, send)
    assert not between.faults


def test_the_stream_goes_on_after_faults_and_answers_each_command_once(
    between: Proxy, homeserver: Synapse, tmp_path: Path
) -> None:
    setting, clerk = behind(between, homeserver, tmp_path / "device"), Clerk()

    async def ask(matrix: Matrix) -> None:
        async with listening(matrix, clerk):
            for number, fault in enumerate(("500 before", "truncates", "nonsense", "resets after", "too many"), 1):
                between.faults += [("/sync", fault), ("/send/m.room.message", fault)]
                setting.mia.say(setting.room, f"!series {number}")
                await until(lambda number=number: len(setting.heard()) >= number)

    run(setting, ask)
    assert [one.text for one in clerk.asked] == [f"/series {number}" for number in range(1, 6)]
    assert setting.bodies() == [f"you asked !series {number}" for number in range(1, 6)]


def test_a_homeserver_that_limits_is_sent_no_more_than_it_takes(tmp_path: Path) -> None:
    limits = {"per_second": 0.4, "burst_count": 3}
    with synapse(tmp_path / "own", limits) as own:
        setting, refused = setting_on(own, tmp_path / "device"), []

        async def send(matrix: Matrix) -> None:
            for number in range(8):
                post = Post("matrix", f"<p>{number}</p>")
                try:
                    await matrix.send(setting.room, post, f"{number}")
                except Unavailable as error:
                    refused.append(error.after)
                    await matrix.send(setting.room, post, f"{number}")

        run(setting, send)
        assert setting.bodies() == [str(number) for number in range(8)]
        assert 0 < len(refused) < 4  # of five that come too early
        assert all(refused)


def test_a_chart_is_uploaded_once_however_often_its_post_is_tried(
    between: Proxy, homeserver: Synapse, tmp_path: Path
) -> None:
    setting = behind(between, homeserver, tmp_path / "device")
    post = replace(POST, file=File("x.png", b"\x89PNG", "image/png", (4, 2)))

    async def send(matrix: Matrix) -> None:
        between.faults += [("/media/v3/upload", "behaves")] * 2 + [("/send/m.room.message", "500 before")]
        with pytest.raises(Unknown):
            await matrix.send(setting.room, post, "key")
        await matrix.send(setting.room, post, "key")

    run(setting, send)
    assert len(between.faults) == len(setting.heard()) == 1


class Hasty(selectors.DefaultSelector):
    """Nobody waits: it is later at once."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        self.now += timeout or 0.0
        return super().select(0)


class Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.clock = Hasty()
        super().__init__(self.clock)

    def time(self) -> float:
        return self.clock.now


@pytest.mark.parametrize("every", [5.0, 0.5])
def test_a_burst_is_slowed_down_once_and_the_pace_comes_back(every: float) -> None:
    """As Synapse counts: ten at once, then one in so many seconds; what came too early is not counted."""
    pace, level, counted, refused = Pace(), 0.0, 0.0, 0

    async def send() -> None:
        nonlocal level, counted, refused
        while True:
            began = await pace.turn()
            now = asyncio.get_running_loop().time()
            level, counted = max(0.0, level - (now - counted) / every), now
            early = (level - 9) * every
            level += early <= 0.001
            await asyncio.sleep(0.2)
            if early <= 0.001:
                pace.went()
                return
            refused += 1
            pace.slow_down(began, early)
            await asyncio.sleep(early)

    async def burst(count: int) -> float:
        begin = asyncio.get_running_loop().time()
        await asyncio.gather(*(send() for _ in range(count)))
        return asyncio.get_running_loop().time() - begin

    with asyncio.Runner(loop_factory=Loop) as runner:
        assert runner.run(burst(25)) < 2 * 15 * every
        runner.run(burst(100))
        before, every = refused, 0.001
        for _ in range(12):
            runner.run(burst(20))
        assert runner.run(burst(10)) < 5
        assert refused == before < 50  # of which 15 are of the first moment


def test_a_homeserver_that_stumbles_does_not_hide_that_a_room_goes_on(
    between: Proxy, homeserver: Synapse, tmp_path: Path
) -> None:
    setting, moves = behind(between, homeserver, tmp_path / "device"), list[tuple[str, str]]()

    async def moved(old: str, new: str) -> None:
        moves.append((old, new))

    async def come(matrix: Matrix) -> None:
        said = setting.mia.call("POST", f"rooms/{setting.room}/upgrade", {"new_version": "12"})
        async with listening(matrix, Clerk()):
            between.faults += [("m.room.create", "500 before"), ("m.room.tombstone", "too many")]
            setting.mia.call("POST", f"rooms/{said['replacement_room']}/invite", {"user_id": setting.device.user})
            await until(lambda: moves)
        assert set(moves) == {(setting.room, said["replacement_room"])}

    run(setting, come, moved=moved)
    assert not between.faults


def test_what_the_homeserver_calls_an_unknown_token_is_no_reason_to_forget_it(
    between: Proxy, homeserver: Synapse, tmp_path: Path
) -> None:
    setting = behind(between, homeserver, tmp_path / "device")
    setting.user.call("POST", "logout", {})
    for _ in range(2):
        with pytest.raises(Unauthorized):
            run(setting, lambda matrix: matrix.send(setting.room, POST, "key"))
    assert json.loads((setting.folder / "device.json").read_text())["token"] == setting.device.token
