"""One human behind several names and addresses, as a team's `.mailmap` has it (gitmailmap(5)).

Law of the file: what git makes of a line is right. So a line that git cannot read says nothing, only ASCII letters
are the same in both cases. But who has no address is nobody's: a name alone says too little.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from string import ascii_lowercase, ascii_uppercase

from chatbot.mail.person import Person

_BLANKS = " \t\n\r"  # git's; other blanks are part of a name
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


@dataclass(slots=True)
class _Entry:
    """What an address becomes; `by_name` where it comes with one of these names. An empty text changes nothing."""

    name: str = ""
    address: str | None = None
    by_name: dict[str, tuple[str, str | None]] = field(default_factory=dict)

    def becomes(self) -> Iterator[str]:
        """The addresses that it can become."""
        return (address for address in (self.address, *(one for _, one in self.by_name.values())) if address)


class Mailmap:
    """Canonical names and addresses. Made by `parse`; without one, everybody is who they say they are."""

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}

    @classmethod
    def parse(cls, text: str) -> "Mailmap":
        """Of all entries for the same, the last one counts. Never fails."""
        mailmap = cls()
        for line in text.split("\n"):
            mailmap._add(line.partition("\0")[0])
        return mailmap

    def __len__(self) -> int:
        return len(self._entries)

    def of(self, person: Person) -> Person:
        """Who that is: with the canonical name and address where there are any, else as they are."""
        entry = self._entries.get(_folded(person.address))
        if entry is None or not person.address:
            return person
        name, address = entry.by_name.get(_folded(person.name), (entry.name, entry.address))
        name, address = name or person.name, person.address if address is None else address
        if (name, address) == (person.name, person.address):
            return person
        return Person.named(name, address)

    def addresses_of(self, person: Person) -> frozenset[str]:
        """All addresses under which this human may have written, in lower case; for who else uses one of them, ask `of`
        about each name.
        """
        own = _folded(self.of(person).address)
        return frozenset(
            {own} | {address for address, entry in self._entries.items() if own in map(_folded, entry.becomes())}
        )

    def _add(self, line: str) -> None:
        if line.startswith("#"):
            return
        new_name, new_address, rest = _name_and_address(line)
        if not new_address:
            return
        old_name, old_address, _ = _name_and_address(rest)
        if old_address is None:
            entry = self._entry(new_address)
            entry.name = new_name or entry.name
        elif old_name:
            self._entry(old_address).by_name[_folded(old_name)] = new_name, new_address
        else:
            entry = self._entry(old_address)
            entry.name, entry.address = new_name or entry.name, new_address

    def _entry(self, address: str) -> _Entry:
        return self._entries.setdefault(_folded(address), _Entry())


def _name_and_address(text: str) -> tuple[str, str | None, str]:
    """The name before the first pair of brackets, what stands in them (None without a pair), and the rest."""
    name, opened, rest = text.partition("<")
    address, closed, rest = rest.partition(">")
    return (name.strip(_BLANKS), address, rest) if opened and closed else ("", None, "")


def _folded(text: str) -> str:
    """In lower case, as far as it is ASCII."""
    return text.lower() if text.isascii() else text.translate(_LOWER)
