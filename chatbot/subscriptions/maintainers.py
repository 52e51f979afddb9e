"""The kernel's MAINTAINERS: bytes in, subsystems out.

Law of the file: what get_maintainer.pl makes of a line is right, with two exceptions. A title stands directly above
its section's first entry, for the prose at the file's beginning would else be one. And a line that is neither title nor
entry does not end a section: it is told, and left out.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chatbot.mail.person import Person
from chatbot.subscriptions.pattern import expression_fault, file_fault
from chatbot.subscriptions.subsystem import Subsystem

_ENTRY = re.compile(r"([A-Z]):\s*(.*)")
_FAULTS: Mapping[str, Callable[[str], str]] = {
    "F": file_fault,
    "X": file_fault,
    "N": expression_fault,
    "K": expression_fault,
}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What was left out of a file, and why."""

    line: int
    reason: str


def entry_fault(kind: str, value: str) -> str:
    """What is wrong with what stands behind a letter, and what to do; nothing where it is right."""
    if kind in "MRL" and "@" not in value:
        return f"{value!r} has no address; write one such as Ana <ana@corp.example>"
    return _FAULTS[kind](value) if kind in _FAULTS else ""


class _Section:
    def __init__(self, title: str) -> None:
        self.title = title
        self.entries: defaultdict[str, list[str]] = defaultdict(list)

    def add(self, kind: str, value: str) -> str:
        """Take an entry; what is wrong with it, or nothing."""
        if kind == "L":
            value = value.split(maxsplit=1)[0]  # what follows says who may write to it
        fault = entry_fault(kind, value)
        if not fault and value not in self.entries[kind]:
            self.entries[kind].append(value)
        return fault

    def made(self) -> Subsystem:
        return Subsystem(
            title=self.title,
            status=next(iter(self.entries["S"]), ""),
            maintainers=tuple(map(Person.parse, self.entries["M"])),
            reviewers=tuple(map(Person.parse, self.entries["R"])),
            lists=tuple(self.entries["L"]),
            files=tuple(self.entries["F"]),
            excluded=tuple(self.entries["X"]),
            names=tuple(self.entries["N"]),
            contents=tuple(self.entries["K"]),
        )


def read_maintainers(data: bytes) -> tuple[tuple[Subsystem, ...], tuple[LeftOut, ...]]:
    """The sections in order, and what was left out. Never fails; what is no MAINTAINERS has no sections."""
    sections: list[_Section] = []
    left_out: list[LeftOut] = []
    title: list[str] = []
    stray = False  # whether what looked like a title had a blank line below it
    begun = False  # whether the line above was an entry of the last section
    for number, line in enumerate(data.decode("utf-8-sig", "replace").split("\n"), 1):
        entry = _ENTRY.match(line)
        if entry is None:
            written = line.strip()
            if begun and written and not line.startswith("#"):
                left_out.append(LeftOut(number, f"{written!r} is no entry; write a letter and a colon before it"))
            elif not written:
                stray = stray or bool(title)
                title, begun = [], False
            elif not line.startswith("#"):
                title.append(written)
            continue
        if title:
            sections.append(_Section(" ".join(title)))
            title, stray = [], False
        elif stray and sections:
            left_out.append(LeftOut(number, f"{line.strip()!r} has no title above it; take out the blank line there"))
            continue
        begun = bool(sections)
        kind, value = entry[1], entry[2].strip()
        if sections and value and (fault := sections[-1].add(kind, value)):
            left_out.append(LeftOut(number, f"{kind}: {fault}"))
    return tuple(section.made() for section in sections), tuple(left_out)
