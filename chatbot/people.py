"""What a team's files say of people, and our own rules where they say nothing."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from chatbot.errors import BadConfig
from chatbot.mail.bots import Bots
from chatbot.mail.mailmap import Mailmap
from chatbot.mail.organisations import Organisations
from chatbot.mail.people import People

_HERE = Path(__file__).resolve().parent
Rules = TypeVar("Rules")


def read_people(mailmap: Path | None = None, organisations: Path | None = None, bots: Path | None = None) -> People:
    """By these files; ours stand in for the organisations', and come after the bots'. Raises BadConfig: all faults."""
    faults: list[str] = []
    said = hashlib.sha256()

    def parsed(path: Path | None, parse: Callable[[str, str], Rules], otherwise: Rules) -> Rules:
        try:
            text = _read(path) if path else ""
            said.update(f"{len(text)}\n{text}".encode())
            return parse(text, str(path)) if path else otherwise
        except BadConfig as error:
            faults.extend(error.faults)
            return otherwise

    written = mailmap.read_bytes().decode("utf-8", "replace") if mailmap else ""
    said.update(f"{len(written)}\n{written}".encode())
    people = People(
        Mailmap.parse(written),
        parsed(organisations or _own("organisations"), Organisations.parse, Organisations()),
        parsed(bots, Bots.parse, Bots()).then(parsed(_own("bots"), Bots.parse, Bots())),
    )
    if faults:
        raise BadConfig(tuple(faults))
    return replace(people, rules=said.hexdigest())


def _own(rules: str) -> Path:
    """In a wheel our own rules lie inside the package, in a checkout beside it."""
    name = f"{rules}.example.toml"
    return next(path for path in (_HERE / name, _HERE.parent / "config" / name) if path.is_file())


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadConfig((f"{path}: this is no UTF-8 at byte {error.start}; save it as UTF-8",)) from error
