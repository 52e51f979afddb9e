"""The digest for programs: one JSON document; docs/json.md describes it, and `SCHEMA` names its version."""

import json
from collections.abc import Iterable
from typing import Any

from chatbot.mail.organisations import Basis, Organisation
from chatbot.mail.person import Person
from chatbot.mail.standing import Neighbour
from chatbot.report.digest import Digest, Posting, Ranked

# Grows when a field changes its meaning or goes away; a new field leaves it as it is.
SCHEMA = "chatbot.digest/2"


def to_json(digest: Digest) -> str:
    """The document as text, with a newline at its end."""
    return json.dumps(document(digest), ensure_ascii=False, indent=2) + "\n"


def document(digest: Digest) -> dict[str, Any]:
    """The document as plain values."""
    window = digest.window
    return {
        "schema": SCHEMA,
        "id": digest.id,
        "list": digest.mailing_list.title,
        "subsystem": digest.subsystem or None,
        "only": digest.only or None,
        "range": {
            "from": window.begin,
            "to": window.end,
            "since": window.since.isoformat() if window.since else None,
            "until": window.until.isoformat() if window.until else None,
            "first_received": digest.first.isoformat() if digest.first else None,
            "last_received": digest.last.isoformat() if digest.last else None,
            "epochs": [{"epoch": span.epoch, "from": span.after, "to": span.to} for span in window.spans],
        },
        "at": digest.at.isoformat(),
        "counts": {
            "mails": digest.mails,
            "mails_before": digest.mails - digest.change if digest.change is not None else None,
            "patches": digest.patches,
            "series": len(digest.series),
            "versions": len(digest.versions),
            "applied": len(digest.applied),
            "replies": digest.replies,
            "people": digest.people,
            "defects": digest.defects,
        },
        "attention": [
            {"need": one.need.value, "words": one.words, **_named(digest, one.posting)} for one in digest.attention
        ],
        "more_silent": digest.more_silent,
        "series": [_posting(digest, one) for one in digest.series],
        "versions": [_posting(digest, one) for one in digest.versions],
        "applied": [{**_named(digest, one), **_applied(one)} for one in digest.applied],
        "discussed": [
            {
                "title": one.subject.title,
                "message_id": one.mail,
                "link": digest.link(one.mail),
                "people": one.people,
                "mails": one.mails,
            }
            for one in digest.discussed
        ],
        "authors": _ranked(digest.authors),
        "reviewers": _ranked(digest.reviewers),
        "organisations": [{"organisation": name, "patches": patches} for name, patches in digest.organisations],
        "bots": [{"bot": bot.name, "kind": bot.kind.value, "mails": mails} for bot, mails in digest.bots],
        "domains": [{"domain": row.domain, "patches": row.patches} for row in digest.domains],
        "contributors": [{**_person(row.person), "patches": row.patches} for row in digest.contributors],
        "uncovered": list(digest.uncovered),
    }


def _person(person: Person) -> dict[str, str]:
    return {"name": person.name, "address": person.address}


def _named(digest: Digest, posting: Posting) -> dict[str, Any]:
    """What it is and where to find it."""
    series = posting.standing
    return {
        "title": series.title,
        "revision": series.revision,
        "author": _person(series.author),
        "message_id": series.message_id,
        "link": digest.link(series.message_id),
    }


def _applied(posting: Posting) -> dict[str, Any]:
    """Who was the first to say so, in which mail, and of which parts it was said, if not of all."""
    said = next(remark for remark in posting.standing.remarks if remark.applied and not remark.own)
    parts = posting.status.seen[-1].parts
    return {"said_by": _person(said.sender), "said_in": said.mail, "only": list(parts) or None}


def _posting(digest: Digest, posting: Posting) -> dict[str, Any]:
    series, waiting = posting.standing, posting.status.waiting
    return {
        **_named(digest, posting),
        "version": series.version[0],
        "prefixes": list(series.subject.prefixes),
        "pull_request": series.pull,
        "organisation": posting.organisation or None,
        "received": series.received.isoformat(),
        "parts": series.total,
        "sent_anew": series.anew,
        "present": [piece.part for piece in series.patches],
        "cover": series.cover,
        "complete": not series.missing,
        "diffstat": {
            "files": series.diffstat.files,
            "insertions": series.diffstat.insertions,
            "deletions": series.diffstat.deletions,
        },
        "places": list(series.places),
        "gist": series.gist or None,
        "state": posting.status.state.value,
        "waiting": {"on": waiting.on.value, "business_days": waiting.business_days} if waiting else None,
        "superseded_by": posting.status.superseded_by or None,
        "before": _before(series.before) if series.before else None,
        "changed": dict(series.outcomes),
        "tags": dict(series.fates),
        "possibly": list(series.possibly),
    }


def _before(version: Neighbour) -> dict[str, str]:
    return {
        "message_id": version.mail,
        "revision": version.revision,
        "received": version.received.isoformat(),
        "evidence": version.detail,
    }


def _ranked(ranks: Iterable[Ranked]) -> list[dict[str, Any]]:
    return [
        {
            **_person(one.rank.person),
            "organisation": _organisation(one.rank.organisation),
            "mails": one.rank.mails,
            "moved": one.moved,
            "first_patch": one.new,
        }
        for one in ranks
    ]


def _organisation(organisation: Organisation) -> str | None:
    """A provider's domain says nothing of anybody's work."""
    return None if organisation.basis is Basis.PROVIDER else organisation.name or None
