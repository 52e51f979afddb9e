"""Who wrote: a person as a mail names them."""

import re
from dataclasses import dataclass

from chatbot.mail.header import decode_words
from chatbot.mail.memory import remembered

# A line of a mail has 998 octets at most (RFC 5322, 2.1.1). Name and address are looked for in the first so many
# characters, for the patterns below take time that grows with the square of their number.
LONGEST = 998
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_ANGLE = re.compile(r"<\s*([^<>\s]*@[^<>\s]*)\s*>")
_BARE = re.compile(r"[^\s<>()\",;:]+@[^\s<>()\",;:]+")
_COMMENT = re.compile(r"\(([^()]*)\)")


@dataclass(frozen=True, slots=True)
class Person:
    """`written` is the mail's own spelling (`"A. Person" <a@example.org>`); name and address are read out of it."""

    written: str
    name: str
    address: str

    @staticmethod
    def parse(field: str) -> "Person":
        """Never fails: where there is no address the address is empty, where there is no name the name is.

        The field may hold RFC 2047 encoded words. The address is looked for before they are decoded: a name that
        looks like an address once it is decoded is still a name.
        """
        return _read_person(field)

    @staticmethod
    def named(name: str, address: str) -> "Person":
        """The person of this name, which may be empty, at this address; written as in a From field, with quotes where
        the name takes them.
        """
        plain = f"{name} <{address}>" if name else address
        if not name or _read_person(plain).name == name:
            return Person(plain, name, address)
        quoted = re.sub(r'(["\\])', r"\\\1", name)
        return Person(f'"{quoted}" <{address}>', name, address)

    @property
    def identity(self) -> str:
        """What tells them from others: the address in lower case, else all that was written; never a name alone."""
        return self.address.lower() or self.written

    @property
    def domain(self) -> str:
        """The address's domain in lower case; empty where there is no address."""
        return self.address.rpartition("@")[2].lower()

    @property
    def label(self) -> str:
        """What to call them in a sentence: the name, else the address, else what was written."""
        return self.name or self.address or self.written or "nobody"


@remembered
def _read_person(field: str) -> Person:
    field = field.strip()
    name, address = _name_and_address(field[:LONGEST])
    return Person(decode_words(field), _plain(decode_words(name)), address)


def _name_and_address(field: str) -> tuple[str, str]:
    hidden = _QUOTED.sub(lambda quoted: "x" * len(quoted[0]), field)  # an address in a quoted name is a name
    angle = _ANGLE.search(hidden)
    if angle:
        return field[: angle.start()], field[angle.start(1) : angle.end(1)]
    bare = _BARE.search(hidden)
    if bare:
        comment = _COMMENT.search(field, bare.end())
        return comment[1] if comment else field[: bare.start()], bare[0]
    return field.partition("<")[0], ""


def _plain(name: str) -> str:
    """A display name without its quotes and escapes."""
    name = name.strip().strip(",;").strip()
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    return " ".join(name.split())
