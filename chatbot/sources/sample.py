"""The sample archive: real public-inbox trees with two weeks of two fictional lists, from sample.toml.

The same mails each time, to the byte: the demonstration, the tests and the README's picture show the same.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from pathlib import Path
from typing import Any

from chatbot.sources.public_inbox import write_epoch

LISTS = ("kvm", "linux-coco")
_MONDAY = datetime(2025, 11, 3, tzinfo=UTC)
# When its last mail has come in.
EVENING = _MONDAY + timedelta(days=11, hours=18)
_DOMAIN = "sample.example"


@dataclass(frozen=True, slots=True)
class _Mail:
    """A mail to be written: `id` without brackets, `parents` the Message-IDs above it, the root first."""

    id: str
    when: datetime
    sender: str
    subject: str
    body: str
    lists: tuple[str, ...]
    parents: tuple[str, ...] = ()

    def __bytes__(self) -> bytes:
        on = ", ".join(f"{name}@vger.{_DOMAIN}" for name in self.lists)
        stamp = format_datetime(self.when)
        lines = [
            f"Received: from mail.{_DOMAIN} by lists.{_DOMAIN}; {stamp}",
            f"From: {self.sender}",
            f"To: {on}",
            f"Subject: {self.subject}",
            f"Date: {format_datetime(self.when - timedelta(seconds=40))}",
            f"Message-ID: <{self.id}>",
        ]
        if self.parents:
            lines += [
                f"In-Reply-To: <{self.parents[-1]}>",
                "References: " + "\n ".join(f"<{one}>" for one in self.parents),
            ]
        lines += ["MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit"]
        return ("\n".join(lines) + "\n\n" + self.body).encode()


def write_sample(folder: Path) -> dict[str, Path]:
    """Write the archives below a folder; where each list's lies."""
    mails = sorted(_mails(), key=lambda mail: mail.when)
    archives: dict[str, Path] = {}
    for name in LISTS:
        archives[name] = folder / name
        own = ((bytes(mail), mail.sender.replace('"', ""), mail.when) for mail in mails if name in mail.lists)
        write_epoch(folder / name / "git" / "0.git", own)
    return archives


def _mails() -> Iterator[_Mail]:
    sample = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
    for posting in sample["postings"]:
        yield from _posting(posting, sample["people"])


def _posting(posting: dict[str, Any], people: dict[str, str]) -> Iterator[_Mail]:
    day, _, time = posting["at"].partition(" ")
    hours, minutes = map(int, time.split(":"))
    start = _MONDAY + timedelta(days=int(day), hours=hours, minutes=minutes)
    lists = tuple(posting.get("lists", ["kvm"]))
    mail = partial(_Mail, lists=lists)
    sender = people[posting["by"]]
    if "subject" in posting:
        parents = (_id(posting["answers"], 0),) if "answers" in posting else ()
        yield mail(_id(posting["id"], 1), start, sender, posting["subject"], posting["gist"] + "\n", parents=parents)
        return
    titles = posting.get("patches", [])
    sent: dict[int, _Mail] = {}
    if titles:
        body = f"{posting['gist']}\n\n{_cover_stat(posting)}\n-- \n2.51.0\n"
        sent[0] = mail(_id(posting["id"], 0), start, sender, f"{_tag(posting, 0)} {posting['title']}", body)
    above = (sent[0].id,) if sent else ()
    for part, title in enumerate(titles or [posting["title"]], 1):
        subject = f"{_tag(posting, part)} {title}"
        when = start + timedelta(seconds=part)
        body = _patch_body(posting, part, people)
        sent[part] = mail(_id(posting["id"], part), when, sender, subject, body, parents=above)
    yield from sent.values()
    yield from _replies(posting, people, start, sent, mail)


def _replies(
    posting: dict[str, Any], people: dict[str, str], start: datetime, sent: dict[int, _Mail], mail: Any
) -> Iterator[_Mail]:
    replies: list[_Mail] = []
    for number, reply in enumerate(posting.get("replies", [])):
        # `on` is there when the reply answers the one before it.
        parent = replies[-1] if "on" in reply else sent[reply["part"]]
        who = people[reply["by"]]
        quoted = "\n".join(f"> {line}" for line in parent.body.split("\n")[:2] if line)
        tags = "\n".join(f"{tag}: {who}" for tag in reply.get("tags", []))
        text = "\n\n".join(filter(None, (quoted, reply.get("text", ""), tags)))
        answer = mail(
            f"reply-{number}-{posting['id']}@{_DOMAIN}",
            start + timedelta(hours=reply["after"], minutes=7 * number),
            who,
            "Re: " + parent.subject.removeprefix("Re: "),
            text + "\n",
            parents=(*parent.parents, parent.id),
        )
        replies.append(answer)
        yield answer


def _id(posting: str, part: int) -> str:
    return f"{posting}-{part}@{_DOMAIN}"


def _tag(posting: dict[str, Any], part: int) -> str:
    total = len(posting.get("patches", []))
    words = [posting["prefix"]]
    if posting.get("version", 1) > 1:
        words.append(f"v{posting['version']}")
    if total:
        words.append(f"{part:0{len(str(total))}}/{total}")
    return f"[{' '.join(words)}]"


def _patch_body(posting: dict[str, Any], part: int, people: dict[str, str]) -> str:
    """A body as git format-patch makes it; a pull request has no diff."""
    if posting["prefix"] == "GIT PULL":
        return f"{posting['gist']}\n"
    sender = people[posting["by"]]
    author = people[posting.get("authors", {}).get(str(part), posting["by"])]
    head = f"From: {author}\n\n" if author != sender else ""
    signed = f"Signed-off-by: {author}\n" + (f"Signed-off-by: {sender}\n" if author != sender else "")
    log = f"{posting['patches'][part - 1]}, for this series needs it." if "patches" in posting else posting["gist"]
    path, added, removed = _change(posting, part)
    hunk = f"@@ -1,{removed + 1} +1,{added + 1} @@\n context\n" + "-old line\n" * removed + "+new line\n" * added
    diff = f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n{hunk}"
    return f"{head}{log}\n\n{signed}---\n{_stat([(path, added, removed)])}\n{diff}-- \n2.51.0\n"


def _change(posting: dict[str, Any], part: int) -> tuple[str, int, int]:
    """File, added and removed lines of a patch: made up, and always the same."""
    files = posting["files"]
    return files[(part - 1) % len(files)], 3 + (part * 7) % 23, (part * 5) % 9


def _cover_stat(posting: dict[str, Any]) -> str:
    totals: dict[str, tuple[int, int]] = {}
    for part in range(1, len(posting["patches"]) + 1):
        path, added, removed = _change(posting, part)
        before = totals.get(path, (0, 0))
        totals[path] = before[0] + added, before[1] + removed
    return _stat([(path, *lines) for path, lines in totals.items()])


def _stat(changes: list[tuple[str, int, int]]) -> str:
    width = max(len(path) for path, _, _ in changes)
    lines = [
        f" {path:{width}} | {added + removed:3} {'+' * (added > 0)}{'-' * (removed > 0)}\n"
        for path, added, removed in changes
    ]
    added, removed = sum(change[1] for change in changes), sum(change[2] for change in changes)
    total = f" {len(changes)} file{'s' * (len(changes) != 1)} changed, {added} insertion{'s' * (added != 1)}(+)"
    if removed:
        total += f", {removed} deletion{'s' * (removed != 1)}(-)"
    return "".join(lines) + total + "\n"
