"""Every error the program knows, named by what its catcher must do.

A foreign exception becomes one of these on the line where the foreign call stands.
"""


class ChatbotError(Exception):
    """The root of the tree; nothing raises it itself."""


class Problem(ChatbotError):
    """Something a person has to put right: the thing, the reason, and the remedy, in one line. Where a person was asked
    several things, `part` names the one.
    """

    part = ""

    def __init__(self, thing: str, reason: str, remedy: str) -> None:
        super().__init__(f"{thing}: {reason}; {remedy}")
        self.thing, self.reason, self.remedy = thing, reason, remedy


class Misunderstood(Problem):
    """A person's words make no sense to us: tell that person."""


class Unreadable(Problem):
    """A source cannot be read: tell the operator, and let the other sources go on."""


class Shrunk(Unreadable):
    """A source has lost more than it may at once: as above, and nothing is believed of it until a person says so."""


class Busy(Problem):
    """Another process is at it: come back when that one has ended."""


class BadConfig(ChatbotError):
    """The configuration is wrong: show every fault, one a line, and stop."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class DeliveryError(ChatbotError):
    """A post did not certainly arrive."""


class Refused(DeliveryError):
    """The platform will never take this post as it is: try a plainer one."""


class Closed(DeliveryError):
    """The room takes no posts of ours: park it, and tell its owner once."""


class Unauthorized(DeliveryError):
    """The platform does not let us in: stop it, and it alone, until there is a new token."""


class Unavailable(DeliveryError):
    """The platform did not take the post, or the database the transaction: try again, not before `after` seconds."""

    def __init__(self, reason: str, after: float = 0.0) -> None:
        super().__init__(reason)
        self.after = after


class Unknown(DeliveryError):
    """The post may have arrived: ask the platform before trying again."""
