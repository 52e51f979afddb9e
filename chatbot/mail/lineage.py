"""Lineage: all versions of one series, and what shows that they are.

A new posting is linked with few look-ups: whatever shares a key with it (see traits.py) is a candidate; `link` says
which of them are earlier versions, and why. Where an earlier one comes late, those that share a key with it and came
after it are linked anew. Corrections by a maintainer win over all of it.
"""

from bisect import bisect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from chatbot.mail.evidence import Evidence, Link, evidence
from chatbot.mail.mail import Mail
from chatbot.mail.series import Series
from chatbot.mail.traits import Identify, Traits, address_of, traits_of

# So many neighbours in time by one key are looked at: a title that more postings share is nobody's in particular.
NEIGHBOURS = 50
# So many guesses are shown.
GUESSES = 3


@dataclass(frozen=True, slots=True)
class Correction:
    """What a maintainer said of two postings, each named by the Message-ID of any of its mails."""

    one: str
    other: str
    together: bool
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Lineage:
    """The postings of one series, the oldest version first; the links between them, and what others they may be a
    version of.
    """

    series: tuple[Series[Mail], ...]
    links: tuple[Link, ...] = ()
    guesses: tuple[Link, ...] = ()

    @property
    def newest(self) -> Series[Mail]:
        """What is to be reviewed."""
        return self.series[-1]

    @property
    def forerunners_missing(self) -> bool:
        """Whether it was first seen as a later version than the first; nobody looks for those of a pull request."""
        return self.series[0].version > (1, 0) and not self.series[0].pull

    def evidence_of(self, series: Series[Mail]) -> Link | None:
        """The strongest link from a posting to an earlier one; of several the nearest."""
        own = [link for link in self.links if link.later == series.head.message_id]
        return min(own, key=lambda link: (link.evidence, -self._place(link.earlier)), default=None)

    def before(self, series: Series[Mail]) -> Series[Mail] | None:
        """The posting that a posting followed: the nearest that it is linked with, if possible one that is more than a
        few parts of a series.
        """
        linked_with = {self._place(link.earlier) for link in self.links if link.later == series.head.message_id}
        linked = [one for place, one in enumerate(self.series[: self.series.index(series)]) if place in linked_with]
        return next(
            (one for one in reversed(linked) if 2 * len(one.missing) <= one.total), linked[-1] if linked else None
        )

    def _place(self, head: str) -> int:
        return next(place for place, one in enumerate(self.series) if one.head.message_id == head)

    def after(self, series: Series[Mail]) -> Series[Mail] | None:
        """The posting that superseded it: the next that follows it, else the next of a later version."""
        later = self.series[self.series.index(series) + 1 :]
        following = (one for one in later if self.before(one) == series)
        return next(following, next((one for one in later if one.version > series.version), None))


def link(later: Traits, candidates: Iterable[Traits]) -> tuple[Link, ...]:
    """The links from a posting to earlier ones among the candidates, the strongest first; guesses only where nothing
    is certain.

    All that name the same change-id or are linked count. What else is like it counts for the versions between: the
    nearest one each of those with its title and those with its patches, a few parts of a series last.
    """
    found: list[tuple[Link, Traits]] = []
    for one in candidates:
        known = evidence(later, one) if one.mail != later.mail else None
        if known:
            found.append((known, one))
    certain = [link for link, _ in found if link.evidence <= Evidence.LINK]
    named = max((_order(one) for link, one in found if link.evidence <= Evidence.LINK), default=None)
    for kind in (Evidence.TITLE, Evidence.PATCHES):
        like = [(link, one) for link, one in found if link.evidence is kind and (named is None or _order(one) > named)]
        best = max(like, key=lambda pair: (later.piece or not pair[1].piece, _order(pair[1])), default=None)
        certain += [best[0]] if best else []
    if certain:
        return tuple(sorted(certain, key=lambda link: link.evidence))
    guesses = [(link, one) for link, one in found if link.evidence is Evidence.SIMILAR]
    return tuple(link for link, _ in sorted(guesses, key=lambda pair: _order(pair[1]))[: -GUESSES - 1 : -1])


def _order(one: Traits) -> tuple[bool, tuple[int, int], datetime]:
    return not one.rfc, one.version, one.received


