"""Plain mails, scanned by compiled code where there is some; what it declines with None, the Python beside it does.

Law of the file: what is said is the same with it and without it. It is compiled where the bot is installed, if there is
a C compiler (see hatch_build.py); where there was none, all is declined, and a mail is read in twice the time.
"""

try:
    from chatbot._scan import date, diff, fields, ids, lead, patched, printable, said, stamp, trailers
except ImportError:

    def _decline(*_: object) -> None:
        """There is no compiled code."""

    date = diff = fields = ids = lead = patched = printable = said = stamp = trailers = _decline
    COMPILED = False
else:
    COMPILED = True

__all__ = ["COMPILED", "date", "diff", "fields", "ids", "lead", "patched", "printable", "said", "stamp", "trailers"]
