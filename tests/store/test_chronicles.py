"""What the index tells of a stretch: the same as the mails themselves, at any moment, kept or not."""

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from chatbot.mail.chronicle import Chronicle
from chatbot.mail.chronicler import chronicle_of
from chatbot.mail.lineage import Correction
from chatbot.mail.mail import Mail
from chatbot.mail.people import People
from chatbot.mail.ranking import rank
from chatbot.mail.standing import Standing
from chatbot.people import read_people
from chatbot.read import read
from chatbot.report.digest import Digest, MailingList, Need
from chatbot.report.digest_diff import compare
from chatbot.sources.public_inbox import PublicInbox
from chatbot.sources.source import Span
from chatbot.store import tables
from chatbot.store.chronicles import Chronicles
from chatbot.store.corrections import Corrections
from chatbot.store.database import open_database, reading
from chatbot.store.following import Following
from chatbot.store.index import Index
from chatbot.store.standings import Kept
from chatbot.store.stretches import Stretch, Stretches
from tests.conftest import NOON, add, chronicle, compose, posted, read_one, summarizer, thread

LATER = NOON + timedelta(days=365)
MIDNIGHT = NOON.replace(hour=0)
KVM = MailingList("kvm", "KVM", "https://lore.example/kvm/")


@pytest.fixture(scope="module")
def mails(sample: dict[str, Path]) -> list[Mail]:
    """The sample's list, each mail once, in its order."""
    with PublicInbox("kvm", sample["kvm"]) as inbox:
        found = {mail.message_id: mail for mail in (read(raw)[1] for raw in inbox.mails(inbox.everything()))}
    return list(found.values())


def everything(engine: Engine) -> Stretch:
    return Stretches(engine).after("kvm", 0, Index(engine).newest("kvm"))


def standings(found: Iterable[Standing]) -> dict[str, Standing]:
    """By their heads; that nobody looked for forerunners is no difference."""
    return {one.mail: replace(one, first_seen=False) for one in found}


def authors(found: Chronicle) -> Counter[str]:
    """Patches that count, by who wrote them as the mails spell it."""
    counted = (sent for sent in found.sent if sent.counted)
    return sum((Counter({sent.author.written: sent.mails}) for sent in counted), Counter())


def days(mails: Iterable[Mail]) -> list[datetime]:
    """The nights between the days on which mails came."""
    return sorted({mail.received.replace(hour=0, minute=0, second=0) + timedelta(days=1) for mail in mails})


def test_the_index_tells_of_a_list_what_its_mails_tell(engine: Engine, mails: list[Mail]) -> None:
    add(Index(engine), "kvm", *mails)
    found, told = chronicle(engine, everything(engine)), chronicle_of(mails, People())
    assert found.totals == told.totals
    assert rank(found.sent, People()) == rank(told.sent, People())
    assert authors(found) == authors(told)
    assert standings(found.turned) == standings(told.turned) != {}
    for those in ("series", "versions"):
        one, other = getattr(found, those), getattr(told, those)
        assert standings(one) == standings(other) != {}
        assert [standing.mail for standing in one] == [standing.mail for standing in other]
    assert found.turning == told.turning != set()
    assert set(found.talks) == set(told.talks) != set()


def test_what_is_kept_is_what_anybody_finds_who_puts_it_together_now(engine: Engine, mails: list[Mail]) -> None:
    index, following = Index(engine), Following(engine)
    rest, steps = list(mails), random.Random(4)
    while rest:
        count = steps.randint(1, 20)
        some, rest = rest[:count], rest[count:]
        add(index, "kvm", *some)
        if steps.random() < 0.7:
            following.keep_up(People(), some[-1].received)
    assert following.keep_up(People(), LATER) >= 0
    with reading(engine) as connection:
        assert len(connection.execute(select(tables.belongs)).all()) == len(mails)
    newest, lively = index.newest("kvm"), 0
    windows = [(0, newest), *(sorted(steps.sample(range(newest + 1), 2)) for _ in range(40))]
    for first, last in windows:
        stretch = Stretches(engine).after("kvm", first, last)
        at = stretch.newest or LATER
        # Other rules do not look at what is kept.
        kept, now = (happened(engine, stretch, people, at) for people in (People(), People(rules="others")))
        assert kept == now, (first, last)
        lively += bool(kept.talks) + bool(kept.turned) + bool(kept.incomplete)
    assert lively > 10
    assert following.keep_up(People(), LATER) == 0


