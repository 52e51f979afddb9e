"""Answers for programs: what a command found, as plain values for JSON; docs/json.md describes them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chatbot.mail.part import Part
from chatbot.mail.person import Person
from chatbot.mail.questions import Question
from chatbot.mail.review import Given
from chatbot.mail.series import Series
from chatbot.mail.state import Waiting
from chatbot.report.contributor import ContributorReport
from chatbot.report.corrections import Listed
from chatbot.report.lately import LatelyReport, OwnSeries
from chatbot.report.series_report import Reviewed, SeriesReport, Version
from chatbot.subscriptions.subsystem import Subsystem

# They grow when a field changes its meaning or goes away; a new field leaves them as they are.
SERIES, CONTRIBUTOR, CORRECTIONS = "chatbot.series/1", "chatbot.contributor/1", "chatbot.corrections/1"
SUBSYSTEMS = "chatbot.subsystems/1"


def series_document(report: SeriesReport) -> dict[str, Any]:
    """A lineage, its oldest version first, and the state of the version that was asked for."""
    status = report.status
    return {
        "schema": SERIES,
        "message_id": report.series.message_id,
        "title": report.series.title,
        "link": report.link,
        "lists": list(report.lists),
        "organisation": report.organisation or None,
        "pull_request": report.series.pull,
        "state": status.state.value,
        "seen": [{"state": one.state.value, "words": one.words, "message_ids": list(one.mails)} for one in status.seen],
        "waiting": _waiting(status.waiting),
        "superseded_by": report.superseded_by.message_id if report.superseded_by else None,
        "questions": [_question(one, report) for one in report.questions],
        "replies": report.replies,
        "changelog": report.changelog or None,
        "lineage": [_version(version) for version in report.versions],
        "possibly": [
            {"message_id": one.message_id, "title": one.title, "evidence": one.detail} for one in report.possibly
        ],
    }


def contributor_document(report: ContributorReport) -> dict[str, Any]:
    """What one human did."""
    return {
        "schema": CONTRIBUTOR,
        **_person(report.person),
        "elsewhere": list(report.elsewhere),
        "organisation": report.organisation or None,
        "bot": report.bot or None,
        "last_seen": report.last.isoformat(),
        "patches": report.patches,
        "replies": report.replies,
        "given": dict(report.tags),
        "lists": list(report.lists),
        "series": [
            {
                "title": one.title,
                "version": one.revision,
                "message_id": one.head.message_id,
                "received": one.received.isoformat(),
            }
            for one in report.series
        ],
        "lately": _lately(report.lately),
    }


def _lately(report: LatelyReport) -> dict[str, Any]:
    """The last 90 days, week by week and by names."""
    return {
        "since": report.since.isoformat(),
        "patches": {"total": sum(report.patches), "weeks": list(report.patches)},
        "reviews": {"total": sum(report.reviews), "weeks": list(report.reviews)},
        "areas": dict(report.areas),
        "lists": dict(report.lists),
        "in_flight": [_own_series(one) for one in report.in_flight],
        "applied": [_own_series(one) for one in report.applied],
        "not_looked_at": report.not_looked_at,
        "co_workers": [
            {**_person(one.person), "reviewed": one.reviewed, "reviews": one.reviews, "together": one.together}
            for one in report.co_workers
        ],
    }


def corrections_document(report: Sequence[Listed]) -> dict[str, Any]:
    """All corrections that were made, the newest first."""
    return {
        "schema": CORRECTIONS,
        "corrections": [
            {
                "together": one.correction.together,
                "by": one.correction.by,
                "at": one.correction.at.isoformat(),
                "holds": one.holds,
                "postings": [_posting(one.correction.one, one.one), _posting(one.correction.other, one.other)],
            }
            for one in report
        ],
    }


def subsystems_document(report: Sequence[Subsystem]) -> dict[str, Any]:
    """All subsystems that were found, the likeliest first."""
    return {
        "schema": SUBSYSTEMS,
        "subsystems": [
            {
                "title": one.title,
                "status": one.status or None,
                "maintainers": [_person(person) for person in one.maintainers],
                "reviewers": [_person(person) for person in one.reviewers],
                "lists": list(one.lists),
                "files": list(one.files),
                "excluded": list(one.excluded),
                "names": list(one.names),
                "contents": list(one.contents),
            }
            for one in report
        ],
    }


def _posting(message_id: str, series: Series[Part] | None) -> dict[str, Any]:
    title, version = (series.title, series.revision) if series else (None, None)
    return {"message_id": message_id, "title": title, "version": version}


# By the template that says the same to a person.
DOCUMENTS: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    **dict.fromkeys(("series", "patches", "versions", "tags", "card"), series_document),
    "contributor": contributor_document,
    "corrections": corrections_document,
    "subsystems": subsystems_document,
}


def _own_series(one: OwnSeries) -> dict[str, Any]:
    return {
        "title": one.title,
        "version": one.version,
        "message_id": one.message_id,
        "received": one.received.isoformat(),
        "draft": one.draft,
        "state": one.status.state.value,
        "waiting": _waiting(one.status.waiting),
    }


def _waiting(waiting: Waiting | None) -> dict[str, Any] | None:
    return {"on": waiting.on.value, "business_days": waiting.business_days} if waiting else None


def _version(version: Version) -> dict[str, Any]:
    series, link = version.series, version.link
    return {
        "version": series.revision,
        "title": series.title,
        "message_id": series.message_id,
        "received": series.received.isoformat(),
        "parts": series.total,
        "present": list(series.present),
        "author": _person(series.author),
        "evidence": {"kind": link.evidence.name.lower(), "detail": link.detail} if link else None,
        "compared_with": version.before.message_id if version.before else None,
        "changed": dict(version.standing.outcomes),
        "tags": dict(version.standing.fates),
        "patches": [_patch(one) for one in version.patches],
    }


def _question(question: Question, report: SeriesReport) -> dict[str, Any]:
    return {
        "sentence": question.sentence,
        "asked_by": _person(question.mail.sender),
        "received": question.mail.received.isoformat(),
        "on": question.on.message_id,
        "message_id": question.mail.message_id,
        "link": report.link_to(question.mail),
        "followed_by": question.after.message_id if question.after else None,
    }


def _patch(one: Reviewed) -> dict[str, Any]:
    subject = one.patch.subject
    return {
        "part": subject.part if subject.numbered else 1,
        "message_id": one.patch.message_id,
        "title": subject.title,
        "author": _person(one.patch.author),
        "tags": [_tag(given) for given in one.tags],
    }


def _tag(given: Given) -> dict[str, Any]:
    tag = given.tag
    named = _person(tag.person) if tag.kind.endswith("-by") else {"value": tag.value}
    return {"tag": tag.kind, **named, "message_id": given.mail, "foreign": given.foreign}


def _person(person: Person) -> dict[str, str]:
    return {"name": person.name, "address": person.address}
