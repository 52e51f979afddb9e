"""Mails as they lie in their archives, for what an index does not keep."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby

from chatbot.errors import Unreadable
from chatbot.mail.message import read_message
from chatbot.mail.recipients import Recipients, read_recipients
from chatbot.sources.source import Source
from chatbot.store.stretches import Place


class Originals:
    """Asks the archives, each when it is first needed."""

    def __init__(
        self, places: Callable[[Iterable[str]], Sequence[Place]], sources: Mapping[str, Callable[[], Source]]
    ) -> None:
        """`places` says where mails are, by their Message-IDs; `sources` has the archives by their lists' names."""
        self._places = places
        self._sources = sources

    def recipients(self, message_ids: Iterable[str]) -> Recipients:
        """To whom any of these mails was sent. Raises Unreadable."""
        found = list(map(read_recipients, self._read(message_ids)))
        return Recipients(
            tuple(dict.fromkeys(chain.from_iterable(one.to for one in found))),
            tuple(dict.fromkeys(chain.from_iterable(one.cc for one in found))),
        )

    def texts(self, message_ids: Iterable[str]) -> tuple[str, ...]:
        """All that these mails say, diffs included. Raises Unreadable."""
        found = map(read_message, self._read(message_ids))
        return tuple("\n".join((one.body, *one.attached)) for one in found)

    def _read(self, message_ids: Iterable[str]) -> Iterator[bytes]:
        """Those that lie in an archive of ours: a list may have been taken out of the config. Raises Unreadable where
        that is none of them, or an archive cannot be read now.
        """
        asked, lying = set(message_ids), dict[str, Place]()
        for place in self._places(asked):
            if place.list_name in self._sources:
                lying.setdefault(place.message_id, place)
        if not lying:
            remedy = "name its list's archive in the config"
            raise Unreadable(min(asked), "what is asked of it only its archive tells", remedy)
        for (name, epoch), few in groupby(sorted(lying.values(), key=_repository), _repository):
            for raw in self._sources[name]().chunk(epoch, tuple(place.commit for place in few)).mails():
                yield raw.data


def _repository(place: Place) -> tuple[str, int]:
    return place.list_name, place.epoch
