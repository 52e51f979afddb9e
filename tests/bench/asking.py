"""How long people in Slack wait for an acknowledgement and for an answer, while many ask, and while one asks too much.

The bot runs here; Slack, the one of tests/fakes, in a process of its own. Everybody is another person.
"""

import asyncio
import math
import multiprocessing
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

from chatbot.app import bot, configure_log
from chatbot.chat.slack import Slack
from chatbot.chat.slack_entrance import Sockets
from chatbot.config import check_config
from chatbot.mail.people import People
from chatbot.run import run
from chatbot.settings import Config
from chatbot.store.database import open_database
from chatbot.store.search import Search
from chatbot.translate import people_of
from tests.bench.figures import Figure
from tests.bench.followed import follow_each
from tests.bench.setting import NAME, Setting
from tests.fakes import slack as fake

SECONDS = 30
# Seconds: Slack's own patience with an acknowledgement is 3.
ACKNOWLEDGED, ANSWERED = 0.3, 3.0
# For the last answers.
PATIENCE = 300
# Mails of the index, and of these the series, among the newest, and the busiest people that are asked for, in turn.
MAILS, SERIES, PEOPLE = 150_000, 20, 10
# Commands a second of many, those that one person adds, and how many different questions they ask. A crowd asks few: for
# the series that was announced. Of many at 200 a second nobody promises anything: each takes some 100 ms of a processor.
CROWD, ALL = 4, SERIES + PEOPLE + 2
LOADS = ((10, 0, ALL), (200, 0, CROWD), (10, 333, CROWD), (200, 0, ALL))
Asked = Sequence[tuple[str, str]]


def figures(setting: Setting) -> Iterator[Figure]:
    """Of a list as large as a busy one's last years."""
    configure_log("error")
    archive = setting.large(MAILS, "apart").absolute()
    store = setting.filled(archive, "sqlite")
    config = _config(archive, store)
    questions = _questions(store, people_of(config))
    for rate, flood, different in LOADS:
        acknowledged, answered = asyncio.run(_asked(config, rate, flood, questions[-different:]))
        how = f"{rate} commands a second, {different} questions" + (f", and {flood} of one person" if flood else "")
        promised = (rate, different) != (200, ALL)
        yield Figure(f"{how}: acknowledged, p99", _p99(acknowledged), "s", ACKNOWLEDGED if promised else None)
        yield Figure(f"{how}: answered, p99", _p99(answered), "s", ANSWERED if promised else None)


def _config(archive: Path, store: str) -> Config:
    settings = {
        "store": {"url": store},
        "platforms": {"slack": {}},
        "lists": [{"name": NAME, "archive": str(archive)}],
    }
    return check_config(settings, archive)


def _questions(store: str, people: People) -> Asked:
    engine = open_database(store)
    try:
        follow_each(engine, people)
        search = Search(engine)
        known = list(dict.fromkeys(search.titles()))
        titles = known[:: len(known) // SERIES][:SERIES]
        busiest = [address for _, address, _ in search.top_contributors(limit=PEOPLE)]
    finally:
        engine.dispose()
    series, persons = [("/series", title) for title in titles], [("/contributor", one) for one in busiest]
    few = [series.pop(SERIES // 2), persons.pop(0), ("/lore-help", ""), ("/lore", "subscriptions")]
    return [*series, *persons, *few]


def _p99(times: Sequence[float]) -> float:
    return sorted(times)[math.ceil(0.99 * len(times)) - 1]


async def _asked(config: Config, rate: int, flood: int, questions: Asked) -> tuple[list[float], list[float]]:
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_people, args=(there, rate, flood, questions))
    process.start()
    sockets = Sockets(fake.APP_TOKEN)
    slack = Slack(fake.BOT_TOKEN, sockets, lambda: datetime.now(UTC), api=f"{here.recv()}/api/")
    with bot(config, lambda: datetime.now(UTC), {"slack": slack}) as made:
        running = asyncio.ensure_future(run(made))
        try:
            found: tuple[list[float], list[float]] = await asyncio.to_thread(here.recv)
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
            process.terminate()
            process.join()
    return found


def _people(pipe: Connection, rate: int, flood: int, questions: Asked) -> None:
    asyncio.run(_ask(pipe, rate, flood, questions))


async def _ask(pipe: Connection, rate: int, flood: int, questions: Asked) -> None:
    async with fake.serving(fake.Slack()) as server:
        pipe.send(server.url)
        await server.connected.wait()
        await asyncio.sleep(2)  # the first tick
        begun: dict[str, float] = {}
        acknowledged: list[float] = []

        async def one(number: int) -> None:
            command, text = questions[number % len(questions)]
            person = f"U{number}"
            begun[person] = time.monotonic()
            await server.command(command, text, person=person)
            acknowledged.append(time.monotonic() - begun[person])

        async def too_much(_: int) -> None:
            await server.command("/lore-help", person="U0FLOOD")

        await asyncio.gather(_at(rate, one), _at(flood, too_much))
        until = time.monotonic() + PATIENCE
        while (  # noqa: ASYNC110  # of what another party does
            len({one.user for one in server.messages} - {"U0FLOOD"}) < len(begun) and time.monotonic() < until
        ):
            await asyncio.sleep(0.1)
        came = {one.user: one.at for one in reversed(server.messages)}
        pipe.send((acknowledged, [came.get(person, until) - at for person, at in begun.items()]))


async def _at(rate: int, ask: Callable[[int], Coroutine[None, None, None]]) -> None:
    """So many a second, whether they are answered or not."""
    start = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number in range(rate * SECONDS):
            await asyncio.sleep(max(0, start + number / rate - time.monotonic()))
            group.create_task(ask(number))