def happened(engine: Engine, stretch: Stretch, people: People, at: datetime) -> Chronicle:
    """But for what only those can tell who follow the list."""
    found = Chronicles(engine).of(stretch, people, at, silent_after=5)
    mails = {one.mail for one in (*found.series, *found.versions, *found.turned)}
    began = tuple(one for one in found.incomplete if one.mail in mails)
    return replace(found, reviewed=(), silent=(), more_silent=0, uncovered=(), incomplete=began)


def test_a_digest_that_is_made_again_later_is_the_same(tmp_path: Path, mails: list[Mail]) -> None:
    """Each night's digest, made that night from what was there, and when all has come, kept or not."""
    url = f"sqlite:///{tmp_path / 'index.sqlite'}"
    engine = open_database(url)
    index, following, made = Index(engine), Following(engine), dict[datetime, Digest]()
    ordered = sorted(mails, key=lambda mail: mail.received)
    for night in days(mails):
        came = [mail for mail in ordered if night - timedelta(days=1) <= mail.received < night]
        add(index, "kvm", *came)
        following.keep_up(People(), night)
        stretch = Stretches(engine).between("kvm", night - timedelta(days=1), night)
        made[night] = summarizer(engine).make(KVM, stretch, night)
    assert len(made) > 5
    assert any(one.attention for one in made.values())
    for night, digest in made.items():
        again = summarizer(engine).again(digest.id, {"kvm": KVM})
        assert again == digest, night
    assert len({digest.id for digest in made.values()}) == len(made)
    engine.dispose()


@pytest.mark.parametrize("subject", ["[PATCH 0/2] a", "a letter without a number"])
def test_a_posting_is_new_once_however_late_its_other_patches_come(engine: Engine, subject: str) -> None:
    """Whatever stands for it: the cover, or, where that has no number, the first patch."""
    index = Index(engine)
    cover = read_one(compose(subject, 1))
    parts = [read_one(compose(f"[PATCH {part}/2] b", part + 1, in_reply_to="<m1@sample.example>")) for part in (1, 2)]
    add(index, "kvm", cover, parts[0])
    had = index.newest("kvm")
    add(index, "kvm", parts[1], epoch=1)
    first, second = Stretches(engine).after("kvm", 0, had), Stretches(engine).after("kvm", had, index.newest("kvm"))
    assert second.spans == (Span(1, None, "c1.0"),)
    assert [one.message_id for one in posted(chronicle(engine, first))] == [cover.message_id]
    assert posted(chronicle(engine, second)) == ()
    assert chronicle(engine, second).totals.mails == 1
    alone, rest = (
        Stretches(engine).after("kvm", 0, had - 1),
        Stretches(engine).after("kvm", had - 1, index.newest("kvm")),
    )
    assert sorted(len(posted(chronicle(engine, one))) for one in (alone, rest)) == [0, 1]
    assert chronicle(engine, Stretches(engine).after("kvm", index.newest("kvm"), index.newest("kvm"))).sent == ()
    assert Stretches(engine).newest("kvm", 2).spans == (Span(0, "c0.0", "c0.1"), Span(1, None, "c1.0"))


def test_mails_are_found_by_when_they_were_received(engine: Engine) -> None:
    index = Index(engine)
    came = [
        replace(read_one(compose(f"[PATCH] {day}", day)), received=NOON + timedelta(days=day)) for day in (0, 3, 1, 2)
    ]
    add(index, "kvm", *came)
    stretch = Stretches(engine).between("kvm", NOON + timedelta(days=1), NOON + timedelta(days=3))
    assert [one.title for one in posted(chronicle(engine, stretch))] == ["1", "2"]
    assert index.newest_received("kvm") == NOON + timedelta(days=3)
    assert index.newest_received("nothing") is None


def test_the_letters_are_there_for_the_classic_text(engine: Engine, mails: list[Mail]) -> None:
    add(Index(engine), "kvm", *mails)
    made = summarizer(engine).make(KVM, Stretches(engine).newest("kvm", 40), LATER, letters=True)
    told = chronicle_of(mails[-40:], People())
    assert made.heads == told.heads[::-1] != ()
    assert [part.log for part in made.heads if not part.log] == []


