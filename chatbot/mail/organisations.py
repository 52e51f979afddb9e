"""For whom people work, as far as a file of the team's says; their domains say the rest.

Law of the file: the nearer rule counts: one for an address before one for its domain, that before one for the domain
above it, and for the same of them a dated rule before one that always holds. Days are days in UTC.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import lru_cache

from chatbot.mail.memory import LONGEST, TEXTS
from chatbot.mail.rulefile import RuleFile, Table

_DOMAIN = re.compile(r"[^\s@.*/:<>]+(?:\.[^\s@.*/:<>]+)+")
_ADDRESS = re.compile(rf"[^\s@<>]+@{_DOMAIN.pattern}")


class Basis(StrEnum):
    """Why an organisation is called so. The domain of a provider is its users', and says nothing of their work."""

    RULE = "rule"
    DOMAIN = "domain"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True)
class Organisation:
    """`name` is what to show: the organisation's own, else the domain in lower case; empty where there is none."""

    name: str
    basis: Basis


@dataclass(frozen=True, slots=True)
class _Rule:
    """Holds from the first to the last day, both included."""

    organisation: Organisation
    first: date = date.min
    last: date = date.max

    @property
    def dated(self) -> bool:
        return (self.first, self.last) != (date.min, date.max)


class Organisations:
    """Made by `parse`; without rules, everybody is of their domain."""

    __slots__ = ("_recall", "_rules")

    def __init__(self) -> None:
        # Few people write most mails, and many on one day.
        self._recall: Callable[[str, date], Organisation] = lru_cache(TEXTS)(self._look_up)
        self._rules: dict[str, list[_Rule]] = {}  # by address or domain, in lower case; dated ones first

    @classmethod
    def parse(cls, text: str, where: str) -> "Organisations":
        """The file `config/organisations.example.toml` says what may stand in one. Raises BadConfig with all faults."""
        organisations = cls()
        with RuleFile(text, where) as file:
            for domain in file.texts("providers"):
                organisations._add(file, "providers", domain, _Rule(Organisation(domain.lower(), Basis.PROVIDER)))
            domains = file.table("domains")
            for name in domains:
                for domain in domains.texts(name):
                    organisations._add(domains, name, domain, _Rule(Organisation(name, Basis.RULE)))
            for table in file.tables("rules"):
                organisations._read_rule(table)
        for rules in organisations._rules.values():
            rules.sort(key=lambda rule: not rule.dated)
        return organisations

    def of(self, address: str, when: datetime) -> Organisation:
        """For whom the one at this address worked at this time."""
        day = when.astimezone(UTC).date()
        return self._recall(address, day) if len(address) <= LONGEST else self._look_up(address, day)

    def _look_up(self, address: str, day: date) -> Organisation:
        address = address.lower()
        domain = address.rpartition("@")[2]
        for key in _nearest_first(address, domain):
            for rule in self._rules.get(key, ()):
                if rule.first <= day <= rule.last:
                    provider = rule.organisation.basis is Basis.PROVIDER
                    return Organisation(domain, Basis.PROVIDER) if provider else rule.organisation
        return Organisation(domain, Basis.DOMAIN)

    def _read_rule(self, table: Table) -> None:
        organisation = Organisation(table.text("organisation"), Basis.RULE)
        first, last = table.day("from") or date.min, table.day("until") or date.max
        whose = {key: table.texts(key) for key in ("address", "domain")}
        if not any(map(table.has, whose)):
            table.fault("address", "this key is missing, and so is domain; add one of them")
        if first > last:
            table.fault("until", f"{last} is before {first}; until is the last day on which the rule holds")
            return
        for key, texts in whose.items():
            for one in texts:
                self._add(table, key, one, _Rule(organisation, first, last))

    def _add(self, table: Table, key: str, written: str, rule: _Rule) -> None:
        """Take a rule for an address or a domain, unless that is none, or another rule says the same or more."""
        whole, kind = (_ADDRESS, "address") if key == "address" else (_DOMAIN, "domain")
        if not whole.fullmatch(written):
            example = "ana@corp.example" if key == "address" else "corp.example, which holds for all below it, too"
            table.fault(key, f"{written!r} is no {kind}; write it as {example}")
            return
        rules = self._rules.setdefault(written.lower(), [])
        for other in rules:
            if other.dated == rule.dated and other.first <= rule.last and rule.first <= other.last:
                when = f" on {max(rule.first, other.first)}" if rule.dated else ""
                table.fault(
                    key, f"{written!r} is there twice{when}, also for {other.organisation.name!r}; keep one of the two"
                )
                return
        rules.append(rule)


def _nearest_first(address: str, domain: str) -> Iterator[str]:
    """The address, its domain, and the domains above it."""
    yield address
    while domain:
        yield domain
        domain = domain.partition(".")[2]
