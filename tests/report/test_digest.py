import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.chat.post import CLASSIC, MARKDOWN
from chatbot.chat.styled import DIALECT, plain_text
from chatbot.mail.chronicler import chronicle_of
from chatbot.mail.mail import Mail
from chatbot.mail.people import People
from chatbot.people import read_people
from chatbot.read import read
from chatbot.report.assembly import build
from chatbot.report.digest import Digest, MailingList
from chatbot.report.document import SCHEMA, document, to_json
from chatbot.report.render import Renderer
from chatbot.report.window import Window
from chatbot.sources.public_inbox import PublicInbox
from chatbot.sources.source import Span
from tests.conftest import NOON, TESTS, compose, read_one, thread

KVM = MailingList("kvm", "KVM", "https://lore.example/kvm/")
ROOT = TESTS.parent

# Whom no file knows.
NOBODY = People()
WINDOW = Window((Span(0, "a" * 40, "b" * 40),))


def digest(*mails: Mail, window: Window = WINDOW, people: People = NOBODY, at: datetime = NOON) -> Digest:
    return build(KVM, window, chronicle_of(mails, people), people, at)


def patches(*authors: str) -> list[Mail]:
    return [read_one(compose("[PATCH] a", number, sender=author)) for number, author in enumerate(authors)]


def rows(made: Digest) -> list[str]:
    return [row.person.written for row in made.contributors]


def test_rows_are_ranked_by_count_and_ties_by_letters_from_the_end() -> None:
    authors = [
        '"Anna" <z@a.example>',
        "anna b <b@a.example>",
        "Anna-C <c@a.example>",
        "Zoe <z@z.example>",
        "Bo <bo@b.example>",
        "Bo <bo@b.example>",
    ]
    assert rows(digest(*patches(*authors))) == [
        "Bo <bo@b.example>",
        "Zoe <z@z.example>",
        '"Anna" <z@a.example>',
        "Anna-C <c@a.example>",
        "anna b <b@a.example>",
    ]


@given(
    st.lists(
        st.sampled_from(["A <a@x.example>", '"A" <a@x.example>', "b <b@Y.example>", "C-c <c@x.example>", "nobody"]),
        max_size=30,
    )
)
def test_every_counted_patch_is_in_both_rankings(authors: list[str]) -> None:
    made = digest(*patches(*authors))
    assert sum(row.patches for row in made.contributors) == made.patches == len(authors)
    assert sum(row.patches for row in made.domains) == sum("@" in author for author in authors)
    assert [row.patches for row in made.contributors] == sorted(
        (row.patches for row in made.contributors), reverse=True
    )


def test_counts_tell_patches_replies_and_people_apart() -> None:
    mails = [
        read_one(compose("[PATCH 0/1] a", 1)),
        read_one(compose("[PATCH 1/1] b", 2, "From: Bo <bo@b.example>\n\nLog", in_reply_to="<m1@sample.example>")),
        read_one(compose("Re: [PATCH 1/1] b", 3, sender="Di <di@d.example>", in_reply_to="<m2@sample.example>")),
        read_one(compose("[RFC 1/1] no word", 4)),
        read_one(compose("[GIT PULL] c", 5)),
        read_one(compose("a question", 6, date="nonsense")),
    ]
    made = digest(*mails)
    assert (made.mails, made.patches, made.replies, made.people, made.defects) == (6, 2, 1, 3, 1)
    assert [one.standing.title for one in made.series] == ["c", "no word", "a"]
    assert made.headline == "6 mails from 3 people: 3 new series, 2 patches, 1 reply."


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("series-part-rerolled", "7 patches, 1 of them sent anew"),
        ("series-part-rerolled-with-a-point", "2 patches, 1 of them sent anew"),
        ("series-number-given-twice", "3 patches"),
        ("series-five-of-seven", "5 of 7 patches"),
    ],
)
def test_a_face_says_how_much_of_a_series_is_there_and_what_was_sent_anew(name: str, said: str) -> None:
    made = digest(*thread(name))
    assert f", {said}, Ana" in Renderer().render(MARKDOWN, "digest", digest=made)
    assert f" · {said} · Ana" in plain_text(Renderer().render(DIALECT, "digest", digest=made))


def test_the_classic_text_of_a_window_without_patches_is_its_headings() -> None:
    text = Renderer().render(CLASSIC, "classic", digest=digest(read_one(compose("hello", 1))))
    assert text == (
        "From aaaaaaaaa to bbbbbbbbb\nKVM mailing list update from aaaaaaaaa to bbbbbbbbb\n\n"
        "Top 15 contributor Email domains (Based on Email Body)\n\n\n"
        "Top 15 contributors (Based on Email Body)\n\n\n"
        "===== Patch list in this time period =====\n\n\n===== Patch Commit Messages ====\n\n"
    )