def test_nothing_of_a_mail_that_is_taken_out_is_kept(engine: Engine) -> None:
    """Its posting is put together anew, without it, and so are the other versions."""
    index, following = Index(engine), Following(engine)
    mails = thread("state-reviewed")
    add(index, "kvm", *mails)
    following.keep_up(People(), mails[-1].received)
    assert posted(chronicle(engine, everything(engine)))[0].remarks != ()
    (reply,) = [mail for mail in mails if mail.reply]
    with index.writer("kvm") as writer:
        from chatbot.store import removal

        row = writer._connection.execute(
            select(tables.seen.c.id)
            .join(tables.mail, tables.mail.c.id == tables.seen.c.mail_id)
            .where(tables.mail.c.message_id == reply.message_id)
        ).scalar_one()
        removal.forget(writer._connection, writer._list_id, row)
    with reading(engine) as connection:
        assert [text for text in connection.execute(select(tables.standing.c.document)).scalars() if text] == []
    assert posted(chronicle(engine, everything(engine)))[0].remarks == ()
    following.keep_up(People(), mails[-1].received)
    with reading(engine) as connection:
        kept = [repr(Kept(*row).standing) for row in connection.execute(select(tables.standing))]
        homes = connection.execute(select(tables.belongs)).all()
    assert kept
    assert reply.message_id not in "".join(kept)
    assert len(homes) == len(mails) - 1


def test_what_came_after_the_slot_and_before_its_digest_is_there_whole(engine: Engine) -> None:
    """Unless it claims to come from the far future, which takes nothing else there."""
    came = [NOON - timedelta(hours=1), NOON + timedelta(minutes=1), NOON + timedelta(days=9000)]
    mails = (replace(read_one(compose(f"[PATCH] {n}", n)), received=at) for n, at in enumerate(came))
    add(Index(engine), "kvm", *mails)
    made = summarizer(engine).make(KVM, everything(engine), NOON)
    assert made.at == NOON + timedelta(days=1)
    assert [one.standing.size for one in made.series] == ["1", "1", "1"]
    assert [one.status.state.value for one in made.series] == ["new", "new", "new"]
    assert summarizer(engine).again(made.id, {"kvm": KVM}) == made


def test_the_id_that_is_shown_leads_back_to_the_digest_whatever_the_rules_are(engine: Engine) -> None:
    add(Index(engine), "kvm", read_one(compose("[PATCH] a", 1)))
    made = summarizer(engine).make(KVM, everything(engine), NOON)
    others = summarizer(engine, People(rules="others"))
    again = others.again(made.id, {"kvm": KVM})
    assert again
    assert again.id != made.id
    assert others.again(again.id, {"kvm": KVM}) == again


def test_a_part_that_does_not_come_is_told_once_whatever_the_windows_are(engine: Engine) -> None:
    """In the window in which its hours are over, which need not be the one in which the others came."""
    index, following = Index(engine), Following(engine)
    begin = NOON - timedelta(hours=1)
    add(index, "kvm", replace(read_one(compose("[PATCH 1/2] a", 1)), received=begin))
    add(index, "kvm", replace(read_one(compose("[PATCH] other", 2)), received=NOON + timedelta(hours=30)))
    following.keep_up(People(), NOON)
    add(index, "kvm", replace(read_one(compose("[PATCH] again", 3)), received=NOON + timedelta(hours=3)))
    following.keep_up(People(), NOON)
    later = NOON + timedelta(days=1)
    stretch, after = (Stretches(engine).between("kvm", at, at + timedelta(days=1)) for at in (NOON, later))
    before = Stretches(engine).between("kvm", NOON - timedelta(days=1), NOON)
    assert summarizer(engine).make(KVM, before, NOON).attention == ()
    (one,) = summarizer(engine).make(KVM, stretch, NOON + timedelta(days=1)).attention
    assert (one.need, one.posting.standing.mail) == (Need.INCOMPLETE, "m1@sample.example")
    assert one.words == "1 patch of 2 not seen on the list"
    assert summarizer(engine).make(KVM, after, later + timedelta(days=1)).attention == ()


def late(
    subject: str, number: int, hours: float, above: int | None = None, sender: str = "Ana <ana@a.example>"
) -> Mail:
    """A mail that came so many hours after noon."""
    fields = {} if above is None else {"in_reply_to": f"<m{above}@sample.example>"}
    mail = read_one(compose(subject, number, sender=sender, **fields))
    return replace(mail, received=NOON + timedelta(hours=hours))


def test_what_heads_nothing_any_more_lacks_nothing(engine: Engine) -> None:
    """The cover and the other patch have come, and nobody has followed them yet."""
    index, following = Index(engine), Following(engine)
    add(index, "kvm", late("[PATCH 1/2] one", 2, 0, 1))
    following.keep_up(People(), NOON)
    add(index, "kvm", late("[PATCH 0/2] a", 1, 10), late("[PATCH 2/2] two", 3, 10, 1), epoch=1)
    at = NOON + timedelta(hours=11)
    stretch = Stretches(engine).between("kvm", NOON - timedelta(hours=1), at)
    before = summarizer(engine).make(KVM, stretch, at)
    following.keep_up(People(), at)
    assert before.attention == ()
    assert summarizer(engine).make(KVM, stretch, at) == before


