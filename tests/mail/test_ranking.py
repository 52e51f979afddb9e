"""Authors and reviewers are two rankings, of humans."""

from chatbot.mail.bots import Bots
from chatbot.mail.mail import Mail
from chatbot.mail.mailmap import Mailmap
from chatbot.mail.organisations import Organisations
from chatbot.mail.people import People
from chatbot.mail.person import Person
from chatbot.mail.ranking import Rank, Sent, rank
from tests.conftest import NOON, TESTS, compose, read_one, situation

BOTS = Bots.parse((TESTS.parent / "config" / "bots.example.toml").read_text(), "bots.example.toml")
PEOPLE = People(
    Mailmap.parse("Ana Brenner <ana@northgate.example> <ana@gmail.example>\n"),
    Organisations.parse(
        'providers = ["gmail.example"]\n[domains]\nNorthgate = "northgate.example"\n'
        '[[rules]]\norganisation = "Freehold"\naddress = "bo@gmail.example"\n',
        "organisations.toml",
    ),
    BOTS,
)
ANA, BO = "Ana Brenner <ana@northgate.example>", "Bo Lindqvist <bo@kernelworks.example>"


def patch(number: int, sender: str, body: str = "Log.\n") -> Mail:
    return read_one(compose(f"[PATCH {number}/9] a", number, body, sender))


def reply(number: int, sender: str, body: str) -> Mail:
    return read_one(compose("Re: [PATCH 1/9] a", number, body, sender, in_reply_to="<m1@sample.example>"))


def shown(ranks: tuple[Rank, ...]) -> list[tuple[str, str, int]]:
    return [(one.person.label, one.organisation.name, one.mails) for one in ranks]


def test_authors_and_reviewers_are_ranked_apart() -> None:
    mails = [
        patch(0, ANA),
        patch(1, ANA, "Reviewed-by: Ana Brenner <ana@northgate.example>\n"),
        patch(2, BO),
        reply(3, BO, f"Reviewed-by: {BO}\nTested-by: {BO}\n"),
        reply(4, BO, f"> Reviewed-by: {ANA}\n\nWhy?\n"),
        reply(5, BO, f"Signed-off-by: {BO}\nReported-by: {BO}\n"),
    ]
    mails.append(read_one(compose("[RFC 1/2] a", 6, f"Acked-by: {ANA}\n", ANA)))
    found = rank(map(Sent.of, mails), PEOPLE)
    assert shown(found.authors) == [("Ana Brenner", "Northgate", 2), ("Bo Lindqvist", "kernelworks.example", 1)]
    assert shown(found.reviewers) == [("Bo Lindqvist", "kernelworks.example", 1)]


def test_one_human_behind_several_addresses_is_ranked_once() -> None:
    mails = [
        patch(1, "ana <ANA@gmail.example>"),
        patch(2, "Ana via B4 Relay <devnull+ana.northgate.example@kernel.org>"),
        patch(3, "Bo <bo@kernelworks.example>", f"From: {ANA}\n\nLog.\n"),
        patch(4, ANA),
        reply(5, "ana@gmail.example", f"Acked-by: {ANA}\n"),
    ]
    found = rank(map(Sent.of, mails), PEOPLE)
    assert shown(found.authors) == [("Ana Brenner", "Northgate", 4)]
    assert shown(found.reviewers) == [("Ana Brenner", "Northgate", 1)]


def test_a_tag_that_somebody_else_sends_makes_no_reviewer() -> None:
    assert rank([Sent.of(reply(1, BO, f"Reviewed-by: {ANA}\n"))], PEOPLE).reviewers == ()


def test_bots_are_counted_apart_and_never_as_authors_or_reviewers() -> None:
    names = ["bot-kernel-test-robot", "bot-stable-autosel", "bot-tip", "bot-of-a-forge", "bot-syzbot", "bot-syzbot"]
    mails = [situation(name) for name in names]
    mails.append(reply(7, "kernel test robot <lkp@intel.com>", "Tested-by: kernel test robot <lkp@intel.com>\n"))
    mails.append(patch(8, ANA, "From: dependabot[bot] <d@users.noreply.github.com>\n\nLog.\n"))
    found = rank(map(Sent.of, mails), PEOPLE)
    assert (found.authors, found.reviewers) == ((), ())
    assert [(bot.name, count) for bot, count in found.bots] == [
        ("kernel test robot", 2), ("syzbot", 2), ("AUTOSEL", 1), ("dependabot", 1), ("tip-bot", 1),
    ]  # fmt: skip


def test_without_files_all_are_human_and_of_their_domain() -> None:
    mails = [situation("bot-of-a-forge"), patch(2, ANA), patch(3, BO), patch(4, BO)]
    found = rank(map(Sent.of, mails), People())
    assert shown(found.authors) == [
        ("Bo Lindqvist", "kernelworks.example", 2),
        ("Ana Brenner", "northgate.example", 1),
        ("dependabot[bot]", "github.com", 1),
    ]
    assert found.bots == ()


def test_two_humans_of_one_name_are_ranked_apart() -> None:
    senders = ("Wei Wang <wei@a.example>", "Wei Wang <wei@b.example>", "Wei Wang", "Wei Wang via L <l@l.example>")
    mails = [patch(number, sender) for number, sender in enumerate(senders)]
    assert [one.mails for one in rank(map(Sent.of, mails), PEOPLE).authors] == [1, 1, 1, 1]


def test_somebody_is_of_the_organisation_that_either_address_tells() -> None:
    assert PEOPLE.organisation(Person.parse("ana@gmail.example"), NOON).name == "Northgate"
    assert PEOPLE.organisation(Person.parse("bo@gmail.example"), NOON).name == "Freehold"
    assert PEOPLE.organisation(Person.parse("ana@gmail.example <ana@gmail.example>"), NOON).name == "Northgate"
    assert PEOPLE.organisation(Person.parse("cy@gmail.example"), NOON).name == "gmail.example"
    moved = People(Mailmap.parse("<bo@gmail.example> <bo@old.example>\n"), PEOPLE.organisations)
    assert moved.organisation(Person.parse("bo@old.example"), NOON).name == "Freehold"
