"""Parts of what there is to say about a series, each whole: who gave which tags, and what has changed in a version."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from chatbot.mail.changelog import changelogs
from chatbot.mail.comparison import Counterpart, Outcome, compare
from chatbot.mail.person import Person
from chatbot.report.series_report import Reviewed, SeriesReport, Version


@dataclass(frozen=True, slots=True)
class TagsBy:
    """A person, and by kind of tag on which patches they gave one, in words."""

    person: Person
    kinds: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """What became of a version's patches since the one before it, by kind, and what its author says."""

    version: Version
    kinds: tuple[tuple[str, tuple[Counterpart, ...]], ...]
    changelog: str


def tags_by_person(patches: Sequence[Reviewed], identity: Callable[[Person], str]) -> tuple[TagsBy, ...]:
    """Who gave the most comes first."""
    found: dict[str, dict[str, list[int]]] = {}
    people: dict[str, Person] = {}
    for place, one in enumerate(patches, 1):
        for given in one.tags:
            if given.review:
                who = identity(given.tag.person)
                people.setdefault(who, given.tag.person)
                kinds = found.setdefault(who, {})
                kinds.setdefault(given.tag.kind, []).append(_number(one, place))
    return tuple(
        TagsBy(people[who], tuple((kind, on(numbers, len(patches))) for kind, numbers in kinds.items()))
        for who, kinds in sorted(found.items(), key=lambda item: -sum(map(len, item[1].values())))
    )


def untagged(patches: Sequence[Reviewed]) -> str:
    """The patches that nobody gave a tag, in words; empty where there are none."""
    numbers = [_number(one, place) for place, one in enumerate(patches, 1) if not any(tag.review for tag in one.tags)]
    return on(numbers, len(patches)) if numbers else ""


def changes(report: SeriesReport) -> tuple[Changes, ...]:
    """Of each version, the newest first."""
    return tuple(
        Changes(one, _by_outcome(one), next((text for _, text in changelogs(one.series)), ""))
        for one in reversed(report.versions)
    )


def on(numbers: Iterable[int], count: int) -> str:
    """`all 3 patches`, `patch 2`, or which ones, runs of them with a dash."""
    those = sorted(set(numbers))
    if len(those) == count:
        return {1: "the patch", 2: "both patches"}.get(count, f"all {count} patches")
    runs = [list(run) for _, run in groupby(enumerate(those), lambda pair: pair[1] - pair[0])]
    words = [f"{run[0][1]}\N{EN DASH}{run[-1][1]}" if len(run) > 1 else f"{run[0][1]}" for run in runs]
    return f"{'patch' if len(those) == 1 else 'patches'} {', '.join(words)}"


def _number(one: Reviewed, place: int) -> int:
    return one.patch.subject.part or place


def _by_outcome(one: Version) -> tuple[tuple[str, tuple[Counterpart, ...]], ...]:
    found = compare(one.series, one.before) if one.before else ()
    kinds = (Outcome.ADDED, Outcome.CHANGED, Outcome.DROPPED)
    those = ((kind.value, tuple(each for each in found if each.outcome is kind)) for kind in kinds)
    return tuple((kind, some) for kind, some in those if some)