@pytest.mark.parametrize("hours", [(0, 6, 6, 7), (0, 7, 5, 8), (0, 8, 5, 7)], ids=str)
def test_a_part_whose_hours_end_about_the_end_of_a_stretch_is_told_once(
    engine: Engine, hours: tuple[int, int, int, int]
) -> None:
    """However the times of the mails go, which need not grow."""
    index = Index(engine)
    mails = [late("[PATCH 1/2] a" if number == 0 else "x", number + 1, hour) for number, hour in enumerate(hours)]
    add(index, "kvm", *mails)
    Following(engine).keep_up(People(), NOON)
    for cut in range(1, len(mails)):
        both = Stretches(engine).after("kvm", 0, cut), Stretches(engine).after("kvm", cut, len(mails))
        told = [chronicle(engine, stretch, NOON + timedelta(days=1)).incomplete for stretch in both]
        assert sorted(map(len, told)) == [0, 1], cut


def test_a_posting_whose_mails_came_out_of_order_is_new_in_one_day(engine: Engine) -> None:
    add(Index(engine), "kvm", late("[PATCH 1/2] one", 1, 13), late("[PATCH 2/2] two", 2, 11, 1))
    days = [
        Stretches(engine).between("kvm", day, day + timedelta(days=1))
        for day in (MIDNIGHT, MIDNIGHT + timedelta(days=1))
    ]
    assert [len(posted(chronicle(engine, day))) for day in days] == [1, 0]


def test_a_digest_says_that_what_was_corrected_is_not_among_what_waits(engine: Engine) -> None:
    mails = [late("[PATCH] a", 1, 0), late("[PATCH] b", 2, 0)]
    add(Index(engine), "kvm", *mails)
    Following(engine).keep_up(People(), NOON)
    stretch, at = everything(engine), NOON + timedelta(hours=1)
    told = "what has long been waiting, as far as it was corrected or taken out just now"
    assert told not in chronicle(engine, stretch, at).uncovered
    Corrections(engine).add(Correction("m1@sample.example", "m2@sample.example", together=True, by="mia", at=NOON))
    assert told in chronicle(engine, stretch, at).uncovered
    Following(engine).renew(People())
    assert told not in chronicle(engine, stretch, at).uncovered


def test_of_two_spellings_in_one_second_the_last_mail_gives_the_name(engine: Engine) -> None:
    names = ("Ana <ana@a.example>", "Zoe <ana@a.example>", "Ana Smith <ana@a.example>")
    mails = [late(f"[PATCH] {number}", number, 0, sender=name) for number, name in enumerate(names)]
    add(Index(engine), "kvm", *mails)
    (author,) = rank(chronicle(engine, everything(engine)).sent, People()).authors
    assert author == rank(chronicle_of(mails, People()).sent, People()).authors[0]
    assert author.person.name == "Ana Smith"


@pytest.mark.parametrize("people", [People(), read_people()], ids=["no rules", "our rules"])
def test_every_mail_is_counted_once_however_rankings_take_them_together(engine: Engine, people: People) -> None:
    diff = "Log.\n---\ndiff --git a/a.c b/a.c\n--- a/a.c\n+++ b/a.c\n@@ -1 +1 @@\n-a\n+b\n"
    told = [
        ("[RFC v2] sketch", diff),
        ("[PATCH] a", diff),
        ("[PATCH] b", diff),
        ("Re: x", "Acked-by: Ana <ana@a.example>\n"),
    ]
    told += [("Re: x", "Why?\n")] * 4 + [("Automatic reply: x", "Away.\n")]
    mails = [read_one(compose(subject, number, body)) for number, (subject, body) in enumerate(told)]
    add(Index(engine), "kvm", *mails)
    found = Chronicles(engine).of(everything(engine), people, LATER, silent_after=5)
    assert sum(one.mails for one in found.sent) == len(mails)
    assert [one.mails for one in rank(found.sent, people).authors] == [2]
    assert [one.mails for one in rank(found.sent, people).reviewers] == [1]


def test_digests_are_compared_while_a_correction_waits_to_be_followed(engine: Engine) -> None:
    add(Index(engine), "kvm", *(read_one(compose(f"[PATCH] {word}", n)) for n, word in enumerate(("one", "other"))))
    Following(engine).keep_up(People(), NOON)
    made = summarizer(engine).make(KVM, Stretches(engine).newest("kvm", 2), NOON + timedelta(days=9))
    assert len(made.attention) == 2
    said = Correction("m0@sample.example", "m1@sample.example", together=False, by="mia", at=NOON)
    Corrections(engine).add(said)
    again = summarizer(engine).again(made.id, {"kvm": KVM})
    assert again
    assert compare(made, again).series == ()