def test_the_classic_rankings_end_at_fifteen_and_the_document_has_all() -> None:
    made = digest(*patches(*(f"A{number:02} <a@d{number:02}.example>" for number in range(20))))
    text = Renderer().render(CLASSIC, "classic", digest=made)
    assert len(re.findall(r"^      1 d", text, re.MULTILINE)) == 15
    assert len(re.findall(r"^      1  A", text, re.MULTILINE)) == 15
    assert len(document(made)["contributors"]) == len(document(made)["domains"]) == 20


def test_a_posting_needs_attention_for_one_reason() -> None:
    """A NACK is more urgent than that a patch is missing."""
    half = read_one(compose("[PATCH 1/2] half of it", 1))
    nack = compose("Re: [PATCH 1/2] half of it", 2, "NACK.\n", "Bo <bo@b.example>", in_reply_to="<m1@sample.example>")
    later = read_one(compose("[PATCH] the next day", 3), NOON + timedelta(days=1))
    assert [one.words for one in digest(half, later).attention] == ["1 patch of 2 not seen on the list"]
    assert [one.words for one in digest(half, read_one(nack), later).attention] == ["NACK by Bo"]


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("[PATCH 1/2] a", "b  v1 · Ana · 1 of 2 patches, said by Bo"),
        ("[PATCH 0/2] b", "b  v1 · Ana · said by Bo"),
        ("[GIT PULL] c", "c  pull request · Ana · said by Bo"),
    ],
)
def test_what_was_applied_in_part_is_not_said_to_be_applied_whole(subject: str, said: str) -> None:
    posted = ["[PATCH 0/2] b", "[PATCH 1/2] a", "[PATCH 2/2] a", "[GIT PULL] c"]
    mails = [read_one(compose(each, number, "Log")) for number, each in enumerate(posted)]
    above = f"<m{posted.index(subject)}@sample.example>"
    mails.append(read_one(compose(f"Re: {subject}", 9, "Applied, thanks.\n", "Bo <bo@b.example>", in_reply_to=above)))
    made = digest(*mails)
    assert f"\nApplied\n  {said}\n" in plain_text(Renderer().render(DIALECT, "digest", digest=made))
    assert said.replace(" · ", ", ").partition("  ")[2] in Renderer().render(MARKDOWN, "digest", digest=made)


def test_what_a_mail_says_reaches_the_classic_text_unchanged() -> None:
    body = "{{ 7 * 7 }} {% raw %} <b>&amp;</b> \x1b[31m [bold]\n"
    text = Renderer().render(CLASSIC, "classic", digest=digest(read_one(compose("[PATCH] {{ title }} <i>", 1, body))))
    assert f"New:  {{{{ title }}}} <i>\n[PATCH] {{{{ title }}}} <i>\nAuthor: Ana <ana@a.example>\n\n{body}\n---" in text


def sample_digest(sample: dict[str, Path], *more: Mail, people: People = NOBODY) -> Digest:
    """Of all of the sample, as it stood on its last evening."""
    with PublicInbox("kvm", sample["kvm"]) as inbox:
        spans = inbox.everything()
        mails = (*(read(raw)[1] for raw in inbox.mails(spans)), *more)
    return digest(*mails, window=Window(spans), people=people, at=datetime(2025, 11, 14, 18, tzinfo=UTC))


def test_the_faces_of_the_sample_are_the_ones_that_were_read_and_found_good(sample: dict[str, Path]) -> None:
    made = sample_digest(sample)
    faces = {
        "classic.txt": Renderer().render(CLASSIC, "classic", digest=made),
        "terminal.txt": plain_text(Renderer().render(DIALECT, "digest", digest=made)),
        "markdown.md": Renderer().render(MARKDOWN, "digest", digest=made),
        "document.json": to_json(made),
    }
    for name, face in faces.items():
        assert face == (TESTS / "golden" / f"sample-kvm-{name}").read_text(), name


def test_the_document_describes_itself_in_the_docs(sample: dict[str, Path]) -> None:
    """Every field of the document is named in docs/json.md, and the schema's version with them."""
    text = (ROOT / "docs" / "json.md").read_text()

    def names(value: object) -> set[str]:
        if isinstance(value, dict):
            return set(value) | {name for inner in value.values() for name in names(inner)}
        return {name for inner in value for name in names(inner)} if isinstance(value, list) else set()

    half = read_one(compose("[PATCH 1/2] half of it", 1))
    report = read_one(compose("it does not build", 2, sender="kernel test robot <lkp@intel.com>"))
    made = json.loads(to_json(sample_digest(sample, half, report, people=read_people())))
    assert made["attention"]
    assert made["bots"]
    assert {name for name in names(made) if f"`{name}`" not in text} == set()
    assert SCHEMA in text
