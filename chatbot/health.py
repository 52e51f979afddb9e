"""What a supervisor asks: /healthz, /readyz and, in Prometheus' text format, /metrics; on the loopback alone.

Law of the file: nothing of a mail, a room or a person is told, and of a request only the first line counts. Who asks
too much, too slowly or with too many others is hung up on.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from chatbot.errors import BadConfig
from chatbot.vitals import BUCKETS, Vitals

HOST = "127.0.0.1"
# A request of Prometheus has some 300 bytes, and comes at once; it asks one at a time.
LONGEST, SECONDS, AT_ONCE = 4096, 5.0, 16
_TEXT = "text/plain; charset=utf-8"
_METRICS = "text/plain; version=0.0.4; charset=utf-8"

# A path's answer: a status and its reason, what kind of text, and the text.
Page = tuple[str, str, bytes]


class _Watched(Collector):
    def __init__(self, vitals: Vitals, now: Callable[[], datetime]) -> None:
        self._vitals, self._now = vitals, now

    def collect(self) -> Iterator[Metric]:
        """All of them, as of now."""
        vitals, now = self._vitals, self._now()
        posts = GaugeMetricFamily("chatbot_queue_posts", "Posts that wait to be sent.", labels=["platform"])
        age = GaugeMetricFamily("chatbot_queue_age_seconds", "How long the oldest has been due.", labels=["platform"])
        waiting = sorted(vitals.waiting.values(), key=lambda one: one[1], reverse=True)
        oldest = dict(waiting)
        for platform, count in Counter(platform for platform, _ in waiting).items():
            posts.add_metric([platform], count)
            age.add_metric([platform], (now - oldest[platform]).total_seconds())
        yield from (posts, age)
        parked = GaugeMetricFamily("chatbot_rooms_parked", "Rooms that take no posts.", labels=["platform"])
        for platform, count in vitals.parked.copy().items():
            parked.add_metric([platform], count)
        yield parked
        sends = CounterMetricFamily(
            "chatbot_sends", "Attempts to send, by how they ended.", labels=["platform", "result"]
        )
        for labels, count in vitals.sends.copy().items():
            sends.add_metric(labels, count)
        yield sends
        lag = GaugeMetricFamily(
            "chatbot_ingest_lag_seconds", "Since when the index may lack mails of the archive.", labels=["list"]
        )
        for name, read in vitals.read.copy().items():
            lag.add_metric([name], max(0.0, (now - read).total_seconds()))
        yield lag
        latency = HistogramMetricFamily("chatbot_command_seconds", "How long answers took.", labels=["command"])
        bounds = (*map(str, BUCKETS), "+Inf")
        for word, one in vitals.answers.copy().items():
            latency.add_metric([word], list(zip(bounds, accumulate(one.counts), strict=True)), one.seconds)
        yield latency
        yield GaugeMetricFamily("chatbot_digests_missing", "Digests that should have gone out.", len(vitals.missing))
        if vitals.ticked:
            yield GaugeMetricFamily("chatbot_tick_timestamp_seconds", "The last tick's end.", vitals.ticked.timestamp())
            yield GaugeMetricFamily("chatbot_tick_seconds", "How long it took.", vitals.took.total_seconds())


def pages_of(vitals: Vitals, now: Callable[[], datetime]) -> dict[str, Callable[[], Page]]:
    """The pages of a bot, by their paths."""
    registry = CollectorRegistry()  # the library's own would tell of the process and of Python, too
    registry.register(_Watched(vitals, now))

    def said(*, well: bool) -> Page:
        return ("200 OK", _TEXT, b"ok\n") if well else ("503 Service Unavailable", _TEXT, b"no\n")

    return {
        "/healthz": lambda: said(well=vitals.lives(now())),
        "/readyz": lambda: said(well=vitals.ready),
        "/metrics": lambda: ("200 OK", _METRICS, generate_latest(registry)),
    }


@asynccontextmanager
async def open_pages(port: int, pages: Mapping[str, Callable[[], Page]]) -> AsyncIterator[None]:
    """Show these pages on a port of the loopback while the block runs. Raises BadConfig where it is taken."""
    asking = 0

    async def show(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asking
        asking += 1
        try:
            with suppress(OSError, TimeoutError, ValueError, EOFError, asyncio.LimitOverrunError):
                async with asyncio.timeout(SECONDS):
                    if asking <= AT_ONCE:
                        request = await reader.readuntil(b"\r\n\r\n")
                        writer.write(_response(request, pages))
                        await writer.drain()
        finally:
            asking -= 1
            writer.transport.abort() if writer.transport.get_write_buffer_size() else writer.close()

    try:
        server = await asyncio.start_server(show, HOST, port, limit=LONGEST)
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadConfig((f"[health] port: {port} cannot be had: {reason}; name another",)) from error
    try:
        yield
    finally:
        server.close()


def _response(request: bytes, pages: Mapping[str, Callable[[], Page]]) -> bytes:
    method, path, version = (*request.partition(b"\r\n")[0].split(b" "), b"", b"", b"")[:3]
    page = pages.get(path.partition(b"?")[0].decode("latin-1"))
    if not version.startswith(b"HTTP/1."):
        status, kind, body = "400 Bad Request", _TEXT, b"this is no HTTP/1\n"
    elif method not in (b"GET", b"HEAD"):
        status, kind, body = "405 Method Not Allowed", _TEXT, b"GET it\n"
    elif page is None:
        status, kind, body = "404 Not Found", _TEXT, f"there is {', '.join(pages)}\n".encode()
    else:
        status, kind, body = page()
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + (b"" if method == b"HEAD" else body)
