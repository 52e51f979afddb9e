"""Which posting is an earlier version of which, and what shows it."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from chatbot.mail.evidence import Evidence, evidence
from chatbot.mail.grouping import group
from chatbot.mail.lineage import Correction, Lineage, assemble, lineages, link
from chatbot.mail.mentions import mentions_in
from chatbot.mail.person import Person
from chatbot.mail.traits import title_key, traits_of
from tests.conftest import NOON, thread


def read(name: str, *corrections: Correction) -> tuple[Lineage, ...]:
    return lineages(group(thread(name)), corrections)


def versions(lineage: Lineage) -> list[str]:
    return [("RFC " if one.draft else "") + one.revision for one in lineage.series]


@pytest.mark.parametrize(
    ("name", "kind", "detail"),
    [
        ("lineage-change-id", Evidence.CHANGE_ID, "20251101-filter-talk-4f5e6d7c8b9a"),
        ("lineage-lone-patch-change-id", Evidence.CHANGE_ID, "20251101-filter-talk-4f5e6d7c8b9a"),
        ("lineage-link-in-cover", Evidence.LINK, "links to v1"),
        ("lineage-link-below-the-dashes", Evidence.LINK, "links to v1"),
        ("lineage-link-in-a-footnote", Evidence.LINK, "links to v1"),
        ("series-v2-in-reply-to-v1", Evidence.LINK, "sent in answer to it"),
        ("series-resent", Evidence.TITLE, "same author and title"),
        ("lineage-author-writes-from-elsewhere", Evidence.TITLE, "same author and title"),
        ("lineage-retitled-shares-titles", Evidence.PATCHES, "3 of 4 patches"),
        ("lineage-retitled-shares-contents", Evidence.PATCHES, "3 of 3 patches"),
        ("lineage-taken-over", Evidence.PATCHES, "4 of 4 patches"),
        ("lineage-similar-title-same-files", Evidence.PATCHES, "similar title, same files"),
    ],
)
def test_two_versions_are_linked_by_their_strongest_evidence(name: str, kind: Evidence, detail: str) -> None:
    (lineage,) = read(name)
    first, second = lineage.series
    found = lineage.evidence_of(second)
    assert found
    assert (found.evidence, found.detail) == (kind, detail)
    assert (found.later, found.earlier) == (second.head.message_id, first.head.message_id)
    assert lineage.evidence_of(first) is None
    assert (lineage.before(second), lineage.after(first), lineage.newest) == (first, second, second)
    assert (lineage.before(first), lineage.after(second)) == (None, None)


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("lineage-same-author-and-title", ["v1", "v2", "v3"]),
        ("lineage-rfc-then-patch", ["RFC v1", "RFC v2", "v1", "v2"]),
        ("lineage-v1-arrives-late", ["v1", "v2"]),
        ("series-part-rerolled", ["v1"]),
    ],
)
def test_a_lineage_begins_with_its_first_version(name: str, order: list[str]) -> None:
    (lineage,) = read(name)
    assert versions(lineage) == order
    assert not lineage.forerunners_missing


def test_a_version_whose_forerunners_are_not_there_is_first_seen_as_such() -> None:
    (lineage,) = read("lineage-first-seen-as-v3")
    assert (versions(lineage), lineage.forerunners_missing) == (["v3", "v4"], True)


@pytest.mark.parametrize(
    ("name", "guess"),
    [
        ("lineage-similar-title", "similar title"),
        ("lineage-same-title-by-somebody-else", "similar title"),
        ("lineage-one-patch-in-common", None),
        ("lineage-model-names-differ", None),
        ("lineage-link-to-what-it-needs", None),
        ("lineage-link-to-the-tools-side", "similar title"),
        ("series-same-title-two-people", None),
        ("series-two-unthreaded-at-once", None),
    ],
)
def test_what_is_not_certain_is_never_merged_but_may_be_said_to_be_possible(name: str, guess: str | None) -> None:
    one, other = read(name)
    assert one.links == other.links == one.guesses == ()
    assert [one_guess.detail for one_guess in other.guesses] == ([guess] if guess else [])
    for one_guess in other.guesses:
        assert (one_guess.later, one_guess.earlier) == (other.newest.head.message_id, one.newest.head.message_id)


def test_backports_to_several_trees_are_several_lineages() -> None:
    assert sorted(versions(one) for one in read("lineage-backports")) == [["v1"], ["v1", "v2"]]


def test_a_version_for_one_tree_is_none_of_the_same_patch_for_another() -> None:
    by_mail = {one.mail: one for one in map(traits_of, group(thread("lineage-backports")))}
    later = by_mail["c@lineage-backports.example"]
    assert evidence(later, by_mail["b@lineage-backports.example"])
    assert evidence(later, by_mail["a@lineage-backports.example"]) is None


def test_a_version_follows_a_whole_one_rather_than_a_part_that_came_alone() -> None:
    (lineage,) = read("lineage-a-part-in-between")
    assert versions(lineage) == ["v1", "v2", "v3"]
    assert lineage.before(lineage.newest) == lineage.series[0]


def test_a_series_that_was_split_is_one_lineage_in_which_each_follows_its_own() -> None:
    (lineage,) = read("lineage-split-in-two")
    talk = next(one for one in lineage.series if one.revision == "v3")
    before = lineage.before(talk)
    assert before
    assert (before.title, before.revision) == ("mm: Filters that talk", "v2")


def said(one: str, other: str, *, together: bool, hours: int = 0) -> Correction:
    return Correction(one, other, together, "mia", NOON + timedelta(hours=hours))


def test_what_a_maintainer_links_is_linked_whatever_mail_of_it_they_name() -> None:
    name = "lineage-model-names-differ"
    (lineage,) = read(name, said(f"1@{name}.example", f"2@{name}.example", together=True))
    (by_hand,) = lineage.links
    assert (by_hand.evidence, by_hand.detail, versions(lineage)) == (Evidence.CORRECTION, "by mia", ["v4", "v5"])
    resent = "series-v2-in-reply-to-v1"
    assert len(read(resent, said(f"a2@{resent}.example", f"b1@{resent}.example", together=False))) == 2


def test_what_a_maintainer_keeps_apart_no_link_joins() -> None:
    """v3 leaves v1, and v2 goes with one of them."""
    name = "lineage-same-author-and-title"
    apart = said(f"a0@{name}.example", f"c0@{name}.example", together=False)
    assert sorted(versions(one) for one in read(name, apart)) in ([["v1"], ["v2", "v3"]], [["v1", "v2"], ["v3"]])
    again = said(f"c0@{name}.example", f"a0@{name}.example", together=True, hours=1)
    for corrections in ((apart, again), (again, apart)):
        assert [versions(one) for one in read(name, *corrections)] == [["v1", "v2", "v3"]]


def test_what_a_maintainer_keeps_apart_is_not_guessed_either() -> None:
    name = "lineage-similar-title"
    one, other = read(name)
    assert [len(each.guesses) for each in (one, other)] == [0, 1]
    apart = said(one.newest.head.message_id, other.newest.head.message_id, together=False)
    assert [each.guesses for each in read(name, apart)] == [(), ()]


def test_a_correction_about_mails_that_are_not_there_changes_nothing() -> None:
    assert len(read("lineage-same-author-and-title", said("x@x.example", "y@x.example", together=True))) == 1


def test_an_organisation_may_know_that_two_addresses_are_one_human() -> None:
    series = group(thread("lineage-same-title-by-somebody-else"))
    (lineage,) = lineages(series, identify=lambda person: "somebody" if person.address else "")
    assert versions(lineage) == ["v1", "v2"]


SITUATIONS = [
    "lineage-change-id",
    "lineage-link-in-cover",
    "lineage-same-author-and-title",
    "lineage-rfc-then-patch",
    "lineage-retitled-shares-titles",
    "lineage-split-in-two",
    "lineage-v1-arrives-late",
]


@pytest.mark.parametrize("name", SITUATIONS)
def test_versions_that_come_one_by_one_are_linked_as_if_they_had_come_together(name: str) -> None:
    """As a store does it: candidates share a key; a new posting is linked, and those anew that may follow it."""
    series = group(thread(name))
    whole = [versions(one) for one in lineages(series)]
    traits = [traits_of(one) for one in series]
    for order in permutations(range(len(series))):
        known: dict[str, list[int]] = {}
        links = {}
        for number in order:
            for key in traits[number].keys:
                known.setdefault(key, []).append(number)
            touched = {number, *(other for key in traits[number].keys for other in known[key])}
            for other in touched:
                candidates = {one for key in traits[other].keys for one in known[key]} - {other}
                links[other] = link(traits[other], (traits[one] for one in sorted(candidates)))
        found = assemble(series, (one for each in links.values() for one in each))
        assert [versions(one) for one in found] == whole


@pytest.mark.parametrize("name", SITUATIONS)
def test_what_is_linked_shares_a_key(name: str) -> None:
    traits = {one.mail: one for one in map(traits_of, group(thread(name)))}
    for lineage in read(name):
        for one in lineage.links:
            assert traits[one.later].keys & traits[one.earlier].keys


def test_nothing_follows_what_came_much_later() -> None:
    one, other = (traits_of(series) for series in group(thread("series-v2-in-reply-to-v1")))
    assert evidence(other, one)
    assert evidence(one, other) is None
    assert evidence(other, replace(one, received=other.received + timedelta(days=60))) is None


@pytest.mark.parametrize(
    ("text", "mentions"),
    [
        ("- Link to v2: https://lore.kernel.org/r/a@b.example", [("a@b.example", 2, True)]),
        ("v1: https://lore.kernel.org/linux-mm/a@b.example/T/#u", [("a@b.example", 1, True)]),
        ("V3 (https://lore.kernel.org/all/a@b.example/), and", [("a@b.example", 3, True)]),
        ("v2:\n  https://patch.msgid.link/a%40b.example", [("a@b.example", 2, True)]),
        ("Since v1 [2]\n\n[2]: https://lore.kernel.org/r/a@b.example", [("a@b.example", 1, True)]),
        ("The previous version is at https://lkml.kernel.org/r/a@b.example", [("a@b.example", None, True)]),
        ("RFC: https://lore.kernel.org/r/a@b.example", [("a@b.example", None, True)]),
        ("v1 had Message-ID: <a@b.example>", [("a@b.example", 1, True)]),
        ("This depends on v3 of: https://lore.kernel.org/r/a@b.example", [("a@b.example", None, False)]),
        ("[1] https://lore.kernel.org/r/a@b.example", [("a@b.example", None, False)]),
        ("v2 is at https://git.example/branch, ask ana@b.example", []),
        ("Nothing at all, v1", []),
    ],
)
def test_where_an_author_speaks_of_an_earlier_posting(text: str, mentions: list[tuple[str, int | None, bool]]) -> None:
    assert [(one.message_id, one.version, one.earlier) for one in mentions_in(text)] == mentions


def test_who_lists_hundreds_of_links_is_heard_to_the_sixtieth() -> None:
    text = "\n".join(f"v1: https://lore.kernel.org/r/{number}@b.example" for number in range(500))
    assert len(mentions_in(text)) == 60


@pytest.mark.parametrize(
    ("title", "key"),
    [
        ("mm: Say why", "mm say why"),
        ("mm:  say  'why' v2", "mm say why"),
        ("mm/filter: V4H (take 2)", "mm filter v4h"),
        ("v2", "v2"),
        ("", ""),
    ],
)
def test_titles_are_compared_by_their_words(title: str, key: str) -> None:
    assert title_key(title) == key


def test_who_has_no_address_is_known_by_name() -> None:
    series = group(thread("series-lone-patch"))[0]
    nobody = replace(series.head, sender=Person.parse("Ana Brenner"))
    assert "ana brenner" in traits_of(replace(series, parts=(nobody,))).people
