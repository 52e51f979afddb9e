"""How far the index is with each list: what `chatbot status` shows."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class EpochStatus:
    """One epoch: its tip, the commit that the index has reached, and how many commits lie between; None: not known."""

    epoch: int
    tip: str | None
    reached: str | None
    behind: int | None


@dataclass(frozen=True, slots=True)
class ListStatus:
    """One list. `newest` is when its newest mail came in, `lag` how long that is ago; `unread` mails are tried again at
    the next refresh; `size` is the archive's on disk, in bytes; `problem` says why the archive is not read.
    """

    name: str
    epochs: tuple[EpochStatus, ...]
    mails: int
    newest: datetime | None
    lag: timedelta | None
    defects: int
    unread: int
    size: int | None
    problem: str

    @property
    def behind(self) -> int | None:
        """How many commits the index has not got; None where nobody can say."""
        known = [epoch.behind for epoch in self.epochs if epoch.behind is not None]
        return sum(known) if known and len(known) == len(self.epochs) else None


COLUMNS = ("list", "epochs", "tip", "mails", "newest mail", "lag", "behind", "defects", "size", "")


def row(status: ListStatus) -> tuple[str, ...]:
    """A list as COLUMNS."""
    tip = next((epoch.tip for epoch in reversed(status.epochs) if epoch.tip), None)
    return (
        status.name,
        str(len(status.epochs)) if status.epochs else "–",
        tip[:12] if tip else "–",
        f"{status.mails:,}",
        f"{status.newest:%Y-%m-%d %H:%M}" if status.newest else "–",
        _ago(status.lag) if status.lag is not None else "–",
        f"{status.behind:,}" if status.behind is not None else "–",
        f"{status.defects:,}" + (f" + {status.unread:,} unread" if status.unread else ""),
        _bytes(status.size) if status.size is not None else "–",
        status.problem,
    )


def to_json(store: str, size: int, lists: Iterable[ListStatus]) -> str:
    """All of it for programs: ids in full, times in ISO 8601, lag in seconds."""
    return (
        json.dumps(
            {
                "store": {"url": store, "bytes": size},
                "lists": [
                    {
                        "name": one.name,
                        "epochs": [
                            {"epoch": it.epoch, "tip": it.tip, "reached": it.reached, "behind": it.behind}
                            for it in one.epochs
                        ],
                        "mails": one.mails,
                        "newest": one.newest.isoformat() if one.newest else None,
                        "lag": int(one.lag.total_seconds()) if one.lag is not None else None,
                        "behind": one.behind,
                        "defects": one.defects,
                        "unread": one.unread,
                        "bytes": one.size,
                        "problem": one.problem or None,
                    }
                    for one in lists
                ],
            },
            indent=2,
            ensure_ascii=False,
        )
        + "\n"
    )


def index_line(store: str, size: int) -> str:
    """Where the index lies, and how large it is."""
    return f"index: {store}, {_bytes(size)}"


def _ago(lag: timedelta) -> str:
    """The two largest units are more than anyone needs."""
    minutes = max(0, int(lag.total_seconds()) // 60)
    days, hours = minutes // 1440, minutes // 60
    return f"{days} d" if days > 1 else f"{hours} h" if hours > 1 else f"{minutes} min"


def _bytes(size: int) -> str:
    amount = float(size)
    for unit in ("B", "KB", "MB"):
        if amount < 1000:  # noqa: PLR2004
            return f"{amount:.0f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"
