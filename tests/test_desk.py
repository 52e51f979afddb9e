"""Where answers are worked out: so many at once, and for all who ask the same while it waits."""

import asyncio
import threading

import pytest

from chatbot import desk as module
from chatbot.answer import corrects, for_all
from chatbot.commands import COMMANDS
from chatbot.desk import AT_ONCE, Desk

PATIENCE = 10


class Work:
    """What is worked out: it begins, and ends when it may."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.gate = threading.Event()

    def on(self, name: str) -> str:
        """How many of this name have begun by then."""
        self.begun.append(name)
        found = f"{name} {self.begun.count(name)}"
        assert self.gate.wait(PATIENCE)
        return found


async def until_begun(work: Work, number: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while len(work.begun) < number:  # noqa: ASYNC110  # a thread tells no loop
            await asyncio.sleep(0.001)


def test_so_many_are_worked_out_at_once_and_the_first_comes_first() -> None:
    async def run() -> None:
        desk, work = Desk[str](), Work()
        asking = [asyncio.ensure_future(desk.ask(name, lambda name=name: work.on(name))) for name in "abcde"]
        await until_begun(work, AT_ONCE)
        await asyncio.sleep(0.05)
        assert sorted(work.begun) == ["a", "b"]
        work.gate.set()
        assert await asyncio.gather(*asking) == [f"{name} 1" for name in "abcde"]

    asyncio.run(run())


def test_a_crowd_with_one_question_is_given_one_answer_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOMENT", 0.05)

    async def run() -> None:
        desk, work = Desk[str](), Work()
        crowd = [asyncio.ensure_future(desk.ask("a", lambda: work.on("a"))) for _ in range(100)]
        await until_begun(work, 1)
        work.gate.set()
        assert set(await asyncio.gather(*crowd)) == {"a 1"}
        assert await desk.ask("a", lambda: work.on("a")) == "a 1"
        await asyncio.sleep(0.1)
        assert await desk.ask("a", lambda: work.on("a")) == "a 2"

    asyncio.run(run())


def test_who_asks_after_something_was_written_is_told_what_is_there_now() -> None:
    async def run() -> None:
        desk, work = Desk[str](), Work()
        before = asyncio.ensure_future(desk.ask("a", lambda: work.on("a")))
        await until_begun(work, 1)
        desk.forget()
        after = asyncio.ensure_future(desk.ask("a", lambda: work.on("a")))
        await asyncio.sleep(0)
        work.gate.set()
        assert (await before, await after) == ("a 1", "a 2")

    asyncio.run(run())


def test_not_more_answers_are_kept_than_memory_should_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 3)

    async def run() -> None:
        desk, work = Desk[str](), Work()
        work.gate.set()
        for name in "abcd":
            await desk.ask(name, lambda name=name: work.on(name))
        assert await desk.ask("b", lambda: work.on("b")) == "b 1"
        assert await desk.ask("a", lambda: work.on("a")) == "a 2"

    asyncio.run(run())


def test_what_is_large_is_shared_by_who_wait_for_it_and_not_kept() -> None:
    async def run() -> None:
        desk, work = Desk[str](lambda text: not text.startswith("large")), Work()
        work.gate.set()
        crowd = [desk.ask("large", lambda: work.on("large")) for _ in range(10)]
        assert set(await asyncio.gather(*crowd)) == {"large 1"}
        assert await desk.ask("large", lambda: work.on("large")) == "large 2"

    asyncio.run(run())


def test_what_has_no_question_is_worked_out_for_each() -> None:
    async def run() -> None:
        desk, work = Desk[str](), Work()
        work.gate.set()
        await asyncio.gather(*(desk.ask(None, lambda: work.on("a")) for _ in range(5)))
        assert work.begun == ["a"] * 5

    asyncio.run(run())


def test_whoever_goes_away_or_fails_leaves_the_others_theirs() -> None:
    async def run() -> None:
        desk, work = Desk[str](), Work()
        busy = [asyncio.ensure_future(desk.ask(name, lambda name=name: work.on(name))) for name in "ab"]
        await until_begun(work, AT_ONCE)
        first, other = (asyncio.ensure_future(desk.ask("c", lambda: work.on("c"))) for _ in range(2))
        failing = [asyncio.ensure_future(desk.ask("d", lambda: int("d") and "")) for _ in range(2)]
        await asyncio.sleep(0)
        first.cancel()
        work.gate.set()
        assert await other == "c 1"
        for one in failing:
            with pytest.raises(ValueError, match="'d'"):
                await one
        assert await desk.ask("d", lambda: "well again") == "well again"
        await asyncio.gather(*busy)

    asyncio.run(run())


def test_what_depends_on_the_room_or_on_who_asks_is_not_for_all() -> None:
    own = {"subscribe", "unsubscribe", "subscriptions", "pause", "resume", "watch", "why", "whynot"}
    assert {command.word for command in COMMANDS if not for_all(f"/{command.word} x")} == own
    assert for_all("")
    assert for_all("/series linking")
    for text in ("/series link a@b c@d", "/Series Unlink a@b", "/series\tunlink a@b"):
        assert (for_all(text), corrects(text)) == (False, True)
    assert not any(map(corrects, ("", "/series x link", "/subscribe kvm", "/link a b")))
    assert not for_all("/nonsense")