def holding(corrections: Iterable[Correction], heads: Mapping[str, str]) -> dict[frozenset[str], Correction]:
    """What holds of postings, by the heads of both: of two corrections about the same ones the later. `heads` has the
    posting's head for each mail that is known; what was said of others is left out.
    """
    said: dict[frozenset[str], Correction] = {}
    for one in sorted(corrections, key=lambda one: one.at):
        if one.one in heads and one.other in heads:
            said[frozenset({heads[one.one], heads[one.other]})] = one
    return said


def linked_with(message_ids: Iterable[str], corrections: Iterable[Correction]) -> set[str]:
    """The mails by which other postings were ever linked with those that have these, and others again with them."""
    own, pairs = set(message_ids), [{one.one, one.other} for one in corrections if one.together]
    found: set[str] = set()
    while more := {name for pair in pairs if pair & (own | found) for name in pair} - own - found:
        found |= more
    return found


def assemble(
    series: Iterable[Series[Mail]], links: Iterable[Link], corrections: Iterable[Correction] = ()
) -> tuple[Lineage, ...]:
    """The lineages of some postings, in the order in which the first of each came.

    What a correction keeps apart, no link joins, nor is one guessed to be a version of the other.
    """
    series = sorted(series, key=lambda one: (one.received, one.head.message_id))
    heads = {mail.message_id: one.head.message_id for one in series for mail in one.everything}
    said = holding(corrections, heads)
    apart = {pair for pair, correction in said.items() if not correction.together}
    sets = {one.head.message_id: {one.head.message_id} for one in series}
    links = sorted(links, key=lambda link: link.evidence)
    certain = [link for link in (*_by_hand(series, said), *links) if link.evidence.certain]
    held: list[Link] = []
    for link in certain:
        if link.later not in sets or link.earlier not in sets:
            continue
        one, other = sets[link.later], sets[link.earlier]
        if one is not other:
            if any(pair & one and pair & other for pair in apart):
                continue
            one |= other
            sets.update(dict.fromkeys(other, one))
        held.append(link)
    guesses = [link for link in links if not link.evidence.certain and {link.later, link.earlier} not in apart]
    return tuple(_lineages(series, sets, held, guesses))


def _by_hand(series: Sequence[Series[Mail]], said: Mapping[frozenset[str], Correction]) -> Iterator[Link]:
    place = {one.head.message_id: number for number, one in enumerate(series)}
    for pair, correction in said.items():
        if correction.together and len(pair) > 1:
            earlier, later = sorted(pair, key=lambda head: place[head])
            yield Link(later, earlier, Evidence.CORRECTION, f"by {correction.by}")


def _lineages(
    series: Sequence[Series[Mail]], sets: Mapping[str, set[str]], links: Sequence[Link], guesses: Sequence[Link]
) -> Iterator[Lineage]:
    members: dict[int, list[Series[Mail]]] = {}
    for one in series:
        members.setdefault(id(sets[one.head.message_id]), []).append(one)
    for group in members.values():
        heads = {one.head.message_id for one in group}
        yield Lineage(
            tuple(_ordered(group)),
            tuple(link for link in links if link.later in heads),
            tuple(link for link in guesses if link.later in heads and link.earlier not in heads),
        )


def _ordered(group: Iterable[Series[Mail]]) -> list[Series[Mail]]:
    """By version; RFCs before a posting of the same version or a lower one that is none and came later."""
    group = list(group)

    def place(one: Series[Mail]) -> tuple[bool, tuple[int, int], datetime]:
        begins_anew = any(
            not other.draft and other.version <= one.version and one.received < other.received for other in group
        )
        return not (one.draft and begins_anew), one.version, one.received

    return sorted(group, key=place)


def lineages(
    series: Iterable[Series[Mail]], corrections: Iterable[Correction] = (), identify: Identify = address_of
) -> tuple[Lineage, ...]:
    """The lineages of a whole list: the same steps that a store takes for each posting that comes in."""
    series = tuple(series)
    traits = sorted((traits_of(one, identify) for one in series), key=lambda one: (one.received, one.mail))
    places: dict[str, list[int]] = {}
    for number, one in enumerate(traits):
        for key in one.keys:
            places.setdefault(key, []).append(number)
    links: list[Link] = []
    for number, one in enumerate(traits):
        near = {other for key in one.keys for other in _near(places[key], number)}
        links += link(one, (traits[other] for other in sorted(near)))
    return assemble(series, links, corrections)


def _near(numbers: Sequence[int], number: int) -> Sequence[int]:
    """Those before it, and a few after it, which may have come late."""
    at = bisect(numbers, number)
    return numbers[max(0, at - NEIGHBOURS) : at + NEIGHBOURS // 5]
