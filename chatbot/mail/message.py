"""A mail as its sender's program wrote it: the headers we need and the text, decoded.

Law of the file: nothing raises and nothing runs away. What cannot be read is left out and named in `defects`.
"""

import binascii
import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from chatbot import scan
from chatbot.mail.header import (
    HEADERS_LIMIT,
    decode_base64,
    decode_bytes,
    decode_field,
    each_value,
    field_pattern,
    read_date,
    read_fields,
    read_stamp,
    unfold_field,
)
from chatbot.mail.memory import remembered

# Real mail nests three or four deep and has a dozen parts; what is beyond these bounds is an attack.
NESTING_LIMIT = 20
PARTS_LIMIT = 200

_ENVELOPE = field_pattern(
    "message-id",
    "subject",
    "from",
    "date",
    "in-reply-to",
    "references",
    "content-type",
    "content-transfer-encoding",
)
_RECEIVED = field_pattern("received")
# What few mails need is looked for in those alone: in the pattern above, these two would cost each mail 2.4 µs.
_BEHIND = field_pattern("x-original-from", "reply-to")
_PART_FIELDS = field_pattern("content-type", "content-transfer-encoding", "content-disposition")
_PLAIN = re.compile(rb"[\t\r\n -~]*")
_ID = re.compile(r"<([^<> \t\r\n]{1,998}+)>")  # other blanks are spelled out before
_TYPE = re.compile(r"\s*([\w.+-]+/[\w.+-]+)")
_CHARSET = re.compile(r"""[;\s]charset\s{0,9}=\s{0,9}["']?([^\s"';]{1,80})""", re.IGNORECASE)
_BOUNDARY = re.compile(r"""[;\s]boundary\s{0,9}=\s{0,9}(?:"([^"]{1,200})"|([^\s;"]{1,200}))""", re.IGNORECASE)
_FLOWED = re.compile(r"""[;\s]format\s{0,9}=\s{0,9}"?flowed""", re.IGNORECASE)
_PATCH_NAME = re.compile(r"""name\*?=[^;]{0,300}\.(?:patch|diff)\b""", re.IGNORECASE)
_BASE64_LINES = re.compile(rb"(?:[ \t]*+[A-Za-z0-9+/]*+=*+[ \t\r]*+(?:\n|\Z))*+")


@dataclass(slots=True)  # seen by mail.py alone, and frozen values take four times as long to make
class Message:
    """`stamped` is the time of the newest Received field, `sender` the From field with its encoded words; `body` is the
    first text/plain part, `attached` are patches in later parts.
    """

    message_id: str
    subject: str
    sender: str
    stamped: datetime | None
    date: datetime | None
    in_reply_to: str
    references: tuple[str, ...]
    body: str
    attached: tuple[str, ...]
    flowed: bool
    defects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Content:
    """What a Content-Type field says; `written` is the field on one line."""

    written: str
    kind: str
    charset: str
    boundary: bytes | None
    flowed: bool


@dataclass(slots=True)
class _Text:
    """What a walk over the parts has found so far."""

    body: str | None = None
    flowed: bool = False
    attached: tuple[str, ...] = ()
    parts: int = 0


def read_message(data: bytes) -> Message:
    """Any bytes make a message; see `defects` for what was amiss."""
    found, raw_body = _envelope(data)
    defects: list[str] = []
    text = _Text()
    _walk(found, raw_body, text, defects, depth=0)
    if text.body is None:
        defects.append("no text/plain part")
    message_id = _own_id(found.get(b"message-id", b""), defects)
    if not message_id:
        defects.append("no Message-ID")
    if b"from" not in found:
        defects.append("no From")
    if b"subject" not in found:
        defects.append("no Subject")
    date = read_date(found[b"date"]) if b"date" in found else None
    if date is None:
        defects.append("no readable Date")
    return Message(
        message_id=message_id,
        subject=decode_field(found.get(b"subject", b"")),
        sender=unfold_field(found.get(b"from", b"")),
        stamped=read_stamp(found.get(b"received", b"")) or newest_stamp(data),
        date=date,
        in_reply_to=next(iter(_ids(found.get(b"in-reply-to", b""))), ""),
        references=_ids(found.get(b"references", b"")),
        body=text.body or "",
        attached=text.attached,
        flowed=text.flowed,
        defects=tuple(dict.fromkeys(defects)),
    )


def _envelope(data: bytes) -> tuple[dict[bytes, bytes], bytes]:
    """The raw values of the fields of _ENVELOPE, by name, and the body; with the newest Received where that is found.

    A field given twice counts once, as mail programs show it.
    """
    if scanned := scan.fields(data, HEADERS_LIMIT):
        return scanned
    fields, body = read_fields(_ENVELOPE, data)
    return dict(reversed(fields)), body


def fields_behind(data: bytes) -> dict[bytes, str]:
    """The fields in which a relay says for whom it speaks, by their names in lower case; encoded words as they are."""
    return {name: unfold_field(value) for name, value in reversed(read_fields(_BEHIND, data)[0])}


