"""Senders that stand for others are seen through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.mail.person import Person
from chatbot.mail.relay import Behind, Found, each_person, is_relay, see_through
from tests.conftest import compose, read_one, situation

ANA, BO = "Ana Brenner <ana@northgate.example>", "Bo Lindqvist <bo@kernelworks.example>"


@pytest.mark.parametrize(
    ("name", "sent_by", "written_by", "found"),
    [
        ("relayed-by-b4", "Inês Carvalho <ines.carvalho@cloudreach.example>", None, Found.IN_BODY),
        ("relayed-by-b4-a-cover", "Kim Via <Kim.Via@cloudreach.example>", None, Found.REPLY_TO),
        ("relayed-by-b4-a-patch-of-another", ANA, BO, Found.ORIGINAL),
        ("relayed-by-b4-and-nothing-else-said", "Bo Lindqvist <bo.lindqvist@kernelworks.co.uk>", None, Found.ADDRESS),
        ("relayed-by-b4-through-a-list", BO, None, Found.ORIGINAL),
        ("relayed-by-gitgitgadget", BO, None, Found.IN_BODY),
        ("list-rewrites-from-mailman", '"Lindqvist, Bo" <bo@kernelworks.example>', None, Found.REPLY_TO),
        ("list-rewrites-from-google-groups", ANA, None, Found.ORIGINAL),
        ("list-rewrites-from-groups-io", ANA, None, Found.ADDRESS),
        ("list-rewrites-from-a-signed-patch", ANA, None, Found.SIGNED),
    ],
)
def test_the_human_behind_a_relay_is_found(name: str, sent_by: str, written_by: str | None, found: Found) -> None:
    mail = situation(name)
    assert mail.behind == Behind(Person.parse(sent_by), found)
    assert mail.sent_by == Person.parse(sent_by)
    assert mail.written_by == Person.parse(written_by or sent_by)


def test_the_mails_own_spelling_stays_for_the_classic_text() -> None:
    rewritten = situation("list-rewrites-from-mailman")
    assert rewritten.sender.address == rewritten.author.address == "linux-f2fs-devel@lists.sample.example"
    assert situation("relayed-by-b4").sender.name == "Inês Carvalho via B4 Relay"


def test_whom_nothing_vouches_for_has_a_name_and_no_address() -> None:
    """Else all who write through a list would be one human, with the list's address."""
    mail = situation("list-rewrites-from-and-says-no-more")
    assert mail.behind
    assert (mail.behind.found, mail.sent_by.name, mail.sent_by.address) == (Found.NAME, "Wei Wang", "")
    others = ("Wei Wang via Other-list <other-list@lists.sample.example>", "Wei Wang <wei@a.example>", "Wei Wang")
    for other in others:
        assert read_one(compose("a", sender=other)).sent_by.identity != mail.sent_by.identity


def test_the_archives_own_note_says_who_where_the_mail_does_not() -> None:
    mail = read_one(compose("a", sender="Ana via B4 Relay <devnull+ana.a.example@kernel.org>"))  # archived as Ana's
    assert mail.behind == Behind(Person.parse("Ana <ana@a.example>"), Found.ARCHIVED)


def test_a_patch_that_a_maintainer_sends_is_its_authors() -> None:
    mail = situation("sender-stands-for-the-author")
    assert (mail.behind, mail.sent_by.name, mail.written_by.name) == (None, "Ana Brenner", "Inga König")


def test_a_relay_that_has_become_the_author_of_a_commit_is_seen_through() -> None:
    mail = situation("relay-in-the-in-body-from")
    assert mail.author.name == "Bo Lindqvist via B4 Relay"
    assert mail.written_by == Person.parse("Bo Lindqvist <bo@lists.kernelworks.example>")
    assert mail.sent_by == mail.sender == Person.parse(ANA)


@pytest.mark.parametrize(
    ("sender", "human"),
    [
        ("Ana via B4 Submission Endpoint <devnull+ana.a.example@kernel.org>", "Ana <ana@a.example>"),
        ("ana@a.example via B4 Relay <devnull+ana.a.example@kernel.org>", "ana@a.example"),
        ("ana@a.example via Some-list <some-list@a.example>", "ana@a.example"),
        ("B4 Relay <devnull+ana.b.a.example@kernel.org>", "B4 Relay <ana.b@a.example>"),
        ("Ana via X <devnull+ana.a.co.uk@kernel.org>", "Ana <ana@a.co.uk>"),
        ("Ana via X <devnull+ana.co.uk@kernel.org>", "Ana <ana@co.uk>"),
        ("Ana via X <devnull+ana+kvm.a.example@kernel.org>", "Ana <ana+kvm@a.example>"),
        ('"Brenner, Ana via X" <devnull+ana.a.example@kernel.org>', '"Brenner, Ana" <ana@a.example>'),
    ],
)
def test_an_address_that_hides_another_gives_it_away(sender: str, human: str) -> None:
    found = see_through(Person.parse(sender), ()).person
    expected = Person.parse(human)
    assert (found.name, found.address) == (expected.name, expected.address)


