"""Which mails are one posting."""

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from chatbot.mail.grouping import group, postings, pull_requests
from chatbot.mail.mail import Mail
from chatbot.mail.part import Part, parts_of
from chatbot.mail.series import Series
from tests.conftest import compose, read_one, thread


class Thread:
    """Writes mails with ids of their own; `to` names those above, the root first."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, subject: str, *to: Mail, sender: str = "Ana <ana@a.example>", body: str = "Log.\n") -> Mail:
        self.count += 1
        above = [f"<{mail.message_id}>" for mail in to]
        fields = {"in_reply_to": above[-1], "references": " ".join(above)} if above else {}
        return read_one(compose(subject, self.count, body, sender, **fields))


def series_in(mails: Iterable[Mail]) -> tuple[Series[Part], ...]:
    mails = tuple(mails)
    series = group(parts_of(mails))
    assert [tuple(mail.message_id for mail in one.everything) for one in group(mails)] == [
        tuple(part.message_id for part in one.everything) for one in series
    ]
    return series


def shape(series: tuple[Series[Part], ...]) -> list[tuple[str, list[int | None]]]:
    return [(str(one.subject), [mail.subject.part for mail in one.parts]) for one in series]


def test_a_cover_and_its_patches_are_one_series_in_any_order() -> None:
    mail = Thread()
    cover = mail("[PATCH 0/3] a")
    mails = [cover, *(mail(f"[PATCH {part}/3] b", cover) for part in (1, 2, 3))]
    for seed in range(20):
        random.Random(seed).shuffle(mails)
        assert shape(series_in(mails)) == [("[PATCH 0/3] a", [0, 1, 2, 3])]
    assert series_in(mails)[0].complete


def test_patches_below_one_another_are_one_series() -> None:
    mail = Thread()
    one = mail("[PATCH 1/3] a")
    two = mail("[PATCH 2/3] b", one)
    three = mail("[PATCH 3/3] c", one, two)
    assert shape(series_in([three, two, one])) == [("[PATCH 1/3] a", [1, 2, 3])]


def test_patches_whose_cover_never_came_are_one_series_and_say_what_is_missing() -> None:
    mail = Thread()
    cover = mail("[PATCH 0/7] a")
    (series,) = series_in([mail(f"[PATCH {part}/7] b", cover) for part in (1, 2, 5, 6, 7)])
    assert (len(series.patches), series.total, series.complete, series.cover) == (5, 7, False, None)


def test_a_second_version_sent_in_reply_is_a_series_of_its_own() -> None:
    mail = Thread()
    first = mail("[PATCH 0/1] a")
    patch = mail("[PATCH 1/1] b", first)
    second = mail("[PATCH v2 0/1] a", first)
    again = mail("[PATCH v2 1/1] b", first, second)
    assert shape(series_in([first, patch, second, again])) == [("[PATCH 0/1] a", [0, 1]), ("[PATCH v2 0/1] a", [0, 1])]


def test_the_same_title_from_two_people_is_two_series() -> None:
    mail = Thread()
    ana = mail("[PATCH 0/1] a")
    bo = mail("[PATCH 0/1] a", sender="Bo <bo@b.example>")
    mails = [ana, bo, mail("[PATCH 1/1] b", ana), mail("[PATCH 1/1] b", bo, sender="Bo <bo@b.example>")]
    assert [(one.author.name, len(one.parts)) for one in series_in(mails)] == [("Ana", 2), ("Bo", 2)]


def test_a_posting_sent_again_in_the_same_thread_is_a_second_series() -> None:
    mail = Thread()
    root = mail("a question")
    mails = [mail(f"[PATCH {part}/2] b", root) for part in (1, 2, 1, 2)]
    assert shape(series_in(mails)) == [("[PATCH 1/2] b", [1, 2]), ("[PATCH 1/2] b", [1, 2])]


def test_a_resend_in_the_same_thread_is_kept_apart_by_its_word() -> None:
    mail = Thread()
    cover = mail("[PATCH 0/2] a")
    one = mail("[PATCH 1/2] b", cover)
    again = mail("[PATCH RESEND 2/2] c", cover)
    assert shape(series_in([cover, one, again])) == [("[PATCH 0/2] a", [0, 1]), ("[PATCH RESEND 2/2] c", [2])]


def test_patches_below_others_are_one_series_also_where_some_are_missing() -> None:
    mail = Thread()
    cover = mail("[PATCH 0/3] a")
    one = mail("[PATCH 1/3] b", cover)
    two = mail("[PATCH 2/3] c", cover, one)
    three = mail("[PATCH 3/3] d", cover, one, two)
    assert shape(series_in([cover, three])) == [("[PATCH 0/3] a", [0, 3])]


def test_a_lone_patch_is_a_series_of_one_and_replies_are_none() -> None:
    mail = Thread()
    lone = mail("[PATCH] a")
    (series,) = series_in([lone, mail("Re: [PATCH] a", lone), mail("[GIT PULL] b"), lone])
    assert (series.total, series.complete, series.patches) == (1, True, parts_of([lone]))


def test_the_cover_speaks_for_the_series_and_its_diffstat_too() -> None:
    mail = Thread()
    diff = "diff --git a/{0} b/{0}\n--- a/{0}\n+++ b/{0}\n@@ -0,0 +1 @@\n+a\n"
    cover = mail("[RFC PATCH v3 0/2] a", body="Gist\n\n 9 files changed, 8 insertions(+)\n")
    one = mail("[RFC PATCH v3 1/2] b", cover, body="From: Bo <bo@b.example>\n\nLog\n" + diff.format("x"))
    two = mail("[RFC PATCH v3 2/2] c", cover, body="Log\n" + diff.format("x"))
    with_cover, without = series_in([cover, one, two])[0], series_in([one, two])[0]
    assert (with_cover.author.name, with_cover.diffstat.files, with_cover.title) == ("Ana", 9, "a")
    assert (without.author.name, without.diffstat.files, without.diffstat.insertions) == ("Bo", 1, 2)
    assert without.subject.revision == "v3"


def test_a_part_has_the_log_where_the_mail_speaks_for_its_posting_and_what_a_cover_states() -> None:
    mail = Thread()
    body = "Log.\n\n 1 file changed, 2 insertions(+)\n"
    cover = mail("[PATCH 0/2] a", body=body)
    one = mail("[PATCH 1/2] b", cover, body=body)
    two = mail("[PATCH 2/2] c", cover, one, body=body)
    uncounted = mail("[RFC 1/1] d", body=body)
    parts = parts_of([cover, one, two, mail("Re: [PATCH 1/2] b", one), uncounted])
    assert [(part.subject.title, bool(part.log), part.stated is not None) for part in parts] == [
        ("a", True, True),
        ("b", True, False),
        ("c", False, False),
        ("d", False, False),
    ]
    assert parts[2].parents == (one.message_id, cover.message_id)


def test_a_forgotten_title_has_a_name() -> None:
    assert group([Thread()("[PATCH V5 0/3] ")])[0].title == "(no title)"


def parts(name: str) -> list[tuple[str, list[int | None]]]:
    return [(one.revision, [mail.subject.part for mail in one.parts]) for one in group(thread(name))]


@pytest.mark.parametrize(
    ("name", "series"),
    [
        ("series-patches-out-of-order", [("v1", [0, 1, 2, 3])]),
        ("series-cover-arrives-last", [("v1", [0, 1, 2])]),
        ("series-without-cover", [("v1", [1, 2])]),
        ("series-unthreaded", [("v2", [0, 1, 2, 3]), ("v2", [0, 1]), ("v2", [2, 3])]),
        ("series-two-unthreaded-at-once", [("v1", [1, 2]), ("v1", [1, 2])]),
        ("series-resent", [("v1", [0, 1, 2]), ("v1", [0, 1, 2])]),
        ("series-same-title-two-people", [("v1", [0, 1, 2]), ("v1", [0, 1, 2])]),
        ("series-v2-in-reply-to-v1", [("v1", [0, 1, 2]), ("v2", [0, 1, 2])]),
        ("series-v2-of-which-only-a-patch-came", [("v1", [0, 1, 2, 3]), ("v2", [3])]),
        ("series-version-forgotten-on-one-patch", [("v2", [0, 1, 2])]),
        ("series-number-given-twice", [("v1", [0, 1, 2, 2, 3])]),
        ("series-cover-announces-another-total", [("v3", [0, 1, 2, 3, 4, 5])]),
        ("series-sent-twice-interleaved", [("v1", [0, 1, 2]), ("v1", [0, 1, 2])]),
        ("series-lone-patch", [("v1", [None])]),
        ("series-pull-request", []),
    ],
)
def test_what_is_one_posting(name: str, series: list[tuple[str, list[int | None]]]) -> None:
    assert parts(name) == series


def test_two_postings_in_each_others_midst_are_kept_apart() -> None:
    first, second = group(thread("series-sent-twice-interleaved"))
    assert {mail.subject.title for mail in first.parts} == {"mm: a", "mm: a1", "mm: a2"}
    assert {mail.subject.title for mail in second.parts} == {"mm: b", "mm: b1", "mm: b2"}


def test_missing_parts_are_said_to_be_missing() -> None:
    (series,) = group(thread("series-five-of-seven"))
    assert (series.size, series.missing, series.complete) == ("5 of 7", (3, 6), False)
    (whole,) = group(thread("series-cover-announces-another-total"))
    assert (whole.size, whole.total, whole.complete) == ("5", 5, True)


@pytest.mark.parametrize(
    ("name", "rerolls", "total"),
    [
        ("series-part-rerolled", ["v2 3"], 7),
        ("series-part-rerolled-with-a-point", ["v5.1 2", "v5.2 2"], 2),
        ("series-part-rerolled-by-the-maintainer", ["v2 1"], 2),
    ],
)
def test_a_part_that_was_rerolled_takes_the_place_of_the_old_one_and_says_so(
    name: str, rerolls: list[str], total: int
) -> None:
    (series,) = group(thread(name))
    assert [f"{mail.subject.revision} {mail.subject.part}" for mail in series.rerolls] == rerolls
    assert series.present == tuple(range(1, total + 1))
    newest = series.rerolls[-1]
    assert series.patches[(newest.subject.part or 0) - 1] is newest
    assert series.subject.version < newest.subject.version or series.subject.reroll < newest.subject.reroll
    assert newest not in series.parts
    assert newest in series.everything


def test_as_they_were_posted_a_reroll_is_a_series_and_a_letter_is_none() -> None:
    posted = postings(thread("series-part-rerolled-with-a-point"))
    assert [(one.revision, one.size, one.rerolls) for one in posted] == [
        ("v5", "2", ()),
        ("v5.1", "1 of 2", ()),
        ("v5.2", "1 of 2", ()),
    ]
    (lettered,) = postings(thread("series-letter-without-brackets"))
    assert (lettered.letter, lettered.cover) == (None, None)


def test_a_reroll_of_somebody_else_replaces_nothing() -> None:
    mail = Thread()
    old = mail("[PATCH 1/2] a")
    foreign = mail("[PATCH v2 1/2] a", old, sender="Bo <bo@b.example>")
    assert [one.rerolls for one in group([old, foreign])] == [(), ()]


def test_a_pull_request_is_a_kind_of_its_own() -> None:
    mails = thread("series-pull-request")
    (series,) = pull_requests(mails)
    assert (series.pull, series.title) == (True, "mm fixes for 6.19-rc1")
    assert not any(one.pull for one in group(thread("series-lone-patch")))


def test_a_letter_without_brackets_opens_its_series_and_names_the_version() -> None:
    mails = thread("series-letter-without-brackets")
    (series,) = group(mails)
    assert series.cover is mails[0]
    assert (series.title, series.revision, len(series.parts)) == ("say why filters refuse v3", "v3", 2)
    assert mails[0] in series.everything


def test_a_letter_of_somebody_else_or_to_several_series_opens_none() -> None:
    mail = Thread()
    letter = mail("a question", sender="Bo <bo@b.example>")
    assert group([letter, mail("[PATCH 1/2] a", letter), mail("[PATCH 2/2] b", letter)])[0].letter is None
    bundle = mail("two things")
    one, two = mail("[PATCH 1/2] a", bundle), mail("[PATCH v2 1/3] b", bundle)
    assert [series.letter for series in group([bundle, one, two])] == [None, None]


def test_a_number_that_was_given_twice_is_there_once() -> None:
    (series,) = group(thread("series-number-given-twice"))
    assert (series.present, len(series.patches), series.complete) == ((1, 2, 3), 4, True)


def test_a_cover_whose_message_id_a_server_changed_is_the_cover_of_what_was_sent_with_it() -> None:
    mails = thread("series-cover-with-another-message-id")
    assert shape(series_in(mails)) == [("[PATCH v2 0/2] mm: Say why a filter refuses", [0, 1, 2])]
    apart = [replace(one, received=one.received + timedelta(days=2)) if one.subject.part == 0 else one for one in mails]
    assert len(series_in(apart)) == 2


def test_a_cover_that_is_sent_again_without_patches_is_no_version() -> None:
    mails = thread("series-cover-sent-again")
    (series,) = group(mails)
    assert [mail.message_id.partition("@")[0] for mail in series.everything] == ["again", "a0", "a1", "a2"]
    assert (series.cover, series.message_id) == (series.head, "a0@series-cover-sent-again.example")
    months_later = [
        replace(one, received=one.received + timedelta(days=60)) if one is mails[3] else one for one in mails
    ]
    assert len(group(months_later)) == 2


def test_a_series_goes_by_the_message_id_of_the_letter_that_gives_its_title() -> None:
    (series,) = group(thread("series-letter-with-an-odd-tag"))
    assert series.title.endswith("Say why a filter refuses")
    assert (series.message_id, series.head.subject.part) == ("letter@series-letter-with-an-odd-tag.example", 1)
