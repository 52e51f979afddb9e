"""Reading and parsing, beside git alone and the standard library; and digests straight from an archive, cold."""

import email
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial

from chatbot.read import read, received
from chatbot.sources.public_inbox import PublicInbox
from chatbot.sources.source import RawMail
from tests.bench.figures import Figure, Times, Way
from tests.bench.memory import peaks
from tests.bench.setting import Setting, git_alone, quietly

GIT = "git rev-list | git cat-file"
# As an installed program runs: from bytecode, whatever the environment of the bench says of writing it.
PYTHON = ("env", "PYTHONDONTWRITEBYTECODE=", sys.executable)
CHATBOT = (*PYTHON, "-m", "chatbot")
IMPORTS, SAME_RANGE, DAY = "python -c 'import email, jinja2'", "git alone, that day", "chatbot digest of a day, cold"


def figures(setting: Setting) -> Iterator[Figure]:
    """Of the real archive."""
    with PublicInbox("bench", setting.real) as inbox:
        raws = list(inbox.mails(inbox.everything()))
        yield from _whole(setting, inbox, raws)
    yield from _cold(setting, raws)
    for name, work in MEMORY.items():
        found = peaks([sys.executable, "-c", PREPARATION.format(work=work), str(setting.real)])
        yield Figure(f"{name}: largest process of ours", found.ours, "MiB")
        yield Figure(f"{name}: largest git", found.git, "MiB")


def _whole(setting: Setting, inbox: PublicInbox, raws: list[RawMail]) -> Iterator[Figure]:
    """All mails, several ways."""
    ways = [
        Way(GIT, partial(quietly, git_alone(setting.real))),
        Way("read", lambda: sum(1 for _ in inbox.mails(inbox.everything()))),
        Way("read and parse", lambda: sum(bool(read(raw)) for raw in inbox.mails(inbox.everything()))),
        Way("parse", lambda: sum(bool(read(raw)) for raw in raws)),
        Way(
            "parse, standard library, structure only",
            lambda: sum(bool(email.message_from_bytes(raw.data)) for raw in raws),
        ),
    ]
    times = Times(ways, setting.rounds)
    for way in ways:
        yield Figure(f"{way.name}, a mail", 1e6 * times.seconds(way.name) / len(raws), "µs")
    for way in ways[1:]:
        yield Figure(f"{way.name} / git", times.ratio(way.name, GIT), "x")


def _cold(setting: Setting, raws: list[RawMail]) -> Iterator[Figure]:
    """From the start of a process to its end. A day is compared with what no digest can do without."""
    day, commits = busy_day(raws)
    newest = max(received(raw) for raw in raws[-200:])
    digest = [*CHATBOT, "digest", "--archive", str(setting.real), "--face", "classic"]
    ways = [
        Way("chatbot --help, cold", partial(quietly, [*CHATBOT, "--help"])),
        Way("chatbot digest of the last 50 mails, cold", partial(quietly, [*digest, "--last", "50"])),
        Way(
            "chatbot digest of the last week, cold",
            partial(quietly, [*digest, "--since", (newest - timedelta(days=7)).isoformat()]),
        ),
        Way(IMPORTS, partial(quietly, [*PYTHON, "-c", "import email, jinja2"])),
        Way(SAME_RANGE, partial(quietly, git_alone(setting.real, commits))),
        Way(DAY, partial(quietly, [*digest, "--since", f"{day}", "--until", f"{day + timedelta(days=1)}"])),
        Way(f"{DAY}, by its commits", partial(quietly, [*digest, commits])),
    ]
    for way in ways:
        way.work()  # which writes the bytecode
    times = Times(ways, setting.rounds)
    for way in ways:
        yield Figure(way.name, 1000 * times.seconds(way.name), "ms")
    for name in (DAY, f"{DAY}, by its commits"):
        yield Figure(f"{name} / (imports + git)", times.ratio(name, IMPORTS, SAME_RANGE), "x", goal=3)


def busy_day(raws: list[RawMail]) -> tuple[date, str]:
    """The busiest of the last thirty days that have mails, and the commits that hold it."""
    days: dict[date, list[int]] = defaultdict(list)
    for place, raw in enumerate(raws):
        days[received(raw).date()].append(place)
    day = max(sorted(days)[-30:], key=lambda day: len(days[day]))
    first, last = min(days[day]), max(days[day])
    return day, f"{raws[max(first - 1, 0)].commit.id}..{raws[last].commit.id}"


# What processes of their own do, to be asked for their memory.
MEMORY = {
    "every mail read and let go": "for raw in inbox.mails(inbox.everything()): read(raw)",
    "the digest of the whole archive": (
        "mails = [read(raw)[1] for raw in inbox.mails(inbox.everything())]; "
        "build(MailingList('a', 'a', ''), Window(), letters_of(mails), People(), mails[-1].received)"
    ),
}
PREPARATION = """
import sys
from pathlib import Path
from chatbot.read import read
from chatbot.mail.chronicle import letters_of
from chatbot.mail.people import People
from chatbot.report.assembly import build
from chatbot.report.digest import MailingList
from chatbot.report.window import Window
from chatbot.sources.public_inbox import PublicInbox
with PublicInbox("bench", Path(sys.argv[1])) as inbox:
    {work}
"""
