"""Real archives: what a hidden hand wrote, and what five years of one list hold."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from chatbot.chat.post import CLASSIC
from chatbot.mail.bots import Bots
from chatbot.mail.chronicle import letters_of
from chatbot.mail.diff import Diffstat
from chatbot.mail.grouping import group, postings
from chatbot.mail.mail import Mail
from chatbot.mail.part import parts_of
from chatbot.mail.people import People
from chatbot.read import read
from chatbot.report.assembly import build
from chatbot.report.digest import MailingList
from chatbot.report.render import Renderer
from chatbot.report.window import Window
from chatbot.sources.public_inbox import PublicInbox
from chatbot.sources.ranges import spans
from tests.conftest import CORPUS, NOON, TESTS

Corpus = Callable[[str], Path]


def test_the_classic_text_is_the_one_that_the_team_gets_today(corpus: Corpus) -> None:
    with PublicInbox("kvm", corpus("kvm-2025-11-17")) as inbox:
        window = Window(spans(inbox, "HEAD~52..HEAD"))
        mails = [read(raw)[1] for raw in inbox.mails(window.spans)]
    text = Renderer().render(
        CLASSIC, "classic", digest=build(MailingList("kvm", "KVM", ""), window, letters_of(mails), People(), NOON)
    )
    reference = (CORPUS.parent / "reference" / "kvm-digest.txt").read_text()
    assert text.split("\n", 2)[2] == reference.split("\n", 2)[2]
    assert text.splitlines()[:2] == [
        "From 94ea68c31 to d64e4708d",
        "KVM mailing list update from 94ea68c31 to d64e4708d",
    ]


@pytest.fixture(scope="module")
def nvdimm(corpus: Corpus) -> list[Mail]:
    with PublicInbox("nvdimm", corpus("nvdimm")) as inbox:
        return [read(raw)[1] for raw in inbox.mails(inbox.everything())]


def test_every_mail_of_a_real_list_is_read(nvdimm: list[Mail]) -> None:
    assert len(nvdimm) == 14_925
    assert Counter(defect for mail in nvdimm for defect in mail.defects) == {
        "no text/plain part": 1,
        "text not in its charset": 1,
        "no Subject": 1,
    }


def test_the_diffs_are_counted_as_git_counted_them(nvdimm: list[Mail]) -> None:
    """Where a mail states a diffstat and has the diff, both say the same; the one that does not was cut by hand."""
    both = [mail.patch for mail in nvdimm if mail.patch and mail.patch.stated and mail.patch.diff.text]
    differing = [patch for patch in both if Diffstat.of(patch.diff.changes) != patch.stated]
    assert (len(both), len(differing)) == (5_201, 1)


def test_most_series_are_whole(nvdimm: list[Mail]) -> None:
    series = group(parts_of(nvdimm))
    patches = {mail.message_id for mail in nvdimm if mail.patch}
    # All but one: somebody's answer to a cover, under its very subject, whose "Re:" was forgotten.
    assert len(patches - {part.message_id for one in series for part in one.everything}) == 1
    whole = sum(one.complete for one in series)
    assert whole / len(series) > 0.85  # the others were sent to several lists, and only some of their mails to this


def test_mails_and_parts_are_grouped_alike(nvdimm: list[Mail]) -> None:
    whole, parts = postings(nvdimm), postings(parts_of(nvdimm))
    assert [parts_of(one.parts) for one in whole] == [one.parts for one in parts]


def test_relays_and_bots_of_a_real_list_are_known(nvdimm: list[Mail]) -> None:
    """All 666 senders were looked at by hand; these are the ones that are no humans, or speak for others."""
    behind = Counter((mail.sender.name, mail.sent_by.written) for mail in nvdimm if mail.behind)
    assert behind == {("Bryam Vargas via B4 Relay", "Bryam Vargas <hexlabsecurity@proton.me>"): 8}
    bots = Bots.parse((TESTS.parent / "config" / "bots.example.toml").read_text(), "bots.example.toml")
    found = [(bot, mail) for mail in nvdimm if (bot := bots.of(mail))]
    assert Counter(bot.name for bot, _ in found) == {
        "kernel test robot": 93,
        "pr-tracker-bot": 47,
        "Sashiko": 44,
        "AUTOSEL": 28,
        "syzbot": 9,
        "powerpc patch notifications": 7,
        "mm-commits": 5,
        "mailer": 3,
        "patchwork-bot": 1,
    }
    humans = {mail.sender.address for _, mail in found} & {mail.sender.address for mail in nvdimm if not bots.of(mail)}
    # They run scripts, look after a robot, and write themselves, too.
    assert humans == {"akpm@linux-foundation.org", "oliver.sang@intel.com", "sashal@kernel.org"}
