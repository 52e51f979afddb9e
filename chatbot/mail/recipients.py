"""To whom a mail was sent: the To and Cc fields, read out of its bytes by those few who ask.

The index does not keep them: fifteen addresses a mail would take as much room as all the rest of it.
"""

from dataclasses import dataclass
from email.utils import getaddresses

from chatbot.mail.header import decode_words, field_pattern, read_fields, unfold_field
from chatbot.mail.person import Person

# The kernel's busiest series name some two hundred people; what names more is no mail for people.
MOST = 500

_FIELDS = field_pattern("to", "cc")


@dataclass(frozen=True, slots=True)
class Recipients:
    """Who got a mail, in its order, lists among them; MOST of each kind at most."""

    to: tuple[Person, ...] = ()
    cc: tuple[Person, ...] = ()


def read_recipients(data: bytes) -> Recipients:
    """Of any bytes; a field that is given twice counts as one."""
    fields = read_fields(_FIELDS, data)[0]
    return Recipients(*(_people([value for name, value in fields if name == field]) for field in (b"to", b"cc")))


def _people(values: list[bytes]) -> tuple[Person, ...]:
    """Addresses are looked for before encoded words are read: a name that looks like an address is still a name."""
    try:
        found = getaddresses(list(map(unfold_field, values)))
    except RecursionError:  # a thousand brackets in brackets
        return ()
    return tuple(Person.named(decode_words(name), address) for name, address in found[:MOST] if "@" in address)
