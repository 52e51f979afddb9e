"""Header fields of real mail: finding, unfolding, decoding (RFC 5322, RFC 2047), dating.

Law of the file: nothing raises, whatever the bytes; every pattern is linear in its input.
"""

import binascii
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from chatbot import scan

# RFC 5322 allows a line 998 octets, so no encoded word is longer; the bound also keeps the pattern linear.
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,80})\?([bBqQ])\?(.{0,998}?)\?=")
_HEX = re.compile(rb"=([0-9A-Fa-f]{2})")
_FOLD = re.compile(r"\r?\n[ \t]+")
_BREAKS = re.compile(r"[\r\n]+")
# A field, or the line with which mailboxes separate their mails.
_FIRST_LINE = re.compile(rb"[!-9;-~]{1,200}[ \t]{0,20}:|>?From ")
_END_OF_HEADERS = re.compile(rb"\n(?:\n|\r\n)")
# The most header bytes anyone looks at: list servers stop at about 32 KB, and hostile mail does not.
HEADERS_LIMIT = 100_000
# Codecs that Python has and mail has not: they execute escapes, are slow on purpose, or are no charset at all.
_NOT_A_CHARSET = frozenset({"unicode_escape", "raw_unicode_escape", "idna", "punycode", "undefined", "mbcs", "oem"})
# Charsets in which ASCII is ASCII: six mails in seven are nothing else.
_ASCII_AND_MORE = frozenset({"utf_8", "us_ascii", "iso_8859_1", "iso_8859_15", "windows_1252"})
# Charsets that are announced where a larger one is meant (the WHATWG encoding standard says the same).
_LARGER = {"gb2312": "gb18030", "gbk": "gb18030", "euc_kr": "cp949", "shift_jis": "cp932"}


def split_headers(data: bytes) -> tuple[bytes, bytes]:
    """The header section and the body of a mail, or of one part of it. What begins with no field is all body."""
    if data.startswith((b"\n", b"\r\n")):
        return b"", data.partition(b"\n")[2]
    if not _FIRST_LINE.match(data):
        return b"", data
    end = _END_OF_HEADERS.search(data)
    if end is None:
        return data[:HEADERS_LIMIT], b""
    return data[: min(end.start(), HEADERS_LIMIT)], data[end.end() :]


def field_pattern(*names: str) -> re.Pattern[bytes]:
    """A pattern that finds these fields, whatever the case of their names; behind the headers it takes all in one.

    It starts with a literal newline, looks at three letters before it tries the names, and spells the cases out:
    twice as fast as IGNORECASE on long headers.
    """
    beginning = "".join(_any_case(*letters) for letters in zip(*(name[:3] for name in names), strict=True))
    spelled = "|".join("".join(_any_case(letter) for letter in name) for name in names)
    field = rf"(?={beginning})({spelled})[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)"
    return re.compile(rf"\n(?:{field}|\n(.*)|\r\n(.*))".encode(), re.DOTALL)


def _any_case(*letters: str) -> str:
    return f"[{''.join(re.escape(letter.upper() + letter.lower()) for letter in dict.fromkeys(letters))}]"


def read_fields(pattern: re.Pattern[bytes], data: bytes) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Name (lower case) and raw value of each field that the pattern finds in the headers, in order; and the body."""
    if data.startswith((b"\n", b"\r\n")) or not _FIRST_LINE.match(data):
        return [], split_headers(data)[1]
    found = pattern.findall(b"\n" + data)
    body = b"".join(found.pop()[2:]) if found and not found[-1][0] else b""
    if len(data) - len(body) > HEADERS_LIMIT:
        headers, body = split_headers(data)
        found = pattern.findall(b"\n" + headers)
    return [(name.lower(), value) for name, value, *_ in found], body


def each_value(pattern: re.Pattern[bytes], data: bytes) -> Iterator[bytes]:
    """The raw values of the fields that the pattern finds in the headers, one by one: who needs few, pays for few."""
    if data.startswith((b"\n", b"\r\n")) or not _FIRST_LINE.match(data):
        return
    for match in pattern.finditer(b"\n" + data[:HEADERS_LIMIT]):
        if match[1] is None:
            return
        yield match[2]


def decode_bytes(data: bytes, charset: str) -> tuple[str, bool]:
    """Text, and whether every byte of it could be decoded.

    Charsets lie: what the announced one cannot decode is tried as UTF-8, then as the larger charset that is
    usually meant; what none of them can decode becomes U+FFFD.
    """
    charset = charset.lower().replace("-", "_")
    if charset in _ASCII_AND_MORE and data.isascii():
        return data.decode("ascii"), True
    for candidate in (charset, "utf_8", _LARGER.get(charset, charset)):
        if candidate in _NOT_A_CHARSET:
            continue
        try:
            return _without_surrogates(data.decode(candidate)), True
        except (LookupError, ValueError):
            continue
    try:
        known = charset not in _NOT_A_CHARSET
        return _without_surrogates(data.decode(charset if known else "utf_8", "replace")), False
    except (LookupError, ValueError):
        return data.decode("utf_8", "replace"), False


def _without_surrogates(text: str) -> str:
    """UTF-7 can spell a lone surrogate, which no output can carry."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def decode_field(value: bytes) -> str:
    """A field's value as a person reads it: unfolded, encoded words decoded, on one line."""
    return decode_words(unfold_field(value)).strip(" \t")