def newest_stamp(data: bytes) -> datetime | None:
    """The time of the newest `Received:` field alone. Servers put theirs on top: the first that can be read is it."""
    for value in each_value(_RECEIVED, data):
        stamp = read_stamp(value)
        if stamp:
            return stamp
    return None


def _own_id(value: bytes, defects: list[str]) -> str:
    """A mail's own Message-ID; a bare one counts where the brackets were forgotten."""
    ids = _ids(value)
    if ids:
        return ids[0]
    bare = _printable(decode_field(value)).strip("<> \t")
    if not bare or any(c.isspace() for c in bare):
        return ""
    defects.append("Message-ID without brackets")
    return bare[:998]


def _ids(value: bytes) -> tuple[str, ...]:
    """The Message-IDs in a field, without their brackets."""
    if (scanned := scan.ids(value)) is not None:
        return scanned
    if _PLAIN.fullmatch(value) and b"=?" not in value:
        return tuple(_ID.findall(value.decode("ascii")))  # they are the same in folded lines
    return tuple(_ID.findall(_printable(decode_field(value))))


def _printable(text: str) -> str:
    """The text with its invisible characters spelled out, and not left out: two ids that look the same are two."""
    return text if text.isprintable() else "".join(c if c.isprintable() or c == "\t" else quote(c) for c in text)


def _walk(found: dict[bytes, bytes], body: bytes, text: _Text, defects: list[str], depth: int) -> None:
    """Collect the texts of one part, or of the parts in it, in order."""
    text.parts += 1
    if depth > NESTING_LIMIT or text.parts > PARTS_LIMIT:
        defects.append("more parts than anyone writes")
        return
    content = _read_content(found.get(b"content-type", b""))
    kind = content.kind
    if kind.startswith("multipart/"):
        if content.boundary is not None:
            for part in _split_parts(body, content.boundary):
                fields, inner = read_fields(_PART_FIELDS, part)
                _walk(dict(fields), inner, text, defects, depth + 1)
            return
        defects.append("multipart without a boundary")
        kind = "text/plain"
    elif kind == "message/rfc822":
        fields, inner = read_fields(_PART_FIELDS, body)
        _walk(dict(fields), inner, text, defects, depth + 1)
        return
    wanted_body = kind == "text/plain" and text.body is None
    if not wanted_body and not _is_patch_file(kind, content.written, found):
        return
    decoded = _decode_text(body, content.charset, found, defects)
    if wanted_body:
        text.body, text.flowed = decoded, content.flowed
    else:
        text.attached += (decoded,)


@remembered
def _read_content(value: bytes) -> _Content:
    written = decode_field(value)
    kind = _TYPE.match(written)
    charset = _CHARSET.search(" " + written)
    boundary = _BOUNDARY.search(written)
    return _Content(
        written,
        kind[1].lower() if kind else "text/plain",
        charset[1] if charset else "utf-8",
        (boundary[1] or boundary[2]).rstrip().encode("utf-8", "replace") if boundary else None,
        bool(_FLOWED.search(written)),
    )


@remembered
def _read_encoding(value: bytes) -> str:
    return decode_field(value).lower()


def _split_parts(body: bytes, boundary: bytes) -> list[bytes]:
    """The parts between the boundary lines; a missing last boundary loses nothing."""
    line = b"\n--" + boundary
    parts: list[bytes] = []
    for piece in (b"\n" + body).split(line, PARTS_LIMIT + 1)[1:]:
        rest, _, content = piece.partition(b"\n")
        if rest.strip() == b"":
            parts.append(content.removesuffix(b"\r"))
        elif rest.startswith(b"--"):
            break
        elif parts:  # a longer boundary that begins like this one
            parts[-1] += line + piece
    return parts


def _is_patch_file(kind: str, content_type: str, found: dict[bytes, bytes]) -> bool:
    if kind in ("text/x-patch", "text/x-diff"):
        return True
    names = content_type + decode_field(found.get(b"content-disposition", b""))
    return kind.startswith(("text/", "application/")) and bool(_PATCH_NAME.search(names))


def _decode_text(body: bytes, charset: str, found: dict[bytes, bytes], defects: list[str]) -> str:
    encoding = _read_encoding(found.get(b"content-transfer-encoding", b""))
    if encoding == "quoted-printable":
        body = binascii.a2b_qp(body)
    elif encoding == "base64":
        body = _decode_base64_lines(body, defects)
    elif encoding not in ("", "7bit", "8bit", "binary"):
        defects.append("unknown transfer encoding")
    decoded, whole = decode_bytes(body, charset)
    if not whole:
        defects.append("text not in its charset")
    return decoded.replace("\r\n", "\n") if "\r" in decoded else decoded


def _decode_base64_lines(body: bytes, defects: list[str]) -> bytes:
    """List servers append a plain footer to encoded text: decode up to the first line that is no base64.

    What is no base64 from its beginning was not encoded at all, whatever its header says.
    """
    lines = _BASE64_LINES.match(body)
    try:
        decoded = decode_base64(lines[0] if lines else b"")
    except ValueError:
        decoded = b""
    if decoded or not body.strip():
        return decoded
    defects.append("broken base64")
    return body
