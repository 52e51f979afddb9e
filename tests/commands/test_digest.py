"""/digest with ids: digests shown again, and what is new between two of them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select

from chatbot.answer import answer
from chatbot.chat.styled import DIALECT, plain_text
from chatbot.mail.mail import Mail
from chatbot.mail.people import People
from chatbot.report.digest import MailingList
from chatbot.report.render import Renderer
from chatbot.store import tables
from chatbot.store.database import reading
from chatbot.store.following import Following
from chatbot.store.index import Index
from chatbot.store.stretches import Shown, Stretch, Stretches
from tests.conftest import NOON, add, answered, compose, context_of, read_one

Ask = Callable[[str], str]
KVM = {"kvm": MailingList("kvm", "KVM", "https://lore.example/kvm/")}
ANA, BO, MIA, CY = "Ana <ana@a.example>", "Bo <bo@b.example>", "Mia <mia@m.example>", "Cy <cy@c.example>"
DI, EVA, FAY = "Di <di@d.example>", "Eva <eva@e.example>", "Fay <fay@f.example>"
# Mondays.
MONDAY = NOON.replace(hour=0)
NOW = MONDAY + timedelta(days=30)
EARLIER, LATER = "/digest kvm 2025-11-03 2025-11-10", "/digest kvm 2025-11-03 2025-11-14"


def sent(number: int, day: float, subject: str, sender: str = ANA, body: str = "Log.\n", **fields: str) -> Mail:
    mail = read_one(compose(subject, number, body, sender, **fields))
    return replace(mail, received=MONDAY + timedelta(days=day))


def below(number: int) -> dict[str, str]:
    return {"in_reply_to": f"<m{number}@sample.example>"}


WEEK = (
    sent(1, 0.5, "[PATCH] silent"),
    sent(2, 0.5, "[PATCH] reviewed", BO),
    sent(3, 5.5, "Re: reviewed", MIA, "Acked-by: Mia <mia@m.example>\n", **below(2)),
    sent(4, 1.5, "[PATCH] refused", CY),
    sent(5, 1.6, "Re: refused", MIA, "NAK.\n", **below(4)),
    sent(6, 2.5, "[PATCH 1/2] incomplete", DI),
)
NEXT_WEEK = (
    sent(11, 7.5, "Re: reviewed", MIA, "Applied, thanks!\n", **below(2)),
    sent(12, 7.6, "Re: refused", MIA, "Reviewed-by: Mia <mia@m.example>\n", **below(4)),
    sent(13, 8.5, "[PATCH 2/2] rest", DI, **below(6)),
    sent(14, 8.6, "[PATCH] fresh", EVA),
    sent(15, 8.7, "[PATCH v2] silent"),
    *(sent(16 + number, 9.1, "Re: fresh", who, **below(14)) for number, who in enumerate((ANA, BO, CY))),
)


def asking(engine: Engine, *mails: Mail, lists: Mapping[str, MailingList] | None = None) -> Ask:
    """What the bot answers, who has these mails of its first list."""
    lists = KVM if lists is None else lists
    if mails:
        add(Index(engine), next(iter(lists)), *sorted(mails, key=lambda mail: mail.received))
        Following(engine).keep_up(People(), NOW)
    context = context_of(engine, lists, now=NOW)
    return lambda text: answered(text, context)


def id_of(shown: str) -> str:
    (found,) = re.findall(r"(?m)^Digest ([0-9a-f]{12}) · commits ", shown)
    return str(found)


def told(shown: str) -> dict[str, list[tuple[str, str]]]:
    """Of each part of a comparison the titles, each with the mail that it is linked with."""
    found = re.split(r"(?m)^(\S.*)\n(?=  \S)", shown.partition("\n\n")[2])
    entry = re.compile(r"(?m)^  (\w+)(?:  .*)?\n(?:    .*\n)*?    https://lore.example/kvm/m(\d+)@sample.example/$")
    return {heading: entry.findall(text) for heading, text in zip(found[1::2], found[2::2], strict=True)}


def test_a_digest_is_shown_again_by_its_id_or_the_beginning_of_it(engine: Engine) -> None:
    ask = asking(engine, *WEEK, *NEXT_WEEK)
    first, second = ask(EARLIER), ask(LATER)
    assert first != second
    for name in (id_of(first), id_of(first).upper(), f"  {id_of(first)[:8]} "):
        assert ask(f"/digest {name}") == first
    assert ask(f"/digest {id_of(second)}") == second


def test_it_is_the_same_after_more_has_come_and_for_who_asks_another_day(engine: Engine) -> None:
    ask = asking(engine, *WEEK)
    first = ask(EARLIER)
    add(Index(engine), "kvm", *NEXT_WEEK, epoch=1)
    for days in (0, 100):
        context = context_of(engine, KVM, now=NOW + timedelta(days=days))
        again = answer(f"/digest {id_of(first)}", context, Renderer(), DIALECT).body
        assert plain_text(again) == first
    Following(engine).keep_up(People(), NOW)
    assert asking(engine)(f"/digest {id_of(first)}") == first
    with reading(engine) as connection:
        assert connection.execute(select(tables.digest.c.id)).scalars().all() == [id_of(first)]


def test_the_full_text_of_a_digest_is_the_classic_mail_or_a_file_of_it(engine: Engine) -> None:
    first = asking(engine, *WEEK)(EARLIER)
    context = context_of(engine, KVM, now=NOW)
    asked = f"/digest {id_of(first)} text"
    as_text = answer(asked, context, Renderer(), DIALECT)
    as_file = answer(asked, context, Renderer(), replace(DIALECT, files=True)).file
    assert as_text.file is None
    assert as_file
    assert as_file.name == f"kvm-{id_of(first)}.txt"
    text = as_file.data.decode()
    assert text.startswith("From ")
    assert "KVM mailing list update" in text
    assert as_text.body == text
    assert plain_text(answer("/digest 000000 text", context, Renderer(), DIALECT).body).startswith("'000000'")


@pytest.mark.parametrize("words", ["0123456789ab", "abcdef", "1f0c7b9a3e", "123456789012"])
def test_an_id_that_nobody_has_seen_is_answered_with_where_ids_stand(engine: Engine, words: str) -> None:
    asked = asking(engine, *WEEK)(f"/digest {words}")
    assert asked == f"'{words}': there is no such digest; take the id from a digest's last line.\n"


def test_a_beginning_that_two_digests_have_is_no_id(engine: Engine) -> None:
    stretches = Stretches(engine)
    ask = asking(engine, *WEEK)
    for name in ("abcdef000001", "abcdef000002"):
        stretches.remember(Shown(name, Stretch("kvm", 1, 99), NOW))
    assert ask("/digest abcdef").startswith("'abcdef': there is no such digest")
    assert ask("/digest abcdef000001").startswith("KVM mailing list  6 mails")


@pytest.mark.parametrize("words", ["200", "123456", "7d", "365d", "2025-11-03", "1d"])
def test_numbers_and_times_are_no_ids(engine: Engine, words: str) -> None:
    assert asking(engine, *WEEK)(f"/digest {words}").startswith("KVM mailing list  ")


@pytest.mark.parametrize("word", ["facade", "FACADE", "Facade"])
def test_a_list_whose_name_looks_like_an_id_is_a_list(engine: Engine, word: str) -> None:
    facade = {"facade": MailingList("facade", "Facade", "https://lore.example/facade/")}
    recent = sent(1, 29.5, "[PATCH] a")
    assert asking(engine, recent, lists=facade)(f"/digest {word}").startswith(
        "Facade mailing list  1 mail from 1 person"
    )
    assert "1 new series" in asking(engine, lists=facade)(f"/digest {word} 7d")


def test_an_empty_digest_is_not_kept(engine: Engine) -> None:
    ask = asking(engine, *WEEK)
    assert ask("/digest kvm 2025-11-20 2025-11-21") == (
        "KVM mailing list  Nothing new.\n2025-11-20 00:00 to 2025-11-21 00:00 UTC\n"
    )
    with reading(engine) as connection:
        assert connection.execute(select(tables.digest)).all() == []


def test_between_two_digests_each_part_tells_what_is_new(engine: Engine) -> None:
    ask = asking(engine, *WEEK, *NEXT_WEEK)
    earlier, later = id_of(ask(EARLIER)), id_of(ask(LATER))
    shown = ask(f"/digest diff {earlier} {later[:7]}")
    assert shown.startswith(f"KVM mailing list  what {later} tells and {earlier} does not\n")
    assert told(shown) == {
        "Needs attention now": [("refused", "4"), ("incomplete", "6")],
        "Needs attention no more": [("refused", "4"), ("reviewed", "2"), ("incomplete", "6"), ("silent", "1")],
        "New series": [("fresh", "14")],
        "New versions": [("silent", "15")],
        "Applied": [("reviewed", "2")],
        "In another state": [("refused", "4"), ("reviewed", "2")],
        "Most discussed": [("fresh", "14")],
        "Authors": [],
    }
    assert "  refused  all reviewed, not seen applied for 4 business days\n" in shown
    assert "  incomplete  1 patch of 2 not seen on the list\n" in shown
    assert "  refused  changes asked, now reviewed\n" in shown
    assert "  reviewed  reviewed, now applied\n" in shown
    assert shown.endswith("\nAuthors\n  Eva\n")


def test_between_a_digest_and_itself_nothing_is_new(engine: Engine) -> None:
    ask = asking(engine, *WEEK, *NEXT_WEEK)
    earlier, later = id_of(ask(EARLIER)), id_of(ask(LATER))
    assert ask(f"/digest diff {earlier} {earlier}").endswith(" UTC\n\nNothing new.\n")
    backwards = ask(f"/digest DIFF {later} {earlier}")
    assert "\nNew series\n" not in backwards
    assert "\nNeeds attention now\n  refused  NACK by Mia\n" in backwards


def test_what_a_later_window_does_not_tell_of_is_not_said_to_be_settled(engine: Engine) -> None:
    """A NACK is told once, and of what is silent the newest; that neither is told any more does not mean that all is
    well.
    """
    older = [sent(100 + number, 0.5 + number / 1000, f"[PATCH] older {number}", FAY) for number in range(25)]
    newer = [sent(200 + number, 3.5 + number / 1000, f"[PATCH] newer {number}", FAY) for number in range(25)]
    ask = asking(engine, *WEEK, *older, *newer, sent(300, 12.5, "hello"))
    earlier = id_of(ask("/digest kvm 2025-11-04 2025-11-10"))
    later = id_of(ask("/digest kvm 2025-11-13 2025-11-17"))
    told = ask(f"/digest diff {earlier} {later}")
    assert "Needs attention now\n  newer" in told
    assert "no more\n" not in told


@pytest.mark.parametrize("words", ["diff", "diff abcdef", "diff abcdef abcdef abcdef"])
def test_a_comparison_takes_two(engine: Engine, words: str) -> None:
    assert asking(engine, *WEEK)(f"/digest {words}").startswith(
        "/digest diff: it needs two digests; type /digest diff "
    )


def test_a_comparison_with_what_nobody_has_seen_names_it(engine: Engine) -> None:
    ask = asking(engine, *WEEK)
    known = id_of(ask(EARLIER))
    for words in (f"{known} fedcba", f"fedcba {known}"):
        assert ask(f"/digest diff {words}").startswith("'fedcba': there is no such digest")


def test_ids_are_taken_as_they_are_written(engine: Engine) -> None:
    """No sign of a pattern fits any digest."""
    ask = asking(engine, *WEEK)
    known = id_of(ask(EARLIER))
    for pattern in ("%", "_" * 12, f"{known[:5]}_", "''"):
        assert "there is no such digest" in ask(f"/digest diff {pattern} {pattern}")


def test_eight_digits_are_a_day_and_no_id(engine: Engine) -> None:
    ask = asking(engine, *WEEK)
    assert ask("/digest 20251103 20251105").splitlines()[1] == "2025-11-03 00:00 to 2025-11-05 00:00 UTC"


def test_digests_of_two_lists_are_not_compared(engine: Engine) -> None:
    add(Index(engine), "coco", sent(77, 1.5, "[PATCH] c"))
    lists = {name: MailingList(name, name.upper(), "https://lore.example/") for name in ("kvm", "coco")}
    ask = asking(engine, *WEEK, lists=lists)
    ids = [id_of(ask(f"/digest {name} 2025-11-03 2025-11-10")) for name in lists]
    assert ask(f"/digest diff {' '.join(ids)}") == (
        "/digest diff: these are digests of two lists, kvm and coco; name two of one list.\n"
    )
