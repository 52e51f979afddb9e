"""Links that we build from Message-IDs; a link out of a mail is never shown as one."""

import re
from urllib.parse import quote, unquote

# lore.kernel.org finds a mail of any list here.
LORE = "https://lore.kernel.org/all/"


def mail_link(base: str, message_id: str) -> str:
    """The page of a mail below a base such as `https://lore.kernel.org/kvm/`."""
    return f"{base.rstrip('/')}/{quote(message_id, safe='@.-_~+=$')}/"


_URL = re.compile(r"https?://[^/\s]+/(?:[^/\s]+/)*?([^/\s]*(?:@|%40)[^/\s]*)(?:/\S*)?")


_LIST = re.compile(r"https?://[^/\s]{1,255}/([^/\s?#@]{1,255})/?(?:[?#]\S*)?")


def list_in(text: str) -> str | None:
    """The list whose own page a link leads to; None where it leads to a mail, or is none."""
    url = _LIST.fullmatch(text.strip())
    return url[1] if url else None


def message_id_in(text: str) -> str | None:
    """The Message-ID that a person means by a link to a mail, `<id>`, or the bare id; None where it is none."""
    text = text.strip()
    url = _URL.fullmatch(text)
    if url:
        return unquote(url[1])
    bare = text.removeprefix("<").removesuffix(">")
    return bare if "@" in bare and not any(c.isspace() for c in bare) else None
