"""What /contributor says of somebody's last 90 days, on either database."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from chatbot.answer import look_up
from chatbot.chat.styled import DIALECT, plain_text
from chatbot.commands import contributor
from chatbot.commands.command import Facts
from chatbot.mail.bots import Bots
from chatbot.mail.mail import Mail
from chatbot.mail.mailmap import Mailmap
from chatbot.mail.people import People
from chatbot.report.answers import contributor_document
from chatbot.report.render import Renderer
from chatbot.store.index import Index
from tests.conftest import NOON, add, compose, context_of, read_one

Ask = Callable[..., Facts]
ANA, BO, CARL, DEE, EVE = (
    f"{name} <{name.lower()}@{name[0].lower()}.example>" for name in ("Ana", "Bo", "Carl", "Dee", "Eve")
)
BO_ELSEWHERE, ROBOT = "B. Lindqvist <bo@home.example>", "kernel test robot <lkp@i.example>"
PEOPLE = People(
    Mailmap.parse("Bo <bo@b.example> <bo@home.example>"),
    bots=Bots.parse('[[bots]]\nbot = "robot"\nkind = "test"\naddress = "lkp@i.example"\n', "bots"),
)

LATELY = """In the last 90 days
  patches  ▂·········▂▂█  7, at most 4 in a week
  reviews  ············█  2, at most 2 in a week
  areas    drivers/nvdimm 5, fs 2
  mails    kvm 11, coco 1

Series in flight
  nd: third  v1 · 2025-10-31 12:00
      new · not meant to be applied yet
  nd: second  v2 · 2025-10-29 12:00
      discussed · waiting for the author for 2 business days
  nd: first  v1 · 2025-08-05 14:24
      reviewed · waiting for the maintainer for 64 business days

Applied  1
  dax: fix  v2 · 2025-10-24 12:00

Works with
  Carl <carl@c.example>  reviewed 2 of theirs, wrote 1 together
  Bo <bo@b.example>  got 2 reviews
  Eve <eve@e.example>  got 1 review
