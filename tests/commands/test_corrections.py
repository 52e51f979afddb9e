"""What a maintainer says of postings: it is kept, it is listed, and it wins, for whoever asks."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import Engine, event, insert, select

from chatbot.errors import Unavailable
from chatbot.store import tables
from chatbot.store.corrections import Corrections
from chatbot.store.database import reading, writing
from chatbot.store.following import Following
from chatbot.store.index import Index
from chatbot.store.removal import forget
from chatbot.store.spent import spent
from chatbot.store.standings import Home, Kept
from chatbot.store.words import key_of
from tests.conftest import NOON, add, answered, compose, context_of, read_one, thread

Ask = Callable[..., str]
# Three versions of a series; two of chips whose names differ, which no evidence joins; a series of another author's.
FILTER, CHIPS, LETTER = "lineage-same-author-and-title", "lineage-model-names-differ", "series-letter-without-brackets"
V1, V2, V3 = (f"{letter}0@{FILTER}.example" for letter in "abc")
V4H, V4M = (f"{number}@{CHIPS}.example" for number in (1, 2))
WHY = "mm: Say why a filter refuses"
H, M = (f"arm64: dts: renesas: Add the display unit of R-Car {chip}" for chip in ("V4H", "V4M"))


@pytest.fixture
def ask(engine: Engine) -> Ask:
    """Asks, each time a minute later."""
    others = [
        compose("[PATCH] net: Say when a link is up", 1),
        compose("Re: [PATCH v2 1/2] mm/filter: Name the reason", 2, in_reply_to=f"<b1@{FILTER}.example>"),
        compose("Hello", 3),
        compose("[GIT PULL] mm fixes", 4),
    ]
    mails = [mail for name in (FILTER, CHIPS, LETTER) for mail in thread(name)]
    add(Index(engine), "kvm", *mails, *map(read_one, others))
    return asking(engine)


def asking(engine: Engine) -> Ask:
    minutes = count()

    def ask(text: str, asker: str = "mia") -> str:
        now = NOON + timedelta(days=10, minutes=next(minutes))
        context = context_of(engine, now=now, asker=asker)
        return answered(f"/series {text}", context)

    return ask


def versions(shown: str) -> list[str]:
    """The versions of a timeline; nothing where there is but one, the first."""
    lines = shown.partition("\nVersions\n")[2].partition("\n\n")[0].splitlines()
    return [line.split()[0] for line in lines if line.startswith("  v")]


def test_what_is_linked_is_one_series_for_everyone_from_either_side(ask: Ask) -> None:
    assert versions(ask(V4M)) == ["v5"]
    shown = ask(f"link <{V4M}> https://lore.kernel.org/all/{V4H}/T/#u")
    assert shown.splitlines()[0] == (
        f"Linked for everyone: v5 of {M} and v4 of {H}. To take it back: /series unlink {V4M} {V4H}"
    )
    assert f"\n\n{M}\n  v5 · " in shown
    for asked in (shown, *(ask(one, "somebody else") for one in (V4H, V4M))):
        assert versions(asked) == ["v4", "v5"]
        assert "  by mia\n" in asked


def test_links_by_hand_lead_on_to_what_is_linked_there(ask: Ask) -> None:
    """What shares nothing with a series is read because somebody has said so, with all its versions."""
    ask(f"link {V4M} {V4H}")
    assert sorted(versions(ask(f"link m1@sample.example {V4H}"))) == ["v1", "v4", "v5"]
    shown = ask(f"link a1@{FILTER}.example m1@sample.example")
    assert sorted(versions(shown)) == ["v1", "v1", "v2", "v3", "v4", "v5"]
    for one in (V4M, "m1@sample.example", V2):
        assert sorted(versions(ask(one))) == ["v1", "v1", "v2", "v3", "v4", "v5"]


def test_what_is_unlinked_is_parted_from_the_version_before_it_or_from_the_one_that_is_named(ask: Ask) -> None:
    assert versions(ask(V3)) == ["v1", "v2", "v3"]
    shown = ask(f"unlink {V3}")
    assert shown.startswith(
        f"Parted for everyone: v3 of mm: say why a filter refuses and v2 of {WHY}. To take it back:"
    )
    assert versions(shown) == ["v3"]
    assert versions(ask(V2)) == ["v1", "v2"]
    ask(f"link {V3} {V2}")
    assert versions(ask(f"UNLINK b1@{FILTER}.example {V1}")) != ["v1", "v2", "v3"]
    assert versions(ask(V1)) in ([], ["v1", "v3"])


def test_the_contrary_takes_it_back_and_who_says_it_again_says_nothing_new(ask: Ask, engine: Engine) -> None:
    back = ask(f"unlink {V3}").partition("To take it back: /series ")[2].splitlines()[0]
    assert versions(ask(back, "henrik")) == ["v1", "v2", "v3"]
    again = ask(back)
    assert f" and v2 of {WHY} (henrik has said so before). To take it back: /series unlink {V3} {V2}\n" in again
    assert versions(again) == ["v1", "v2", "v3"]
    assert [(one.together, one.by) for one in Corrections(engine).all()] == [(False, "mia"), (True, "henrik")]


def test_what_the_mails_say_already_is_kept_for_the_day_when_they_do_not(ask: Ask, engine: Engine) -> None:
    assert f"{WHY} (they were together already, and will stay so). " in ask(f"link {V1} {V2}")
    assert f"{H} (they were apart already, and will stay so). " in ask(f"unlink {V4M} {V4H}")
    assert len(Corrections(engine).all()) == 2


def test_a_correction_that_others_stand_against_says_so(ask: Ask) -> None:
    ask(f"unlink {V4M} {V4H}")
    ask(f"link {V4M} {V1}")
    assert "(other corrections keep them apart: see /series corrections)" in ask(f"link {V4H} {V1}")


def test_a_posting_is_known_by_any_of_its_mails_its_replies_and_the_letter_that_opened_it(ask: Ask) -> None:
    assert f"Linked for everyone: v2 of {WHY} and v3 of say why filters refuse v3." in ask(
        f"link m2@sample.example 0@{LETTER}.example"
    )


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("link nobody@x.example {V1}", "nobody@x.example: I know no series with this mail; name a Message-ID or link that /series finds."),
        ("unlink {V1} m3@sample.example", "m3@sample.example: I know no series with this mail; name a Message-ID or link that /series finds."),
        ("link {V1}", "{V1}: it takes two postings to link them; name a mail of each: /series link A B."),
        ("unlink {V1}", "{V1}: this follows no other posting that I know; name a mail of each: /series unlink A B."),
        ("link {V1} m4@sample.example", "m4@sample.example: this is a pull request, mm fixes; name a mail of a patch series."),
        ("link {V1} a2@{FILTER}.example", "{V1} and a2@{FILTER}.example: both are of one posting, v1 of {WHY}; name a mail of another."),
    ],
)  # fmt: skip
def test_what_cannot_be_corrected_is_told_with_the_reason(ask: Ask, engine: Engine, typed: str, said: str) -> None:
    names = {"V1": V1, "FILTER": FILTER, "WHY": WHY}
    assert ask(typed.format(**names)) == f"{said.format(**names)}\n"
    assert Corrections(engine).all() == ()


@pytest.mark.parametrize(
    "words", ["link", "link up", "say link", "unlink link", f"link {V1} {V2} {V3}", "corrections x"]
)
def test_words_that_name_no_postings_are_looked_for(ask: Ask, engine: Engine, words: str) -> None:
    found = (
        "net: Say when a link is up\n"
        if words in ("link", "link up", "say link")
        else f"No series matches {words[:40]}"
    )
    assert ask(words).startswith(found)
    assert Corrections(engine).all() == ()


def test_corrections_are_listed_with_who_said_them_and_what_takes_them_back(ask: Ask) -> None:
    assert ask("corrections") == "Nobody has corrected anything: versions are what the mails say.\n"
    ask(f"link {V4M} {V4H}")
    ask(f"unlink {V3} {V2}", "\x1b[31mhenrik")
    ask(f"unlink {V4H} {V4M}", "emi")
    assert ask(" Corrections ").splitlines() == [
        f"2025-11-13 12:03  emi  v4 of {H} is apart from v5 of {M}",
        f"    to take it back: /series link {V4H} {V4M}",
        f"2025-11-13 12:02  [31mhenrik  v3 of mm: say why a filter refuses is apart from v2 of {WHY}",
        f"    to take it back: /series link {V3} {V2}",
        f"2025-11-13 12:01  mia  v5 of {M} belongs to v4 of {H}",
        "    it holds no more: the contrary was said",
    ]


def test_a_correction_outlives_a_mail_that_is_taken_out(ask: Ask, engine: Engine) -> None:
    ask(f"link {V4M} {V4H}")
    row = select(tables.seen.c.list_id, tables.seen.c.id).join(tables.mail, tables.mail.c.id == tables.seen.c.mail_id)
    with writing(engine) as connection:
        forget(connection, *connection.execute(row.where(tables.mail.c.message_id == V4H)).one())
    assert f"  mia  v5 of {M} belongs to {V4H}\n    to take it back: /series unlink {V4M} {V4H}\n" in ask("corrections")
    assert versions(ask(V4M)) == ["v5"]
    add(Index(engine), "linux-coco", *thread(CHIPS)[:1])
    assert versions(ask(V4M)) == ["v4", "v5"]


def test_what_was_worked_out_of_both_lineages_is_worked_out_anew(ask: Ask, engine: Engine) -> None:
    """And nothing of other lineages."""
    mail, standing = tables.mail.c, tables.standing.c
    with writing(engine) as connection:
        ids = {
            name: connection.execute(select(mail.id).where(mail.key == key_of(name))).scalar_one()
            for name in (V1, V2, V3, V4H, V4M)
        }
        belonging = [{"mail_id": one, **Home(one, own=True)._asdict()} for one in ids.values()]
        connection.execute(insert(tables.belongs), belonging)
        lineages = {V1: V1, V2: V1, V3: V3, V4H: V4H, V4M: V4M}
        rows = [Kept(ids[one], ids[first], document=b"kept")._asdict() for one, first in lineages.items()]
        connection.execute(insert(tables.standing), rows)
    ask(f"link {V2} {V4H}")
    with reading(engine) as connection:
        kept = select(standing.head_id).where(standing.document == b"kept")
        assert set(connection.execute(kept).scalars()) == {ids[V4M]}
        assert spent(connection) == []
        (lineage,) = set(connection.execute(select(standing.lineage_id).where(standing.document != b"kept")).scalars())
        assert lineage in {ids[V1], ids[V2]}


def test_a_correction_is_written_down_though_nobody_can_follow_it_now(
    ask: Ask, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> None:
        raise Unavailable("somebody writes")

    monkeypatch.setattr(Following, "renew", busy)
    assert "could not" not in ask(f"link {V2} {V4H}")
    assert len(Corrections(engine).all()) == 1


@pytest.fixture
def impatient(sqlite: Engine) -> Engine:
    """A database that does not wait for who writes to it."""
    add(Index(sqlite), "kvm", *thread(CHIPS))
    sqlite.dispose()
    event.listen(sqlite, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout=0"))
    return sqlite


def test_a_correction_that_cannot_be_written_down_is_not_lost_in_silence(impatient: Engine) -> None:
    ask = asking(impatient)
    with closing(sqlite3.connect(str(impatient.url.database), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert ask(f"link {V4M} {V4H}") == (
            f"/series link {V4M} {V4H}: it could not be written down (the database: database is locked); say it again.\n"
        )
        assert ask("corrections").startswith("Nobody has corrected anything")
    assert ask(f"link {V4M} {V4H}").startswith("Linked for everyone: ")
