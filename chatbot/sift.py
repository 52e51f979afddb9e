"""Index → digest of what somebody follows: a list or a subsystem, all of it or what a filter wants."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from chatbot.errors import Misunderstood
from chatbot.mail.people import People
from chatbot.mail.standing import Standing
from chatbot.originals import Originals
from chatbot.report.digest import Digest, MailingList
from chatbot.report.posting_facts import PostingFacts
from chatbot.report.selection import merge, narrow
from chatbot.store.search import Search
from chatbot.store.stretches import Stretch
from chatbot.subscriptions.filter import parse_filter
from chatbot.subscriptions.subscription import Subscription
from chatbot.subscriptions.subsystem import Subsystem, Subsystems
from chatbot.subscriptions.tree import EVERYTHING, Filter
from chatbot.summarize import Summarizer


@dataclass(frozen=True)
class Topic:
    """The lists, and of these what a subsystem has and a filter wants; or the `series` with a mail."""

    lists: tuple[MailingList, ...]
    subsystem: Subsystem | None = None
    filter: Filter = EVERYTHING
    series: str = ""

    @property
    def whole(self) -> bool:
        """Whether it is all of a list."""
        return self.subsystem is None and self.filter == EVERYTHING

    @property
    def names(self) -> tuple[str, ...]:
        """The lists' names in the index."""
        return tuple(one.name for one in self.lists)

    @property
    def title(self) -> str:
        """What people call it."""
        return self.subsystem.title if self.subsystem else self.lists[0].title


def topic_of(
    subscription: Subscription, lists: Mapping[str, MailingList], subsystems: Callable[[], Subsystems]
) -> Topic:
    """What it is about today. Raises Misunderstood where its list or subsystem is gone."""
    wanted = parse_filter(subscription.filter)
    if subscription.series:
        return Topic(tuple(lists.values()), series=subscription.series)
    if not subscription.subsystem:
        if subscription.topic not in lists:
            raise Misunderstood(subscription.topic, "this list is in the config no more", "subscribe to another")
        return Topic((lists[subscription.topic],), filter=wanted)
    found = next((one for one in subsystems() if one.title == subscription.topic), None)
    if found is None:
        raise Misunderstood(subscription.topic, "there is no such subsystem any more", "subscribe to another")
    return Topic(tuple(lists.values()), found, wanted)


class Sifter:
    """Makes digests of topics."""

    def __init__(
        self,
        summarizer: Summarizer,
        search: Search,
        originals: Originals,
        people: People,
        subsystems: Callable[[], Subsystems],
    ) -> None:
        """Subsystems are asked for where a topic has one: there are thousands."""
        self._summarizer = summarizer
        self._search = search
        self._originals = originals
        self._people = people
        self._subsystems = subsystems

    def digest(self, topic: Topic, stretches: Mapping[str, Stretch], at: datetime) -> Digest:
        """Of a stretch of each list, by its name, as it stood at a moment. It is not remembered, see `remember`.

        Raises Unreadable where a filter asks what only an archive tells.
        """
        looked = [self._summarizer.look(one, stretches[one.name], at) for one in topic.lists]
        if topic.whole:
            return looked[0]
        wants = self._wanting(topic, looked[0].at)
        only = "" if topic.filter == EVERYTHING else topic.filter.english()
        sifted = [narrow(one, wants, self._heads(one), only) for one in looked]
        if topic.subsystem is None:
            return sifted[0]
        title = topic.subsystem.title
        return merge(sifted, title, replace(topic.lists[0], name=title, title=title))

    def remember(self, topic: Topic, digest: Digest, stretches: Mapping[str, Stretch]) -> None:
        """Keep what a digest of one list was about, so that its id shows all of it again."""
        if digest.id:
            self._summarizer.remember(digest, stretches[topic.lists[0].name])

    def facts(self, standing: Standing, at: datetime) -> PostingFacts:
        """What a filter may ask of a posting."""
        search, originals = self._search, self._originals
        return PostingFacts(standing, at, self._people, search.mails, search.lists_of, originals.recipients)

    def has(self, topic: Topic, facts: PostingFacts) -> bool:
        """Whether the topic's subsystem has a posting."""
        if topic.subsystem is None:
            return True
        addresses = _addresses(topic.subsystem, facts)
        return self._subsystems().claims(topic.subsystem, facts.files, lambda: self._texts(facts), addresses)

    def _texts(self, facts: PostingFacts) -> Sequence[str]:
        """With the lines of code, which only archives have."""
        return self._originals.texts(facts.standing.own)

    def _wanting(self, topic: Topic, at: datetime) -> Callable[[Standing], bool]:
        known: dict[str, bool] = {}

        def wants(standing: Standing) -> bool:
            if standing.mail not in known:
                facts = self.facts(standing, at)
                known[standing.mail] = self.has(topic, facts) and topic.filter.matches(facts, at)
            return known[standing.mail]

        return wants

    def _heads(self, digest: Digest) -> dict[str, Standing]:
        """The postings on which its talks are."""
        talks = [talk.mail for talk in digest.discussed]
        found = self._search.standings(talks, self._people) if talks else ()
        return {mail: one.at(digest.at) for one in found for mail in {one.mail, *one.own}}


def _addresses(subsystem: Subsystem, facts: PostingFacts) -> Iterable[str]:
    """Those of a subsystem's lists on which a posting was: an index knows lists by their names, kvm@… as kvm."""
    if facts.files and subsystem.patterns:  # then lists say nothing
        return ()
    return [one for one in subsystem.lists if one.partition("@")[0].casefold() in _names(facts)]


def _names(facts: PostingFacts) -> Sequence[str]:
    return [name.casefold() for name in facts.lists]