def unfold_field(value: bytes) -> str:
    """A field's value on one line, its encoded words as they are."""
    text = value.decode("ascii") if value.isascii() else decode_bytes(value, "utf-8")[0]
    if "\n" in text:
        text = _FOLD.sub(" ", text)
    text = text.strip(" \t\r\n")
    return _BREAKS.sub(" ", text) if "\r" in text or "\n" in text else text


def decode_words(text: str) -> str:
    """The text with its RFC 2047 encoded words decoded.

    Blanks between neighbouring words fall away, and neighbours of one charset are decoded together, for
    mailers cut characters in two.
    """
    if "=?" not in text:
        return text
    pieces: list[str] = []
    pending, charset, end = b"", "", 0
    for match in _ENCODED_WORD.finditer(text):
        between = text[end : match.start()]
        raw = _word_bytes(match[2], match[3])
        if raw is None:
            continue
        own = match[1].partition("*")[0].lower()  # RFC 2231 may add a language: utf-8*en
        if pending and (own != charset or between.strip(" \t")):
            pieces.append(decode_bytes(pending, charset)[0])
            pending = b""
        if not (end and not between.strip(" \t")):
            pieces.append(between)
        pending, charset, end = pending + raw, own, match.end()
    if pending:
        pieces.append(decode_bytes(pending, charset)[0])
    pieces.append(text[end:])
    return _BREAKS.sub(" ", "".join(pieces))


def _word_bytes(encoding: str, text: str) -> bytes | None:
    raw = text.encode("utf-8", "replace")
    if encoding in "qQ":
        return _HEX.sub(lambda pair: bytes.fromhex(pair[1].decode()), raw.replace(b"_", b" "))
    try:
        return decode_base64(raw)
    except ValueError:
        return None


def decode_base64(data: bytes) -> bytes:
    """Base64 as it comes: padding missing or doubled, strange characters inside. ValueError if there is none in it."""
    try:
        return binascii.a2b_base64(data)
    except binascii.Error:
        kept = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
        kept = kept[:-1] if len(kept) % 4 == 1 else kept
        return binascii.a2b_base64(kept + b"=" * (-len(kept) % 4))


_MONTHS = {
    name: number
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1
    )
}
_DATE = re.compile(
    r"(\d{1,2})\s{1,9}([A-Za-z]{3})[a-z]{0,6}\s{1,9}(\d{2,4})\s{1,9}(\d{1,2}):(\d\d)(?::(\d\d))?"
    r"(?:\s{0,9}([+-]\d{4}|[A-Za-z]{1,5}))?"
)
# RFC 5322, 4.3: these zones have a meaning, all other letters mean "unknown", that is UTC.
_ZONES = {"est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7}


def read_date(value: bytes) -> datetime | None:
    """The instant that a raw field names, as below."""
    seconds = scan.date(value)
    return parse_date(decode_field(value)) if seconds is None else datetime.fromtimestamp(seconds, UTC)


def read_stamp(value: bytes) -> datetime | None:
    """The same of a Received field: its date stands behind the last semicolon."""
    seconds = scan.stamp(value)
    if seconds is not None:
        return datetime.fromtimestamp(seconds, UTC)
    return parse_date(value.rpartition(b";")[2].decode("ascii", "replace"))


def parse_date(text: str) -> datetime | None:
    """An RFC 5322 date as an instant in UTC; None where there is none that a calendar knows."""
    match = _DATE.search(text)
    if match is None:
        return None
    day, name, written_year, hour, minute, second, zone = match.groups("")
    month = _MONTHS.get(name.lower())
    if month is None:
        return None
    year = int(written_year)
    if len(written_year) < len("YYYY"):  # RFC 5322, 4.3: 00 to 49 are of this century, 50 to 999 count from 1900
        year += 1900 if year >= 50 else 2000  # noqa: PLR2004
    try:
        seconds = min(int(second or 0), 59)  # a leap second is still that minute
        return datetime(year, month, int(day), int(hour), int(minute), seconds, tzinfo=UTC) - _ahead(zone)
    except (ValueError, OverflowError):
        return None


@lru_cache(256)
def _ahead(zone: str) -> timedelta:
    """How far the clocks of a zone are ahead of UTC."""
    if zone[:1] in ("+", "-"):
        minutes = int(zone[1:3]) * 60 + int(zone[3:5])
        if minutes >= 24 * 60:
            return timedelta()
        return timedelta(minutes=-minutes if zone[0] == "-" else minutes)
    return timedelta(hours=_ZONES.get(zone.lower(), 0))
