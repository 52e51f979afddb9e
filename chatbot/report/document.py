"""The digest for programs: one JSON document; docs/json.md describes it, and `SCHEMA` names its version."""

import json
from typing import Any

from chatbot.mail.part import Part
from chatbot.mail.person import Person
from chatbot.mail.series import Series
from chatbot.report.digest import Digest

# Grows when a field changes its meaning or goes away; a new field leaves it as it is.
SCHEMA = "chatbot.digest/1"


def to_json(digest: Digest) -> str:
    """The document as text, with a newline at its end."""
    return json.dumps(document(digest), ensure_ascii=False, indent=2) + "\n"


def document(digest: Digest) -> dict[str, Any]:
    """The document as plain values."""
    window = digest.window
    return {
        "schema": SCHEMA,
        "list": digest.mailing_list.title,
        "range": {
            "from": window.begin,
            "to": window.end,
            "since": window.since.isoformat() if window.since else None,
            "until": window.until.isoformat() if window.until else None,
            "first_received": digest.first.isoformat() if digest.first else None,
            "last_received": digest.last.isoformat() if digest.last else None,
            "epochs": [{"epoch": span.epoch, "from": span.after, "to": span.to} for span in window.spans],
        },
        "counts": {
            "mails": digest.mails,
            "patches": digest.patches,
            "series": len(digest.series),
            "replies": digest.replies,
            "people": digest.people,
            "defects": digest.defects,
        },
        "domains": [{"domain": row.domain, "patches": row.patches} for row in digest.domains],
        "contributors": [{**_person(row.person), "patches": row.patches} for row in digest.contributors],
        "series": [_series(digest, series) for series in digest.series],
    }


def _person(person: Person) -> dict[str, str]:
    return {"name": person.name, "address": person.address}


def _series(digest: Digest, series: Series[Part]) -> dict[str, Any]:
    diffstat = series.diffstat
    return {
        "title": series.subject.title,
        "version": series.subject.version,
        "revision": series.subject.revision,
        "parts": series.total,
        "prefixes": list(series.subject.prefixes),
        "author": _person(series.author),
        "message_id": series.head.message_id,
        "link": digest.link(series.head),
        "received": series.received.isoformat(),
        "diffstat": {
            "files": diffstat.files,
            "insertions": diffstat.insertions,
            "deletions": diffstat.deletions,
        },
        "cover": series.cover is not None,
        "complete": series.complete,
        "patches": [_patch(part) for part in series.patches],
    }


def _patch(part: Part) -> dict[str, Any]:
    return {
        "part": part.subject.part if part.subject.part is not None else 1,
        "subject": str(part.subject),
        "author": _person(part.author),
        "message_id": part.message_id,
    }
