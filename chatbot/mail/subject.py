"""The grammar of kernel subjects: `Re: [PATCH net-next v2 03/26] title`, in all the ways people write it."""

import re
from enum import StrEnum
from typing import NamedTuple

from chatbot import scan
from chatbot.mail.memory import remembered

# Mailers say "reply" and "forward" in many languages; a colon may be a full-width one.
_MARK = r"\s*(?:\[([^\]]*)\]|(?:re|aw|sv|vs|antw|odp|ynt|fwd?|wg|rv|tr|回复|答复|转发)(?:\[\d{1,4}\])?\s?[:：])\s*"
_LEAD_MARK = re.compile(_MARK, re.IGNORECASE)
_LEAD = re.compile(rf"(?:{_MARK})*", re.IGNORECASE)
# A word may be glued on: PATCHv4, RFC-v2, PATCH1/2.
_GLUED = r"(?P<word>PATCH(?:ES|SET)?|RFC|RESEND)?[-_#]?"
_VERSION = re.compile(
    _GLUED + r"v(?P<version>\d{1,4})(?:\.(?P<reroll>\d{1,4}))?(?:[-_](?!rc\d)(?P<rest>[A-Z][A-Z0-9-]*))?", re.IGNORECASE
)
_PART = re.compile(_GLUED + r"(?P<part>\d{1,4})/(?P<total>\d{1,4})", re.IGNORECASE)
_BLANK_AROUND_SLASH = re.compile(r"(?<=\d)\s{1,3}/\s{0,3}(?=\d)|(?<=\d)/\s{1,3}(?=\d)")
_AGAIN = frozenset({"RESEND", "REPOST"})
_BLANK_AFTER_V = re.compile(r"\b(v)\s{1,3}(?=\d{1,3}\b)", re.IGNORECASE)
# Where neither of these two can begin; the only white space that is printable is a blank.
_BLANK_WITHIN = re.compile(r"[/vV] | /")


class Kind(StrEnum):
    """What a subject announces. A reply has the kind of what it replies to; see `Subject.reply`."""

    PATCH = "patch"
    COVER = "cover"
    PULL = "pull"
    OTHER = "other"


class Subject(NamedTuple):
    """A subject, split so that `str()` gives it back: `lead` is everything before the title, as written.

    A tuple, as Part is: a digest makes thousands, and a dataclass takes three times as long to make.
    """

    lead: str
    title: str
    reply: bool = False
    tags: tuple[str, ...] = ()  # the insides of the brackets
    prefixes: tuple[str, ...] = ()  # the words in them, without version and part
    version: int = 1
    reroll: int = 0  # the 1 of v5.1
    part: int | None = None
    total: int | None = None
    kind: Kind = Kind.OTHER
    again: bool = False  # whether it calls itself a resend

    def __str__(self) -> str:
        return self.lead + self.title

    @property
    def numbered(self) -> bool:
        """Whether it says which part of how many it is."""
        return self.part is not None

    @property
    def counted(self) -> bool:
        """Whether the digest's rankings count it: a tag holds the word PATCH, and it is no reply."""
        return not self.reply and "patch" in "]".join(self.tags).lower()

    @property
    def head(self) -> bool:
        """Whether it stands for its whole posting: part 0 or 1, or an unnumbered first version."""
        if self.part is not None:
            return self.part <= 1
        return (self.version, self.reroll) == (1, 0)

    @property
    def speaks(self) -> bool:
        """Whether it stands for a posting that the rankings count: what such a mail says is told with it."""
        return self.head and self.counted

    @property
    def pull(self) -> bool:
        """Whether it asks for a branch to be pulled."""
        return self.kind is Kind.PULL and not self.reply

    @property
    def revision(self) -> str:
        """The version as people write it: v1, v5.1."""
        return f"v{self.version}.{self.reroll}" if self.reroll else f"v{self.version}"

    @classmethod
    def parse(cls, text: str) -> "Subject":
        """Never fails: a subject without any tag is its own title."""
        lead = scan.lead(text)
        if lead is None:
            match = _LEAD.match(text)
            lead = match.end() if match else 0
        return cls.split(text, lead)

    @classmethod
    def split(cls, text: str, lead: int) -> "Subject":
        """A subject of which it is known that no more than so many characters come before the title."""
        known = _read_lead(text[:lead])
        return cls._make((known.lead, text[len(known.lead) :], *known[2:]))


@remembered
def _read_lead(text: str) -> Subject:
    """The subject that has this lead, or as much of it as is one, and no title."""
    tags: list[str] = []
    reply, end = False, 0
    while match := _LEAD_MARK.match(text, end):
        if match[1] is not None:
            tags.append(match[1])
        elif any("patch" in tag.lower() for tag in tags):
            break  # "[PATCH] Re: foo" is a patch with an odd title, not a reply
        else:
            reply = True
        end = match.end()
    prefixes, versions, parts = _words(tags)
    version, reroll = versions[0] if versions else (1, 0)
    part, total = parts[0] if parts else (None, None)
    kind = _kind(tags, prefixes, part, versioned=bool(versions))
    again = any(word.upper() in _AGAIN for word in prefixes)
    return Subject(text[:end], "", reply, tuple(tags), prefixes, version, reroll, part, total, kind, again)


def _words(tags: list[str]) -> tuple[tuple[str, ...], list[tuple[int, int]], list[tuple[int, int]]]:
    """The tags' words, the versions and the parts they name, each in order."""
    prefixes: list[str] = []
    versions: list[tuple[int, int]] = []
    parts: list[tuple[int, int]] = []
    for tag in tags:
        for written in _mended(tag).replace(",", " ").split():
            words, version, part = _read_word(written)
            prefixes += words
            versions += version
            parts += part
    return tuple(prefixes), versions, parts


def _mended(tag: str) -> str:
    """The words of a tag without the blanks that some write in them: `v 2`, `1 / 3`."""
    if tag.isprintable() and not _BLANK_WITHIN.search(tag):
        return tag
    return _BLANK_AFTER_V.sub(r"\1", _BLANK_AROUND_SLASH.sub("/", tag))


@remembered
def _read_word(written: str) -> tuple[list[str], list[tuple[int, int]], list[tuple[int, int]]]:
    """What a word in brackets says: a version, a part, or itself; words may be glued to the first two."""
    word = written.strip("()?!;:.")
    if version := _VERSION.fullmatch(word):
        glued = filter(None, (version["word"], version["rest"]))
        return list(glued), [(int(version["version"]), int(version["reroll"] or 0))], []
    if part := _PART.fullmatch(word):
        return list(filter(None, (part["word"],))), [], [(int(part["part"]), int(part["total"]))]
    return list(filter(None, (written,))), [], []


def _kind(tags: list[str], prefixes: tuple[str, ...], part: int | None, *, versioned: bool) -> Kind:
    upper = {word.upper() for word in prefixes}
    if "PULL" in upper and ("GIT" in upper or not part):
        return Kind.PULL
    patch = any("patch" in tag.lower() for tag in tags)
    if part is not None and (patch or not any(":" in word for word in prefixes)):
        return Kind.COVER if part == 0 else Kind.PATCH  # but "[tip:x86/core 3/5] …" is a robot's report on a branch
    if patch:
        return Kind.PATCH
    # "[v2] title" and "[RESEND] title" come from people who dropped the word, "[RFC] title" may be a mere question:
    # the mail's diff decides, see mail.py.
    return Kind.PATCH if versioned else Kind.OTHER
