"""To whom a mail was sent, out of its archive."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine

from chatbot.errors import Unreadable
from chatbot.ingest import ingest
from chatbot.mail.recipients import MOST, Recipients, read_recipients
from chatbot.originals import Originals
from chatbot.readers import Readers
from chatbot.sources.public_inbox import PublicInbox, write_epoch
from chatbot.store.index import Index
from chatbot.store.stretches import Stretches
from tests.conftest import NOON, compose

KVM, COCO = "kvm@vger.example", "coco@lists.example"


def addressed(number: int, to: str, cc: str = "") -> bytes:
    fields = f"To: {to}\n" + (f"Cc: {cc}\n" if cc else "")
    return fields.encode() + compose(f"[PATCH {number}/3] x", number)


ONE = addressed(1, KVM, '"Zyngier, Marc" <maz@k.example>,\n\t=?utf-8?q?J=C3=BCrgen?= <j@g.example>')
TWO = addressed(2, f"{KVM}, {COCO}")
THREE = addressed(3, COCO, "mia@m.example")


@pytest.fixture
def originals(engine: Engine, tmp_path: Path, readers: Readers) -> Iterator[Originals]:
    sources = {}
    for name, mails in (("kvm", (ONE, TWO)), ("coco", (TWO, THREE))):
        folder = tmp_path / name
        write_epoch(folder, [(mail, "A <a@a.example>", NOON + timedelta(minutes=n)) for n, mail in enumerate(mails)])
        sources[name] = PublicInbox(name, folder)
        ingest(sources[name], Index(engine), readers)
    yield Originals(Stretches(engine).places, {name: partial(sources.get, name) for name in sources})
    for one in sources.values():
        one.close()


def test_a_mail_is_looked_up_in_an_archive_that_has_it(originals: Originals) -> None:
    assert addresses(originals.recipients(["m1@sample.example"])) == ([KVM], ["maz@k.example", "j@g.example"])
    assert addresses(originals.recipients(["m2@sample.example"])) == ([KVM, COCO], [])


def test_of_several_mails_each_recipient_is_named_once(originals: Originals) -> None:
    to, cc = addresses(originals.recipients(["m1@sample.example", "m2@sample.example", "m3@sample.example"]))
    assert sorted(to) == sorted([KVM, COCO])
    assert sorted(cc) == ["j@g.example", "maz@k.example", "mia@m.example"]


def test_all_that_mails_say_is_read_with_the_lines_of_code(originals: Originals) -> None:
    (text,) = originals.texts(["m1@sample.example"])
    assert text == "Text.\n"


def test_where_no_archive_has_one_of_them_nobody_guesses(originals: Originals) -> None:
    for ask in (originals.recipients, originals.texts):
        with pytest.raises(Unreadable, match=r"gone@x.example: what is asked of it only its archive tells"):
            ask(["gone@x.example"])
    assert addresses(originals.recipients(["m2@sample.example", "gone@x.example"]))[0] == [KVM, COCO]


def test_names_are_read_as_in_a_from_field() -> None:
    found = read_recipients(ONE)
    assert [one.name for one in found.cc] == ["Zyngier, Marc", "Jürgen"]


@pytest.mark.parametrize(
    ("field", "addresses_of_it"),
    [
        ("undisclosed-recipients:;", []),
        ("a@a.example (a comment), b@b.example", ["a@a.example", "b@b.example"]),
        ("=?utf-8?q?evil=40e=2Eexample=2C?= <good@g.example>", ["good@g.example"]),
        ("(" * 5000, []),
        (", ".join(f"p{n}@x.example" for n in range(3000)), [f"p{n}@x.example" for n in range(MOST)]),
    ],
)
def test_odd_fields_are_read_as_far_as_they_are_clear(field: str, addresses_of_it: list[str]) -> None:
    assert addresses(read_recipients(addressed(1, field)))[0] == addresses_of_it


def addresses(found: Recipients) -> tuple[list[str], list[str]]:
    return [one.address for one in found.to], [one.address for one in found.cc]
