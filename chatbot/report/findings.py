"""How all that the bot needs is found to be: what `chatbot check` shows."""

import json
from collections.abc import Iterable
from dataclasses import asdict

from chatbot.chat.post import Dialect, printable
from chatbot.finding import Finding

SCHEMA = "chatbot.check/1"


def show(findings: Iterable[Finding], dialect: Dialect) -> str:
    """A line each, with a tick or a cross."""
    found = tuple(findings)
    width = max((len(one.what) for one in found), default=0)
    return "".join(f"{_sign(dialect, one)} {printable(one.what):{width}}  {_line(one.said)}\n" for one in found)


def _sign(dialect: Dialect, finding: Finding) -> str:
    before, after = dialect.styles["good" if finding.well else "bad"]
    return f"{before}{'✓' if finding.well else '✗'}{after}"


def _line(text: str) -> str:
    return printable(" ".join(text.split()))


def to_json(findings: Iterable[Finding]) -> str:
    """The same for programs."""
    found = tuple(findings)
    document = {"schema": SCHEMA, "well": all(one.well for one in found), "findings": list(map(asdict, found))}
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
