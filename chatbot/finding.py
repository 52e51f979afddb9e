"""What was looked at, and how it is: all right, or what is wrong and the remedy.

Law of the file: whoever looks is handed in, and one fault hides no other.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from chatbot.errors import BadConfig, ChatbotError


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` was looked at, such as `archive kvm`; `said` is one line: how it is, or where it is not `well`, what is
    wrong and the remedy, `there is no such folder; clone it with chatbot mirror kvm`. Nothing of a mail and no token is
    in it.
    """

    what: str
    said: str
    well: bool = True


def look(what: str, looking: Callable[[], str]) -> Iterator[Finding]:
    """What it says of how that is, or each of the faults that it raises."""
    try:
        yield Finding(what, looking())
    except BadConfig as error:
        yield from (Finding(what, fault, well=False) for fault in error.faults)
    except ChatbotError as error:
        yield Finding(what, str(error), well=False)
    except OSError as error:
        reason = f"{error.filename or what}: {error.strerror or error}"
        yield Finding(what, f"{reason}; see that it can be read", well=False)


def each_once(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Without what was said already: what depends on a fault tells it again."""
    faults: set[str] = set()
    for one in findings:
        if one.well or one.said not in faults:
            yield one
        if not one.well:
            faults.add(one.said)
