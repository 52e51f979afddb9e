"""Commands as people type them, answered from the index of the sample archive."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from chatbot.answer import answer
from chatbot.chat.styled import DIALECT, plain_text
from chatbot.commands import COMMANDS
from chatbot.ingest import ingest
from chatbot.mail.bots import Bots
from chatbot.mail.mailmap import Mailmap
from chatbot.mail.organisations import Organisations
from chatbot.mail.people import People
from chatbot.readers import Readers
from chatbot.report.digest import MailingList
from chatbot.report.render import Renderer
from chatbot.sources.public_inbox import PublicInbox
from chatbot.sources.sample import EVENING
from chatbot.store import tables
from chatbot.store.database import open_database, writing
from chatbot.store.index import Index
from chatbot.store.removal import forget
from tests.conftest import NOON, TESTS, add, answered, compose, context_of, read_one, thread

Ask = Callable[[str], str]
KVM_DAY = (
    "KVM mailing list  47 mails (41 more than before) from 10 people:"
    " 3 new series, 1 new version, 34 patches, 12 replies."
)


@pytest.fixture(scope="module")
def ask(sample: dict[str, Path], tmp_path_factory: pytest.TempPathFactory, readers: Readers) -> Iterator[Ask]:
    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('store')}/index.sqlite3")
    index = Index(engine)
    for name, folder in sample.items():
        with PublicInbox(name, folder) as inbox:
            ingest(inbox, index, readers)
    lists = {name: MailingList(name, name.upper(), f"https://lore.example/{name}/") for name in sample}
    context = context_of(engine, lists, now=EVENING)
    yield lambda text: answered(text, context)
    engine.dispose()


@pytest.mark.parametrize(
    "words", ["tdx-connect", "TDX Connect:", "connect tdx", "tdx_connect", "secure SESSIONS tdx", "tdx con", "pci/tsm"]
)
def test_a_series_is_found_by_words_in_any_order_and_case(ask: Ask, words: str) -> None:
    shown = ask(f"/series {words}")
    assert shown.startswith("PCI/TSM: TDX Connect: secure sessions for devices\n  v1 · 26 of 26 patches")


def test_a_series_says_all_there_is_to_say(ask: Ask) -> None:
    assert ask("/series tdx-connect") == (TESTS / "golden" / "series-tdx-connect.txt").read_text()


@pytest.mark.parametrize(
    "words", ["dirty pages v2", "[PATCH v2 0/3] KVM: x86/mmu: Fewer TLB flushes while logging dirty pages"]
)
def test_a_version_chooses_among_the_versions(ask: Ask, words: str) -> None:
    shown = ask(f"/series {words}")
    assert shown.startswith("KVM: x86/mmu: Fewer TLB flushes while logging dirty pages\n  v2 · 3 of 3 patches")
    assert "Also matching" not in shown


@pytest.mark.parametrize(
    "name",
    [
        "gfn-2-3@sample.example",
        "<gfn-2-3@sample.example>",
        "https://lore.kernel.org/kvm/gfn-2-3@sample.example/T/#u",
        "reply-2-gfn-2@sample.example",
    ],
)
def test_a_series_is_found_by_a_link_or_id_of_any_of_its_mails_or_replies(ask: Ask, name: str) -> None:
    shown = ask(f"/series {name}")
    assert shown.startswith("KVM: Speed up the search for a memslot\n  v2 · 5 of 5 patches")
    assert "\n  discussed: replies by Henrik Aas (Kernelworks)\n  3 replies from 2 people\n" in shown
    assert "Also matching" not in shown


def test_a_series_of_which_parts_are_missing_says_so(engine: Engine) -> None:
    index = Index(engine)
    parts = [
        read_one(compose(f"[PATCH {part}/7] KVM: part {part}", part, in_reply_to="<cover@sample.example>"))
        for part in (1, 2, 5, 6, 7)
    ]
    add(index, "kvm", *parts)
    body = answer("/series part 5", context_of(engine), Renderer(), DIALECT).body
    assert "\x1b[31m5 of 7 patches\x1b[0m" in body
    assert [line[:6] for line in plain_text(body).splitlines() if " KVM: part" in line] == [
        "   1  ",
        "   2  ",
        "   5  ",
        "   6  ",
        "   7  ",
    ]


def test_a_long_series_is_shown_page_by_page(ask: Ask) -> None:
    first, second = ask("/series tdx-connect"), ask("/series tdx-1-0@sample.example page 2")
    assert "\n  20  " in first
    assert "\n  21  " not in first
    assert "\n      +6 more: /series tdx-1-0@sample.example page 2\n" in first
    assert second.startswith("PCI/TSM: TDX Connect: secure sessions for devices\n  v1 · patches, page 2 of 2\n\n  21  ")
    assert second.endswith("\n  26  coco/tdx-host: Switch TDX Connect on  Emi Tanaka\n")
    assert ask("/series tdx connect PAGE 2") == second
    assert ask("/series dirty pages page 1") == ask("/series dirty pages")


def test_each_part_of_the_answer_can_be_asked_for_whole(ask: Ask) -> None:
    patches = ask("/series tdx-connect patches")
    assert [line[:4].strip() for line in patches.splitlines() if line[:4].strip().isdigit()] == [
        str(number) for number in range(1, 27)
    ]
    assert '   1  coco/tdx-host: Introduce a "tdx_host" device  +10 −5 in 1 file\n' in patches
    assert ask("/series tdx-connect Tags").endswith(
        "\n  Farid Haddad Acked-by on patches 7\N{EN DASH}8\n  Henrik Aas (Kernelworks) Reviewed-by on patch 1\n"
        "  Bo Lindqvist Reviewed-by on patch 21\n  None yet on patches 2\N{EN DASH}6, 9\N{EN DASH}20, 22\N{EN DASH}26.\n"
    )
    assert ask("/series dirty-3-1@sample.example tags").endswith(
        "\n  Bo Lindqvist Reviewed-by on both patches\n  Emi Tanaka Acked-by on patch 1\n"
    )
    versions = ask("/series dirty pages versions")
    assert [line[2:4] for line in versions.splitlines()[2:] if line[2:3] == "v"] == ["v3", "v2", "v1"]
    assert (
        "4 days after v2: 2 unchanged, 1 dropped  same author and title\n"
        "      https://lore.example/kvm/dirty-3-0@sample.example/\n"
        "      dropped: KVM: x86/mmu: Trace the flushes that were saved\n"
        "        the tracepoint is gone (Emi).\n"
    ) in versions
    assert ask("/series tdx-1-0@sample.example versions").splitlines()[1].endswith(" · 1 version")


def test_a_card_says_the_least_of_a_series_or_of_any_other_mail(ask: Ask, engine: Engine) -> None:
    assert ask("/series dirty-3-1@sample.example card") == (
        "KVM: x86/mmu: Fewer TLB flushes while logging dirty pages\n"
        "  v3 · 2 of 2 patches · Grace Okafor · 2025-11-14 10:20 UTC · kvm\n"
        "  reviewed: every patch has a Reviewed-by or Acked-by; waiting for the maintainer\n"
        "  1 Reviewed-by, 1 Acked-by\n"
        "  https://lore.example/kvm/dirty-3-0@sample.example/\n"
    )
    add(Index(engine), "kvm", read_one(compose("Re: Hello", 1)))
    told = answered("/series https://lore.kernel.org/all/m1%40sample.example/ card", context_of(engine))
    assert told == "Re: Hello\n  Ana · 2025-11-03 12:00 UTC · kvm\n  https://lore.kernel.org/all/m1@sample.example/\n"
    assert "I know no such mail" in answered("/series m9@sample.example card", context_of(engine))


def test_the_word_for_a_part_is_a_word_of_a_title_where_one_has_it(engine: Engine) -> None:
    add(Index(engine), "kvm", read_one(compose("[PATCH] arm64: mte: Clear tags", 1)))
    assert answered("/series mte tags", context_of(engine)).startswith("arm64: mte: Clear tags\n  v1 · 1 patch ·")
    assert answered("/series tags", context_of(engine)).startswith("arm64: mte: Clear tags\n  v1 · 1 patch ·")
    assert " · 1 version\n" in answered("/series mte tags versions", context_of(engine))
    add(Index(engine), "kvm", read_one(compose("[PATCH] ALSA: Fix the sound card", 2)))
    card = answered("/series [PATCH] ALSA: Fix the sound card card", context_of(engine))
    assert card.startswith("ALSA: Fix the sound card\n  v1 · 1 patch · ")
    assert answered("/series [PATCH] ALSA: Fix the sound card", context_of(engine)) != card
    by_id = answered("/series m1@sample.example tags", context_of(engine))
    assert by_id.endswith("\n  Nobody has given it a tag on the lists yet.\n")


def around(engine: Engine, name: str, days: int = 4) -> Ask:
    """Answers from an index that has nothing but one of the threads in tests/mails, some days after it."""
    add(Index(engine), "kvm", *thread(name))
    context = context_of(engine, now=NOON + timedelta(days=days))
    return lambda text: answered(text, context)


def test_open_questions_are_shown_with_who_asked_what_on_which_part(engine: Engine) -> None:
    told = around(engine, "questions-in-a-thread")("/series filter").partition("\nOpen questions\n")[2]
    assert told.splitlines()[:4] == [
        "  Isn't this called with the lock held?",
        "  We could take it in f(), i.e. before the call. Thoughts?",
        "      Bo Lindqvist · 2025-11-03 10:01 · on patch 1 · no reply seen",
        "      https://lore.kernel.org/all/open@questions-in-a-thread.example/",
    ]


def test_a_question_about_an_older_version_is_shown_there_with_what_came_after_it(engine: Engine) -> None:
    asked = around(engine, "questions-before-a-new-version")
    assert "  Why say it at all?\n" not in asked("/series filter")
    assert (
        "  Why say it at all?\n      Bo Lindqvist · 2025-11-03 10:01 · on the cover · no reply seen; v2 came after it\n"
        in asked("/series filter v1")
    )


def test_many_and_long_questions_are_cut(engine: Engine) -> None:
    body = "Why " + "so long, " * 30 + "as it is?\n" + "Is it?\n" * 6
    reply = read_one(compose("Re: [PATCH] x", 2, body, "Bo <bo@b.example>", in_reply_to="<m1@sample.example>"))
    add(Index(engine), "kvm", read_one(compose("[PATCH] x", 1)), reply)
    shown = answered("/series x", context_of(engine))
    told = plain_text(shown).partition("\nOpen questions\n")[2].splitlines()
    assert told[0].endswith(" so long,…")
    assert len(told[0]) <= len("  ") + 160
    assert [told[4], told[-1]] == ["  Is it?", "  +2 more"]


def test_a_stale_series_says_how_far_it_had_come(engine: Engine) -> None:
    asked = around(engine, "state-nack", days=200)
    assert "\n  stale: changes asked, nothing seen on the list since 2025-11-" in asked("/series filter")


def test_a_series_that_was_split_is_told_by_time_and_says_what_each_is_compared_with(engine: Engine) -> None:
    """One half's v2 comes in after the other's v3."""
    half = "Filters that trace"
    mails = thread("lineage-split-in-two")
    heads = {mail.message_id for mail in mails if half in mail.subject.title}
    late = {mail.message_id for mail in mails if heads.intersection((mail.message_id, *mail.parents))}
    moved = (
        replace(one, received=one.received + timedelta(days=6)) if one.message_id in late else one for one in mails
    )
    add(Index(engine), "kvm", *moved)
    context = context_of(engine, now=NOON + timedelta(days=12))
    shown = answered("/series filters talk", context)
    assert shown.partition("\nVersions\n")[2].splitlines() == [
        "  v1  2025-11-03 09:01  4 patches",
        "      mm: Filters",
        "  v2  2025-11-07 09:06  2 patches, 2 unchanged, 2 dropped  2 of 2 patches",
        "  v3  2025-11-12 09:12  2 patches, 2 unchanged  same author and title",
        "  v2  2025-11-14 09:09  2 patches, 2 unchanged, 2 dropped  2 of 2 patches",
        "      mm: Filters that trace",
        "      compared with v1 of 2025-11-03 09:01: mm: Filters",
    ]


def test_a_series_is_found_by_the_letter_that_opens_it(engine: Engine) -> None:
    asked = around(engine, "series-letter-with-an-odd-tag")
    letter = "letter@series-letter-with-an-odd-tag.example"
    shown = asked(f"/series {letter}")
    assert shown.splitlines()[3] == f"  https://lore.kernel.org/all/{letter}/"
    assert shown == asked("/series count refusals")


def test_the_versions_of_a_series_are_a_timeline(ask: Ask) -> None:
    shown = ask("/series dirty pages")
    assert shown.startswith("KVM: x86/mmu: Fewer TLB flushes while logging dirty pages\n  v3 · 2 of 2 patches")
    assert "Also matching" not in shown  # the others are versions of the same
    versions = shown.partition("\nVersions\n")[2].partition("\n\n")[0].splitlines()
    assert versions == [
        "  v1  2025-11-03 13:05  3 patches",
        "  v2  2025-11-10 09:00  3 patches, 3 unchanged; tags: 2 dropped  same author and title",
        "  v3  2025-11-14 10:20  2 patches, 2 unchanged, 1 dropped  same author and title",
    ]
    assert "\nWhat has changed in v3, says its author\n  the tracepoint is gone (Emi).\n" in shown


def test_several_series_that_match_are_listed_with_the_best_one_open(ask: Ask) -> None:
    shown = ask("/series kvm")
    others = shown.partition("\nAlso matching\n")[2].splitlines()
    assert len(others) > 2
    assert shown.splitlines()[0] not in {line.strip().partition("  v")[0] for line in others}


@pytest.mark.parametrize(
    "name",
    [
        "pull-1-1@sample.example",
        "https://lore.kernel.org/all/reply-0-pull-1@sample.example/",
        "kvm/arm64 fixes take",
        "[GIT PULL] KVM/arm64 fixes for 6.18, take 2",
        "filter leaks on teardown",
    ],
)
def test_a_pull_request_is_found_like_a_series_and_has_no_parts(ask: Ask, name: str) -> None:
    shown = ask(f"/series {name}").removeprefix("No title has these words; in this series they are said.\n")
    assert shown == (
        "KVM/arm64 fixes for 6.18, take 2\n"
        "  pull request\n"
        "  by Chiara Rossi <chiara.rossi@northgate.example> · 2025-11-05 12:00 UTC · kvm\n"
        "  https://lore.example/kvm/pull-1-1@sample.example/\n"
        "\n"
        "  applied: said to be applied\n"
        "  1 reply from 1 person\n"
    )


def test_pull_requests_of_one_thread_are_told_apart_and_patches_come_first(engine: Engine) -> None:
    """A bot answers each when it is merged; the words of a patch's title are no pull request's."""
    top = "<m1@sample.example>"
    add(
        Index(engine),
        "soc",
        read_one(compose("[GIT PULL 0/2] soc: updates for 6.19", 1)),
        read_one(compose("[GIT PULL 1/2] soc: drivers for 6.19", 2, in_reply_to=top)),
        read_one(compose("[GIT PULL 2/2] soc: device trees for 6.19", 3, in_reply_to=top)),
        read_one(
            compose(
                "Re: [GIT PULL 2/2] soc: device trees for 6.19",
                4,
                "The pull request you sent on Monday:\n\n> git://x\n\nhas been merged into torvalds/linux.git:\nhttps://x\n",
                in_reply_to="<m3@sample.example>",
                references=f"{top} <m3@sample.example>",
                sender="pr-tracker-bot@kernel.org",
            )
        ),
        read_one(compose("[PATCH] soc: drivers need a lock", 5)),
    )
    context = context_of(engine)

    def ask(text: str) -> str:
        return answered(f"/series {text}", context)

    assert "\n  pull request 2 of 2\n" in ask("device trees")
    assert "\n  applied: said to be applied\n  1 reply from 1 person\n" in ask("device trees")
    for other in ("m1@sample.example", "m2@sample.example"):
        assert "\n  new: posted\n  no reply seen on the list\n" in ask(other)
    assert ask("soc drivers").startswith("soc: drivers need a lock\n  v1 · 1 patch ")
    assert ask("soc 6.19").startswith("soc: device trees for 6.19\n  pull request 2 of 2\n")
    assert "\nAlso matching\n  soc: drivers for 6.19  v1" in ask("soc 6.19")
    with writing(engine) as connection:
        for number in connection.execute(select(tables.seen.c.id)).scalars().all():
            forget(connection, 1, number)
    assert ask("soc 6.19").startswith("No series matches")


def test_a_series_on_two_lists_says_so_and_links_to_the_first(ask: Ask) -> None:
    shown = ask("/series firmware version")
    assert "· kvm, linux-coco\n  https://lore.example/kvm/sev-1-0@sample.example/" in shown
    assert shown.count("      Reviewed-by Henrik Aas (Kernelworks)\n") == 2
    assert "      Tested-by Grace Okafor\n" in shown
    assert "\n  first seen as v2\n" in shown
    assert "\n  waiting for the maintainer for 7 business days\n" in shown


@pytest.mark.parametrize(
    "words",
    [
        "marc",
        "Ziegler",
        "MARC ZIEG",
        "marc@kernelworks.example",
        "<Marc@Kernelworks.example>",
        "M. Z. <marc@kernelworks.example>",
    ],
)
def test_a_contributor_is_found_by_a_name_a_part_of_one_or_an_address(ask: Ask, words: str) -> None:
    assert ask(f"/contributor {words}") == (TESTS / "golden" / "contributor-marc.txt").read_text()


def test_what_no_title_has_is_looked_for_in_what_was_said(ask: Ask) -> None:
    told = ask("/series guest slots nearly everybody").splitlines()
    assert told[0] == "No title has these words; in this series they are said."
    assert told[1] == ask("/series search memslot").splitlines()[0]
    assert ask("/series guest slots nearly nobody").startswith("No series matches")


def test_authors_of_patches_that_others_sent_are_contributors(ask: Ask) -> None:
    shown = ask("/contributor dvolkov@silicon.example")
    assert "4 patches · 2 replies" in shown
    assert "gave 1 Acked-by, 1 Reviewed-by" in shown or "gave 1 Reviewed-by, 1 Acked-by" in shown


def test_several_people_are_listed_by_name_and_then_by_how_busy_they_are(ask: Ask) -> None:
    first, _, others = ask("/contributor kernelworks").partition("Also matching\n")
    assert first.startswith("Henrik Aas (Kernelworks) <henrik@kernelworks.example>")
    assert others.splitlines() == [
        "  Marc Ziegler <marc@kernelworks.example>",
        "  Bo Lindqvist <bo@kernelworks.example>",
    ]


@pytest.mark.parametrize(
    ("command", "said", "closest"),
    [
        ("/series tdx conect", "No series matches tdx conect.", "PCI/TSM: TDX Connect: secure sessions for devices"),
        ("/series 100%_", "No series matches 100%_.", ""),
        ("/series nobody@nowhere.example", "No series matches nobody@nowhere.example.", ""),
        (f"/series zq {'x' * 300}", "No series matches zq….", ""),
        (f"/contributor {'zqx ' * 30}", f"No contributor matches {'zqx ' * 18}zqx….", ""),
        ("/contributor mark zigler", "No contributor matches mark zigler.", "Marc Ziegler"),
        (
            "/contributor bo@kernelwork.example",
            "No contributor matches bo@kernelwork.example.",
            "bo@kernelworks.example",
        ),
    ],
)
def test_no_match_says_so_and_names_the_closest(ask: Ask, command: str, said: str, closest: str) -> None:
    first, *others = ask(command).splitlines()
    assert first == said
    assert closest in "\n".join(others)


@pytest.mark.parametrize(
    ("command", "headline"),
    [
        ("/digest", KVM_DAY),
        ("/digest kvm", KVM_DAY),
        ("/digest 1d", KVM_DAY),
        (
            "/digest linux-coco 2025-11-04 2025-11-05",
            "LINUX-COCO mailing list  3 mails from 1 person: 1 new version, 3 patches.",
        ),
        ("/digest 1d kvm", KVM_DAY),
        ("/digest kvm since 1d", KVM_DAY),
        (
            "/digest 2025-11-04..2025-11-05 linux-coco",
            "LINUX-COCO mailing list  3 mails from 1 person: 1 new version, 3 patches.",
        ),
        ("/digest KVM 3", "KVM mailing list  3 mails (10 fewer than before) from 2 people: 2 replies."),
        ("/digest kvm 2025-11-08 2025-11-09", "KVM mailing list  Nothing new."),
    ],
)
def test_a_digest_for_the_asking(ask: Ask, command: str, headline: str) -> None:
    assert ask(command).splitlines()[0] == headline


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("/series", "/series: it needs words to look for; type /series WORDS | MESSAGE-ID | LINK [patches | versions | tags | card], such as /series tdx-connect."),
        ("/series tdx-connect patches page 2", "page 2: this series has 1 page of patches; name one of 1 to 1."),
        ("/series tdx-connect page 3", "page 3: this series has 2 pages of patches; name one of 1 to 2."),
        ("/series dirty pages page 0", "page 0: this series has 1 page of patches; name one of 1 to 1."),
        ("/series https://lore.kernel.org/nvdimm/", "nvdimm: this link names a list and no mail; give the link to a mail of it, or words of a title, such as /series tdx-connect."),
        ("/contributor  ", "/contributor: it needs a name or an address; type /contributor NAME | ADDRESS, such as /contributor marc."),
        ("/digest kvn", "'kvn': there is no such list; name one of kvm."),
        ("/digest kvm yesterday", "'yesterday': this is no time; write 7d, 12h, 2w, 2025-11-10, or 2025-11-10T08:00."),
        ("/digest 2025-11-05 2025-11-04", "'2025-11-05 2025-11-04': this window ends before it begins; name the earlier time first."),
        ("/digest kvm 1d 2d 3d", "'1d 2d 3d': this is no window; type /digest [LIST] [WINDOW] | ID [text] | diff ID ID, such as /digest kvm 7d."),
        ("/digest kvm 0", "0: this is no number of mails; write 1 or more."),
        ("/digest kvm 2099-01-01", "'2099-01-01': this is still to come; write 7d, 12h, 2w, 2025-11-10, or 2025-11-10T08:00."),
        ("/digest kvm 0001-01-01T00:00+10:00", "'0001-01-01T00:00+10:00': this is no time; write 7d, 12h, 2w, 2025-11-10, or 2025-11-10T08:00."),
        ("/help nothing", "/nothing: there is no such command; there are /series, /contributor, /digest, /activity, /subsystems, /subscribe, /unsubscribe, /subscriptions, /pause, /resume, /watch, /why, /whynot, /help."),
        ("/sereis x", "'/sereis': this is no command of mine; type /series."),
        ("/digest 9999 9999 9999", "'9999 9999 9999': this is no window; type /digest [LIST] [WINDOW] | ID [text] | diff ID ID, such as /digest kvm 7d."),
        ("hello", "'hello': this is no command of mine; type /help."),
    ],
)  # fmt: skip
def test_words_that_make_no_sense_are_answered_with_the_remedy(ask: Ask, command: str, said: str) -> None:
    assert ask(command) == f"{said}\n"


def test_help_names_every_command_with_an_example_that_works(ask: Ask) -> None:
    shown = ask("/help")
    for command in COMMANDS:
        assert f"{command.usage}\n  {command.help}\n" in shown
        for example in command.examples:
            assert example in shown
            assert "no command" not in ask(example)
    assert "Lists: kvm, linux-coco" in shown
    assert ask("/help series").splitlines()[0] == COMMANDS[0].usage


def test_nothing_at_all_is_a_question_for_help(ask: Ask) -> None:
    assert ask("  ") == ask("/help")


def test_typographers_signs_are_what_people_meant(ask: Ask) -> None:
    assert ask("/series\u00a0filter’s range") == ask("/series filter's range")


MAILMAP = """
Ana Brenner <ana@new.example> <ana@old.example>
Ana Brenner <ana@new.example> Ana <shared@x.example>
Carl <carl@never-wrote.example> <carl@c.example>
"""
ORGANISATIONS = '[domains]\nFreehold = "new.example"\n'
BOTS = '[[bots]]\nbot = "kernel test robot"\nkind = "test"\naddress = "lkp@i.example"\n'


@pytest.fixture
def known(engine: Engine) -> Ask:
    """Answers of a bot that knows a few people."""
    senders = (
        "Ana <ana@OLD.example>",
        "A. Brenner <ana@new.example>",
        "Ana <shared@x.example>",
        "ana <shared@x.example>",
    )
    others = (
        "Bo <shared@x.example>",
        "Carl <carl@c.example>",
        "kernel test robot <lkp@i.example>",
        "Ana <ana@z.example>",
    )
    add(
        Index(engine), "kvm", *(read_one(compose("[PATCH] x", n, sender=who)) for n, who in enumerate(senders + others))
    )
    rules = Organisations.parse(ORGANISATIONS, "organisations"), Bots.parse(BOTS, "bots")
    context = context_of(engine, people=People(Mailmap.parse(MAILMAP), *rules))
    return lambda text: answered(text, context)


@pytest.mark.parametrize("text", ["ana@new.example", "ana@old.example", "ANA@old.example", "brenner"])
def test_one_human_is_one_whatever_the_address(known: Ask, text: str) -> None:
    shown = known(f"/contributor {text}").splitlines()
    assert shown[0] == "Ana Brenner <ana@new.example> · Freehold"
    assert shown[1] == "  also ana@old.example, shared@x.example"
    assert shown[2].startswith("  4 patches · ")
    assert "Also matching" not in shown


def test_who_writes_from_anothers_address_or_has_anothers_name_is_another(known: Ask) -> None:
    assert known("/contributor bo").startswith("Bo <shared@x.example>\n  1 patch ")
    assert "\n  Bo <shared@x.example>" in known("/contributor shared@x.example")
    found = known("/contributor ana")
    assert found.startswith("Ana Brenner <ana@new.example> · Freehold\n")
    assert "\n  Ana <ana@z.example>" in found


def test_an_address_that_nobody_wrote_from_finds_whose_it_is(known: Ask) -> None:
    assert known("/contributor carl@never-wrote.example").startswith(
        "Carl <carl@never-wrote.example>\n  also carl@c.example\n  1 patch "
    )


def test_a_bot_is_called_one(known: Ask) -> None:
    assert known("/contributor robot").startswith("kernel test robot <lkp@i.example> · a bot (test)\n")


@pytest.mark.parametrize("text", ["%", '"', "*", "(", "\N{PARTY POPPER}"])
def test_what_has_no_letters_is_like_nothing(ask: Ask, text: str) -> None:
    assert ask(f"/series {text}") == f"No series matches {text}.\n"


def test_a_version_alone_names_no_series(ask: Ask) -> None:
    assert "/series v2: this names no series; type /series WORDS" in ask("/series v2")
