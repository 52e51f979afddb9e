"""Links that we build from Message-IDs; a link out of a mail is never shown as one."""

from urllib.parse import quote

# lore.kernel.org finds a mail of any list here.
LORE = "https://lore.kernel.org/all/"


def mail_link(base: str, message_id: str) -> str:
    """The page of a mail below a base such as `https://lore.kernel.org/kvm/`."""
    return f"{base.rstrip('/')}/{quote(message_id, safe='@.-_~+=$')}/"
