"""Who wrote: a person as a mail names them."""

import re
from dataclasses import dataclass

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

    @classmethod
    def parse(cls, written: str) -> "Person":
        """Never fails: where there is no address the address is empty, where there is no name the name is."""
        written = written.strip()
        near = written[:LONGEST]
        hidden = _QUOTED.sub(lambda quoted: "x" * len(quoted[0]), near)  # an address in a quoted name is a name
        angle = _ANGLE.search(hidden)
        if angle:
            return cls(written, _plain(near[: angle.start()]), near[angle.start(1) : angle.end(1)])
        bare = _BARE.search(hidden)
        if bare:
            comment = _COMMENT.search(near, bare.end())
            return cls(written, _plain(comment[1] if comment else near[: bare.start()]), bare[0])
        return cls(written, _plain(near.partition("<")[0]), "")

    @property
    def domain(self) -> str:
        """The address's domain in lower case; empty where there is no address."""
        return self.address.rpartition("@")[2].lower()

    @property
    def label(self) -> str:
        """What to call them in a sentence: the name, else the address, else what was written."""
        return self.name or self.address or self.written or "nobody"


def _plain(name: str) -> str:
    """A display name without its quotes and escapes."""
    name = name.strip().strip(",;").strip()
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    return " ".join(name.split())