"""


def posted(
    number: int, ago: float, subject: str, *tags: str, sender: str = ANA, path: str = "", above: tuple[int, ...] = ()
) -> Mail:
    """A mail so many days before NOON, in a thread whose first mail `above` names first; it may change a file."""
    diff = f"---\n\ndiff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-a\n+b\n" if path else ""
    body = "\n".join(["Words of one's own.", "", *tags, diff])
    if path and sender == DEE:
        body = f"From: {ANA}\n\n{body}"
    ids = [f"<m{one}@sample.example>" for one in above]
    fields = {"in_reply_to": ids[-1], "references": " ".join(ids)} if ids else {}
    return read_one(compose(subject, number, body, sender, **fields), NOON - timedelta(days=ago))


BOTH = posted(1, 89.9, "[PATCH] nd: first", f"Acked-by: {BO}", path="drivers/nvdimm/core/a.c")
MAILS = (
    posted(2, 90, "[PATCH] nd: a day too old", path="drivers/old/a.c"),
    BOTH,
    # Reviewed at home, taken into the next version, and applied: one patch in common, whatever it is called by.
    posted(10, 20, "[PATCH] dax: fix", path="fs/dax.c"),
    posted(11, 19, "Re: [PATCH] dax: fix", f"Reviewed-by: {BO_ELSEWHERE}", sender=BO_ELSEWHERE, above=(10,)),
    posted(12, 10, "[PATCH v2] dax: fix", f"Reviewed-by: {BO}", f"Co-developed-by: {CARL}", path="fs/dax.c"),
    posted(13, 9, "Re: [PATCH v2] dax: fix", sender=EVE, above=(12,)),
    posted(14, 8, "Re: [PATCH v2] dax: fix", above=(12, 13)),
    posted(
        15, 7.5, "Re: [PATCH v2] dax: fix", f"Tested-by: {EVE}", f"Tested-by: {ANA}", sender=EVE, above=(12, 13, 14)
    ),
    posted(16, 7.5, "Re: [PATCH v2] dax: fix", f"Tested-by: {ROBOT}", sender=ROBOT, above=(12,)),
    posted(17, 6, "Re: [PATCH v2] dax: fix", "Applied, thanks!", sender=DEE, above=(12,)),
    # Carl's patches, of which Ana reviews two; what she passes on is no review of hers.
    posted(20, 6, "[PATCH 0/2] mm: tidy up", sender=CARL),
    posted(21, 6, "[PATCH 1/2] mm: one", sender=CARL, above=(20,), path="mm/a.c"),
    posted(22, 6, "[PATCH 2/2] mm: two", sender=CARL, above=(20,), path="mm/b.c"),
    posted(23, 5, "Re: [PATCH 1/2] mm: one", f"Reviewed-by: {ANA}", above=(21,)),
    posted(24, 5, "Re: [PATCH 2/2] mm: two", sender=CARL, above=(22,)),
    posted(25, 4, "Re: [PATCH 2/2] mm: two", f"Acked-by: {ANA}", above=(20, 22, 24)),
    posted(26, 4, "Re: [PATCH 2/2] mm: two", f"Tested-by: {EVE}", above=(22,)),
    # Two versions of what is in flight; a draft; and one that Dee posts for her.
    posted(30, 6, "[PATCH v1] nd: second", path="drivers/nvdimm/b.c"),
    posted(31, 5, "[PATCH v2] nd: second", path="drivers/nvdimm/b.c"),
    posted(32, 4, "Re: [PATCH v2] nd: second", "Please fix the typo.", sender=DEE, above=(31,)),
    posted(33, 3, "[RFC PATCH] nd: third", path="drivers/nvdimm/c.c"),
    posted(35, 2, "[PATCH] nd: fourth", sender=DEE, path="drivers/nvdimm/e.c"),
    posted(34, -1, "[PATCH] nd: still to come", path="drivers/nvdimm/d.c"),
)


@pytest.fixture
def ask(engine: Engine) -> Ask:
    """Finds out what there is to say of Ana at NOON, from an index of these mails."""

    def asked(*mails: Mail, coco: tuple[Mail, ...] = ()) -> Facts:
        add(Index(engine), "kvm", *sorted(mails, key=lambda mail: mail.received))
        if coco:
            add(Index(engine), "coco", *coco)
        return look_up("/contributor ana@a.example", context_of(engine, people=PEOPLE))

    return asked


def told(facts: Facts) -> str:
    """What a room is told."""
    return plain_text(Renderer().render(DIALECT, facts.template, **facts.values))


def test_ninety_days_are_told_by_weeks_series_areas_and_people(ask: Ask) -> None:
    facts = ask(*MAILS, coco=(BOTH,))
    assert told(facts).partition("\n\n")[2] == LATELY
    found = contributor_document(facts.values["report"])["lately"]
    assert found["patches"] == {"total": 7, "weeks": [1, *[0] * 9, 1, 1, 4]}
    assert (found["areas"], found["lists"]) == ({"drivers/nvdimm": 5, "fs": 2}, {"kvm": 11, "coco": 1})
    assert [(one["title"], one["state"], one["waiting"]) for one in found["in_flight"]] == [
        ("nd: third", "new", None),
        ("nd: second", "discussed", {"on": "author", "business_days": 2}),
        ("nd: first", "reviewed", {"on": "maintainer", "business_days": 64}),
    ]
    assert [one["message_id"] for one in found["applied"]] == ["m12@sample.example"]
    assert [(one["name"], one["reviewed"], one["reviews"], one["together"]) for one in found["co_workers"]] == [
        ("Carl", 2, 0, 1),
        ("Bo", 0, 2, 0),
        ("Eve", 0, 1, 0),
    ]


def test_who_was_silent_for_90_days_still_has_all_time_numbers(ask: Ask) -> None:
    silent = posted(1, 100, "[PATCH] nd: first"), posted(2, 90, "Re: [PATCH] x", f"Acked-by: {ANA}", above=(9,))
    shown = told(ask(*silent))
    assert "\n  1 patch · 1 reply in all · last seen 2025-08-05 12:00 UTC\n" in shown
    assert "\n  gave 1 Acked-by\n  nothing in the last 90 days\n\nNewest series\n  nd: first  v1" in shown


def test_how_many_postings_were_not_looked_at_is_said(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contributor, "LOOKED_AT", 10)
    titles = ("bus", "cache", "dimm", "error", "fault", "guest", "huge", "irq", "jump", "key", "lock", "mutex")
    mails = (posted(day, day, f"[PATCH] {title}: {title} {title}s") for day, title in enumerate(titles, 1))
    shown = told(ask(*mails))
    flight = shown.partition("Series in flight\n")[2]
    assert [line.split(":")[0].strip() for line in flight.splitlines() if "v1 ·" in line] == [*titles[:8]]
    assert "\n  +2 more\n\n2 older postings of these days: not looked at how they stand\n" in flight
