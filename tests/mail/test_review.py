"""Which tags a series has got, on which patch, from whom."""

from collections.abc import Iterable

import pytest

from chatbot.mail.comparison import Fate, followed_tags
from chatbot.mail.grouping import group
from chatbot.mail.mail import Mail
from chatbot.mail.person import Person
from chatbot.mail.review import Given, answers, tags_given, tags_on
from chatbot.mail.series import Series
from tests.conftest import compose, read_one, thread


def read(name: str) -> tuple[tuple[Series[Mail], ...], tuple[Given, ...]]:
    """The series of a situation, and all tags of all of them."""
    mails = thread(name)
    series, answered = group(mails), tuple(answers(mails))
    return series, tuple(one for each in series for one in tags_given(each, answered))


def short(given: Iterable[Given]) -> list[str]:
    return [f"{one.tag.kind} {one.tag.person.name or one.tag.value}" for one in given]


def test_tags_of_replies_belong_to_the_nearest_patch_and_those_on_the_cover_to_all() -> None:
    (series,), given = read("tags-from-replies")
    own = "Signed-off-by Ana Brenner"
    first, second = (short(tags_on(patch, series, given)) for patch in series.patches)
    assert first == [own, "Reviewed-by Bo Lindqvist", "Tested-by Dee Okafor", "Acked-by Mia Roth"]
    assert second == [own, "Acked-by Mia Roth"]


def test_each_tag_knows_the_mail_that_gave_it_and_its_sender() -> None:
    _, given = read("tags-from-replies")
    (review,) = [one for one in given if one.tag.kind == "Reviewed-by"]
    assert (review.on, review.mail) == ("a1@tags-from-replies.example", "r1@tags-from-replies.example")
    assert (review.sender.address, review.foreign) == ("bo@kernelworks.example", False)


def test_tags_belong_to_the_version_that_was_answered() -> None:
    (first, second), given = read("tags-of-the-right-version")
    found = [one.on for one in given if one.tag.kind == "Reviewed-by"]
    assert found == [first.patches[0].message_id, second.patches[1].message_id]


def test_a_reply_to_a_patch_that_never_came_is_none_to_the_cover_above_it() -> None:
    """Of the two replies, whose parents are both missing, none is to the cover that is there."""
    _, given = read("tags-to-a-patch-that-never-came")
    assert [one for one in given if one.tag.kind == "Reviewed-by"] == []


def test_where_the_subject_agrees_the_thread_may_have_gaps() -> None:
    patch = read_one(compose("[PATCH] a", 1, "Log.\n"))
    reply = compose("Re: [PATCH] a", 2, "Hm.\n", in_reply_to="<lost@b.example>", references="<m1@sample.example>")
    assert [above for _, above in answers([patch, read_one(reply)])] == [patch]


def test_threads_that_go_in_circles_end() -> None:
    one = read_one(compose("Re: a", 1, in_reply_to="<m2@sample.example>"))
    two = read_one(compose("Re: a", 2, in_reply_to="<m1@sample.example>"))
    assert list(answers([one, two])) == []


def test_all_kinds_of_tags_are_known_and_those_sent_by_another_are_marked() -> None:
    (series,), given = read("tags-sent-by-another")
    kinds = {one.tag.kind for one in tags_on(series.patches[0], series, given)}
    assert kinds >= {"Reported-by", "Fixes", "Closes", "Link", "Co-developed-by", "Suggested-by", "Nacked-by"}
    replies = [one for one in given if one.mail != one.on]
    assert [(one.tag.kind, one.foreign) for one in replies] == [
        ("Tested-by", True),
        ("Reviewed-by", False),  # the same name, from another machine
        ("Nacked-by", False),  # `Roth, Mia` is Mia Roth
    ]


@pytest.mark.parametrize(
    ("named", "sender", "foreign"),
    [
        ("Bo <bo@intel.example>", "Bo <bo@linux.intel.example>", False),
        ("Bo <bo+kernel@b.example>", "B <bo@b.example>", False),
        ("Bo <bo@b.example>", "B <bo@b.example>", False),
        ("Bo L <bo@b.example>", "Dee <dee@b.example>", True),
        ("Bo <x@b.example>", "Bo <y@c.example>", False),
        ("Bo L <x@b.example>", "Bo M <y@c.example>", True),
        ("Bo", "<y@c.example>", True),
    ],
)
def test_who_sends_a_tag_under_another_address(named: str, sender: str, foreign: bool) -> None:
    patch = read_one(compose("[PATCH] a", 1, "Log.\n"))
    body = f"Acked-by: {named}\n"
    reply = read_one(compose("Re: [PATCH] a", 2, body, sender, in_reply_to="<m1@sample.example>"))
    (given,) = tags_given(group([patch])[0], answers([patch, reply]))
    assert given.foreign == foreign


def test_a_mailmap_may_say_that_two_addresses_are_one_human() -> None:
    patch = read_one(compose("[PATCH] a", 1, "Log.\n"))
    reply = compose("Re: [PATCH] a", 2, "Acked-by: Bo L <x@b.example>\n", "B <y@c.example>", in_reply_to="<m1@sample.example>")  # fmt: skip
    humans = {frozenset({"x@b.example", "y@c.example"})}

    def same_human(one: Person, other: Person) -> bool:
        return frozenset({one.address, other.address}) in humans

    (given,) = tags_given(group([patch])[0], answers([patch, read_one(reply)]), same_human)
    assert not given.foreign


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        ("tags-below-the-dashes", ["Signed-off-by Ana Brenner"]),
        ("tags-below-a-diff-in-a-reply", ["Signed-off-by Ana Brenner", "Reviewed-by Bo Lindqvist"]),
        ("tags-in-flowed-text-after-a-quote", ["Signed-off-by Ana Brenner", "Reviewed-by Bo Lindqvist"]),
        (
            "tags-wrapped",
            [
                'Fixes 0123456789ab ("mm: A very long title that a mail program broke in two")',
                "Signed-off-by Ana Brenner",
                "Reviewed-by A Reviewer With A Very Long Name",
            ],
        ),
    ],
)
def test_what_counts_as_a_tag(name: str, tags: list[str]) -> None:
    (series,), given = read(name)
    assert short(tags_on(series.patches[0], series, given)) == tags


def test_a_reply_whose_re_was_forgotten_is_a_reply_all_the_same() -> None:
    (series,), given = read("tags-in-a-reply-without-re")
    assert [short(tags_on(patch, series, given))[1:] for patch in series.patches] == [["Tested-by Dee Okafor"]] * 2


def test_from_version_to_version_tags_are_kept_carried_or_dropped() -> None:
    (first, second), given = read("tags-kept-carried-dropped")
    followed = list(followed_tags(second, first, given))
    assert [(one.fate, one.patch.subject.part, one.given.tag.kind) for one in followed] == [
        (Fate.KEPT, 1, "Reviewed-by"),
        (Fate.CARRIED, 2, "Reviewed-by"),
        (Fate.DROPPED, 3, "Reviewed-by"),
    ]


def test_a_tag_that_was_given_again_was_not_dropped() -> None:
    (first, second), given = read("tags-kept-carried-dropped")
    patch = second.patches[2]
    again = compose(f"Re: {patch.subject}", 9, "Reviewed-by: Bo Lindqvist <bo@kernelworks.example>\n", "Bo Lindqvist <bo@kernelworks.example>", in_reply_to=f"<{patch.message_id}>")  # fmt: skip
    mails: list[Mail] = [patch, read_one(again)]
    more = tags_given(second, answers(mails))
    assert Fate.DROPPED not in {one.fate for one in followed_tags(second, first, (*given, *more))}
