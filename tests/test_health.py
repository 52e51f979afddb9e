"""What a supervisor asks, over real sockets, and what strangers send there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from chatbot import health
from chatbot.errors import BadConfig
from chatbot.health import LONGEST, open_pages, pages_of
from chatbot.ledger import Missing
from chatbot.store.delivery import Waiting
from chatbot.vitals import Vitals
from tests.conftest import NOON

MINUTE = timedelta(minutes=1)


@asynccontextmanager
async def shown(vitals: Vitals, now: datetime) -> AsyncIterator[int]:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = int(server.sockets[0].getsockname()[1])
    server.close()
    await server.wait_closed()
    async with open_pages(port, pages_of(vitals, lambda: now)):
        yield port


async def asked(port: int, request: bytes, *, end: bool = False) -> bytes:
    """What comes back until they hang up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        if end:
            writer.write_eof()
        async with asyncio.timeout(3):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


def get(vitals: Vitals, path: str, now: datetime = NOON) -> tuple[str, str]:
    """The status and the text of a page."""

    async def ask() -> bytes:
        async with shown(vitals, now) as port:
            return await asked(port, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    head, _, body = asyncio.run(ask()).decode().partition("\r\n\r\n")
    return head.split("\r\n")[0].removeprefix("HTTP/1.1 "), body


def test_it_lives_while_there_are_signs_of_life_in_three_refreshes() -> None:
    vitals = Vitals(NOON, MINUTE)
    assert get(vitals, "/healthz", NOON + 3 * MINUTE) == ("200 OK", "ok\n")
    assert get(vitals, "/healthz", NOON + 4 * MINUTE)[0] == "503 Service Unavailable"


def test_it_is_ready_when_it_listens_and_has_ticked() -> None:
    vitals = Vitals(NOON, MINUTE, connected=True)
    assert get(vitals, "/readyz")[0] == "503 Service Unavailable"
    vitals.ticked = NOON
    assert get(vitals, "/readyz")[0] == "200 OK"


def test_the_metrics_say_how_it_is() -> None:
    vitals = Vitals(NOON, MINUTE, ticked=NOON, took=timedelta(seconds=2), read={"kvm": NOON - MINUTE})
    vitals.wait([Waiting(1, "slack", NOON - MINUTE), Waiting(2, "slack", NOON)], NOON)
    # A minute later the first was tried, and is due again in an hour: it waits since it was first due.
    vitals.wait([Waiting(1, "slack", NOON + 60 * MINUTE), Waiting(2, "slack", NOON)], NOON + MINUTE)
    vitals.sends["slack", "arrived"] += 3
    vitals.answered("series", 0.02)
    vitals.answered("series", 70)
    vitals.missing = (Missing("slack/room/kvm", NOON),)
    status, text = get(vitals, "/metrics", NOON + MINUTE)
    lines = {line for line in text.splitlines() if not line.startswith("#")}
    assert status == "200 OK"
    assert {
        'chatbot_queue_posts{platform="slack"} 2.0',
        'chatbot_queue_age_seconds{platform="slack"} 120.0',
        'chatbot_sends_total{platform="slack",result="arrived"} 3.0',
        'chatbot_ingest_lag_seconds{list="kvm"} 120.0',
        'chatbot_command_seconds_bucket{command="series",le="0.01"} 0.0',
        'chatbot_command_seconds_bucket{command="series",le="0.03"} 1.0',
        'chatbot_command_seconds_bucket{command="series",le="+Inf"} 2.0',
        'chatbot_command_seconds_count{command="series"} 2.0',
        'chatbot_command_seconds_sum{command="series"} 70.02',
        "chatbot_digests_missing 1.0",
        f"chatbot_tick_timestamp_seconds {NOON.astimezone(UTC).timestamp()!r}",
        "chatbot_tick_seconds 2.0",
    } <= {line.replace("1.7621712e+09", "1762171200.0") for line in lines}
    assert "python_info" not in text


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /nowhere HTTP/1.1\r\n\r\n", b"404 Not Found"),
        (b"POST /metrics HTTP/1.1\r\nContent-Length: 9\r\n\r\n", b"405 Method Not Allowed"),
        (b"GET /healthz HTTP/1.0\r\n\r\n", b"200 OK"),
        (b"HEAD /healthz?x=1 HTTP/1.1\r\n\r\n", b"200 OK"),
        (b"GET /healthz\r\n\r\n", b"400 Bad Request"),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", b"400 Bad Request"),
        (b"GET /\xff\x00 HTTP/1.1\r\n\r\n", b"404 Not Found"),
    ],
)
def test_odd_requests_get_their_answers(request_: bytes, status: bytes) -> None:
    async def ask() -> bytes:
        async with shown(Vitals(NOON, MINUTE), NOON) as port:
            return await asked(port, request_)

    assert asyncio.run(ask()).startswith(b"HTTP/1.1 " + status)


def test_long_slow_and_broken_requests_are_hung_up_on_and_hurt_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "SECONDS", 0.3)

    async def ask() -> list[bytes]:
        async with shown(Vitals(NOON, MINUTE), NOON) as port:
            good = b"GET /healthz HTTP/1.1\r\n\r\n"
            strange = [b"GET /" + b"x" * 10 * LONGEST, b"", b"GET /healthz HTT"]
            answers = list(await asyncio.gather(*(asked(port, one) for one in strange * 3)))
            answers.append(await asked(port, b"GET /he", end=True))
            # More at once than are let in: those that are hang up after their time, and the next is served.
            crowd = await asyncio.gather(*(asked(port, b"GET") for _ in range(3 * health.AT_ONCE)))
            return [*answers, *crowd, await asked(port, good)]

    *hung_up, last = asyncio.run(ask())
    assert set(hung_up) == {b""}
    assert last.endswith(b"\r\n\r\nok\n")


def test_a_port_that_is_taken_is_a_fault_of_the_config() -> None:
    async def twice() -> None:
        async with shown(Vitals(NOON, MINUTE), NOON) as port, open_pages(port, {}):
            pass

    with pytest.raises(BadConfig, match=r"^\[health\] port: \d+ cannot be had: .*; name another$"):
        asyncio.run(twice())