def test_b4_relay_is_known_by_its_address_too() -> None:
    mail = read_one(compose("a", sender="Ana <devnull+ana.a.example@kernel.org>"))
    assert (mail.sent_by.name, mail.sent_by.address) == ("Ana", "ana@a.example")


@pytest.mark.parametrize("sender", ["Ana Via <ana@a.example>", "Via Ana <via@a.example>", "viable <a@b.example>", "a via@b.example", ANA, ""])  # fmt: skip
def test_who_is_called_something_like_via_is_no_relay(sender: str) -> None:
    assert not is_relay(Person.parse(sender))
    assert read_one(compose("a", sender=sender)).behind is None


@pytest.mark.parametrize(
    "witness",
    [
        "Eve <eve@e.example>",  # another name
        "Ana <ana@evil.example>",  # the name, but not the address that is hidden
        "Ana via B4 Relay <devnull+ana.a.example@kernel.org>",  # the relay itself
        "Ana <devnull+ana.a.example@kernel.org>",
        "Ana",
        "",
    ],
)
def test_a_witness_who_does_not_fit_is_not_believed(witness: str) -> None:
    sender = Person.parse("Ana via B4 Relay <devnull+ana.a.example@kernel.org>")
    assert see_through(sender, [(Found.REPLY_TO, Person.parse(witness))]).found is Found.ADDRESS


@pytest.mark.parametrize(
    ("sender", "witness"),
    [
        ("Ana B via B4 Relay <devnull+ana.a.example@kernel.org>", "Brenner <ANA@a.example>"),
        ("Ana B via groups.io <ana=a.example@groups.io>", "Brenner <ANA@a.example>"),
        ("Ana B via L <l@lists.example>", "ana b <ana@elsewhere.example>"),
    ],
)
def test_a_witness_who_fits_is_believed_to_the_letter(sender: str, witness: str) -> None:
    person = Person.parse(witness)
    assert see_through(Person.parse(sender), [(Found.REPLY_TO, person)]) == Behind(person, Found.REPLY_TO)


def test_a_relay_that_says_nothing_is_nobody() -> None:
    behind = see_through(Person.parse("devnull+x@kernel.org"), [(Found.REPLY_TO, Person.parse("bo@b.example"))])
    assert (behind.found, behind.person.name, behind.person.address) == (Found.NAME, "", "")


def test_a_list_does_not_vouch_for_others() -> None:
    sender = Person.parse("Ana via L <l@lists.example>")
    for witness in (
        "Ana <L@lists.example>",
        "Ana <devnull+ana.a.example@kernel.org>",
        "l@lists.example",
        "bo@b.example",
        "Bo <bo@b.example>",
    ):
        assert see_through(sender, [(Found.REPLY_TO, Person.parse(witness))]).person.address == ""


@pytest.mark.parametrize(
    ("field", "addresses"),
    [
        ('"Brenner, Ana" <a@a.example>, b@b.example,, C <c@c.example>', ["a@a.example", "b@b.example", "c@c.example"]),
        ("=?utf-8?q?Brenner=2C_Ana?= <a@a.example>", ["a@a.example"]),
        ("nobody, at all", []),
        ('"open quote, a@a.example', ["a@a.example"]),
        ("", []),
    ],
)
def test_a_field_may_name_several(field: str, addresses: list[str]) -> None:
    assert [person.address for person in each_person(field)] == addresses


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_whatever_a_relay_says_there_is_an_answer(name: str, hidden: str, reply_to: str) -> None:
    for address in (f"devnull+{hidden}@kernel.org", f"{hidden}=b.example@groups.io", hidden):
        person = Person.parse(f"{name} via X <{address}>")
        behind = see_through(person, ((Found.REPLY_TO, one) for one in each_person(reply_to)))
        assert " via X" not in behind.person.name
        assert "devnull+" not in behind.person.address or "devnull+" in name + hidden + reply_to
