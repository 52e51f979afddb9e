"""/subscribe and its kin, as people type them."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine

from chatbot.answer import look_up, manages
from chatbot.chat.post import Manner
from chatbot.commands.command import Context
from chatbot.errors import Misunderstood, Unreadable
from chatbot.ingest import ingest
from chatbot.mail.people import People
from chatbot.readers import Readers
from chatbot.report.digest import MailingList
from chatbot.report.rehearsal import REHEARSED, rehearse
from chatbot.report.selection import only_new
from chatbot.rhythm import parse_rhythm, slots
from chatbot.sift import Topic
from chatbot.sources.public_inbox import PublicInbox
from chatbot.sources.sample import EVENING
from chatbot.store.database import open_database
from chatbot.store.following import Following
from chatbot.store.index import Index
from chatbot.store.subscriptions import Subscriptions
from chatbot.subscriptions.filter import parse_filter
from chatbot.subscriptions.room import Room
from chatbot.subscriptions.subscription import CONFIG_LETTERS, Origin, Subscription, make_id
from chatbot.subscriptions.subsystem import Subsystem, Subsystems
from chatbot.subscriptions.when import parse_when
from tests.conftest import NOON, add, answered, compose, context_of, read_one

Ask = Callable[..., str]
BERLIN = Room("terminal", "room", ZoneInfo("Europe/Berlin"), managers=frozenset({"mia"}))
OTHER = Room("terminal", "other")
SUBSYSTEMS = Subsystems(
    [Subsystem("KVM X86", files=("arch/x86/kvm/",)), Subsystem("KVM ARM64", files=("arch/arm64/",))]
)
LISTS = {name: MailingList(name, name.upper(), f"https://l.example/{name}/") for name in ("kvm", "linux-coco")}


def said(context: Context, text: str) -> str:
    return answered(text, context)


@pytest.fixture
def context(engine: Engine) -> Context:
    for name in LISTS:
        add(Index(engine), name, read_one(compose(f"[PATCH] {name}: a", 1 + len(name))))
    return context_of(engine, LISTS, now=NOON, room=BERLIN, subsystems=SUBSYSTEMS)


def ids(context: Context) -> list[str]:
    return [one.id for one in context.subscriptions.of_room("terminal", context.room.name)]


@pytest.fixture(scope="module")
def sampled(sample: dict[str, Path], tmp_path_factory: pytest.TempPathFactory, readers: Readers) -> Iterator[Context]:
    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('store')}/index.sqlite3")
    for name, folder in sample.items():
        with PublicInbox(name, folder) as inbox:
            ingest(inbox, Index(engine), readers)
    Following(engine).keep_up(People(), EVENING)
    yield context_of(engine, LISTS, now=EVENING, room=BERLIN, subsystems=SUBSYSTEMS)
    engine.dispose()


def test_the_answer_says_what_was_understood_when_it_comes_and_what_it_would_have_posted(sampled: Context) -> None:
    told = said(sampled, "/subscribe KVM dfn:arch/x86/kvm/ -is:bot weekdays 08:30")
    (one,) = ids(sampled)
    assert told == (
        f"Subscribed to kvm  {one}\n"
        "  filter  touches arch/x86/kvm/; is not from a bot  dfn:arch/x86/kvm/ AND NOT is:bot\n"
        "  when    weekdays 08:30\n"
        "  next    Mon 2025-11-17 08:30, Tue 2025-11-18 08:30, Wed 2025-11-19 08:30 Europe/Berlin\n"
        "  In the last 14 days it would have been 5 posts with 9 lines; the busiest day was 2025-11-10 with 2.\n"
        f"  It starts now. To take it back: /unsubscribe {one}\n"
    )
    told = said(sampled, '/subscribe "kvm x86" as it happens')
    assert told.startswith("Subscribed to KVM X86  ")
    assert "next    five minutes after a new series or version\n" in told
    told = said(sampled, "/subscribe kvm")
    assert "when    daily at 09:00, which I took for you named none\n" in told


@pytest.mark.parametrize("text", ["dfn:arch/x86/kvm/ -is:bot", "s:tdx", "is:new"])
def test_the_rehearsal_is_what_digests_of_these_days_would_have_told(sampled: Context, text: str) -> None:
    when, topic = parse_when("daily at 09:00"), Topic((LISTS["kvm"],), filter=parse_filter(text))
    between, since = sampled.summarizer.stretches.between, EVENING - REHEARSED
    whole = sampled.sifter.digest(topic, {"kvm": between("kvm", since, EVENING)}, EVENING)
    told = rehearse(when, BERLIN, whole, (), EVENING)
    ends = list(slots(parse_rhythm("daily at 09:00"), BERLIN.zone, since, EVENING))
    posted = [
        not only_new(sampled.sifter.digest(topic, {"kvm": between("kvm", begin, end)}, end)).empty
        for begin, end in pairwise([since, *ends])
    ]
    assert told.posts >= sum(posted) > 0
    assert told.lines == len(whole.series) + len(whole.versions) + len(whole.applied)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("/subscribe", "/subscribe: it needs a list or a subsystem"),
        ("/subscribe kmv daily", "'kmv': there is no such list or subsystem; write kvm"),
        ('/subscribe "kv" daily', '\'kv\': several subsystems have these words; write "KVM X86" or "KVM ARM64"'),
        ("/subscribe kvm s:tdx author:x daily", "'author:': at column 22, there is no such prefix; write f:x"),
        ("/subscribe kvm t:x daily", "m4@sample.example: what is asked of it only its archive tells; name its"),
        ("/subscribe kvm daily at 9:00 Europe/Berln", "'Europe/Berln': at column 30, there is no such time zone"),
        ("/unsubscribe", "/unsubscribe: it needs an id"),
        ("/unsubscribe all", "/unsubscribe: nothing that was typed is left here"),
        ("/unsubscribe zzzz", "'zzzz': this room has no such subscription; take the id from /subscriptions"),
        ("/pause", "'': it needs an id"),
        ("/resume zzzz --skip", "'zzzz': this room has no such"),
        ("/subscriptions page 7", "page 7: there are 1 page of them; name one of 1 to 1"),
    ],
)
def test_what_makes_no_sense_is_pointed_at(context: Context, text: str, fault: str) -> None:
    assert said(context, text).startswith(fault)


def test_a_room_sees_and_changes_only_its_own(context: Context) -> None:
    said(context, "/subscribe kvm daily")
    (one,) = ids(context)
    there = replace(context, room=OTHER)
    assert said(there, "/subscriptions") == "This room follows nothing yet: /subscribe LIST starts it.\n"
    for command in (f"/unsubscribe {one}", f"/pause {one}", f"/resume {one}"):
        assert "this room has no such subscription" in said(there, command)
    assert said(there, "/unsubscribe all").startswith("/unsubscribe: nothing")
    assert said(context, "/subscribe kvm daily").startswith(f"/subscribe: this room has that already, as {one}")
    assert said(context, f"/unsubscribe {one}") == f"Unsubscribed\n{one}  kvm daily\n      of mia, since 2025-11-03\n"
    assert ids(context) == []


def test_how_it_is_shown_can_be_chosen_and_what_is_told_twice_is_refused(context: Context) -> None:
    told = said(context, "/subscribe kvm daily aloud badge")
    assert "  shown   all of it in the room, so that it counts as unread\n" in told
    (one,) = ids(context)
    assert f"{one}  kvm daily aloud badge\n" in said(context, "/subscriptions")
    assert context.subscriptions.all()[0].manner == Manner(aloud=True, badge=True)
    assert said(context, "/subscribe kvm daily").startswith(f"/subscribe: this room has that already, as {one}")
    assert "shown" not in said(context, "/subscribe linux-coco daily")


def test_a_chart_can_be_asked_for(context: Context) -> None:
    assert "  shown   with a chart of the list's last weeks\n" in said(context, "/subscribe kvm chart every monday")
    (one,) = ids(context)
    assert f"{one}  kvm every monday" in said(context, "/subscriptions")
    assert context.subscriptions.all()[0].manner == Manner(chart=True)
    for never in ("kvm as it happens chart", '"KVM X86" chart'):
        assert said(context, f"/subscribe {never}").startswith("chart: a list's scheduled digests alone have one")
    assert ids(context) == [one]


def test_who_may_not_manage_may_read(context: Context) -> None:
    guest = replace(context, manager=False)
    assert said(guest, "/subscribe kvm") == "/subscribe: you may not manage what this room follows; ask mia.\n"
    assert said(guest, "/subscriptions").startswith("This room follows nothing yet")
    assert [manages(text) for text in ("/Subscribe kvm", "/pause x", "/subscriptions", "/nonsense", "")] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_what_the_config_keeps_is_shown_and_not_changed(engine: Engine, context: Context) -> None:
    key = "terminal/room/kvm"
    own = Subscription(
        make_id(key, CONFIG_LETTERS),
        "terminal",
        "room",
        "kvm",
        subsystem=False,
        filter="",
        when=parse_when("hourly"),
        owner="config",
        created=NOON,
        origin=Origin.CONFIG,
    )
    context = replace(context, subscriptions=Subscriptions(engine, [own]))
    assert own.key == key
    said(context, "/subscribe linux-coco s:x OR s:y every 200 mails")
    (_, typed) = ids(context)
    assert said(context, "/subscriptions") == (
        f"{own.id}  kvm hourly\n      of config\n      next: Mon 2025-11-03 14:00 Europe/Berlin\n      last: it begins when its lists have been read\n"
        f"{typed}  linux-coco s:x OR s:y every 200 mails\n      of mia, since 2025-11-03\n      next: when 200 mails have come\n"
        "      last: Mon 2025-11-03 13:00; no post yet\n"
    )
    for command in ("unsubscribe", "pause", "resume"):
        assert said(context, f"/{command} {own.id}").startswith(f"{own.id}: the config keeps this one")
    assert said(context, "/unsubscribe all").startswith(f"Unsubscribed\n{typed}  ")
    assert ids(context) == [own.id]


def test_a_pause_ends_by_itself_or_by_hand(context: Context) -> None:
    said(context, "/subscribe kvm daily")
    (one,) = ids(context)
    for words, next_time in (
        ("", "paused until somebody resumes it"),
        (" 2w", "paused until Mon 2025-11-17 13:00"),
        (" until 2025-12-24", "paused until Wed 2025-12-24 00:00"),
    ):
        assert f"      next: {next_time}\n" in said(context, f"/pause {one}{words}")
    assert "no day" in said(context, f"/pause {one} soon")
    assert "this day is over" in said(context, f"/pause {one} 2025-01-01")
    later = replace(context, now=NOON + timedelta(days=60))
    assert "next: Sat 2026-01-03 09:00 Europe/Berlin\n" in said(later, "/subscriptions")
    assert said(context, f"/resume {one}").startswith("Resumed\n")
    had = context.outbox.progress()[one]
    add(context.index, "kvm", read_one(compose("[PATCH] b", 50)), epoch=1)
    assert said(later, f"/resume {one} --skip").startswith("Resumed, without what came meanwhile\n")
    now = context.outbox.progress()[one]
    assert (now.slot, now.upto > had.upto) == (later.now, True)


def test_many_come_in_pages_and_too_many_are_refused(context: Context) -> None:
    for number in range(100):
        said(context, f"/subscribe kvm s:w{number} daily")
    assert len(set(ids(context))) == 100
    assert said(context, "/subscriptions").endswith("\n+90 more: /subscriptions page 2\n")
    assert "+" not in said(context, "/subscriptions page 10")
    assert said(context, "/subscribe kvm s:w100 daily").startswith("/subscribe: this room has 100 subscriptions")
    assert said(context, f"/unsubscribe {' '.join(ids(context)[:3])}").count(" kvm s:w") == 3


def test_what_was_typed_is_a_value_and_no_markup(context: Context) -> None:
    assert "\x1b" not in said(context, '/subscribe kvm "\x1b[31mred" daily')
    assert said(context, "/subscribe kvm s:{{x}} daily").count("Subscribed") == 1


def test_one_can_be_rehearsed_and_nothing_is_kept(sampled: Context) -> None:
    before = ids(sampled)
    told = said(sampled, "/subscribe kvm s:tdx hourly --try")
    assert told.startswith('Rehearsed: kvm\n  filter  subject has "tdx"')
    assert "In the last 14 days it would have been" in told
    assert told.endswith("Nothing is kept yet. To have it so: /subscribe kvm s:tdx hourly\n")
    assert ids(sampled) == before
    assert said(sampled, "/subscribe --try kvm s:tdx author:x").startswith("'author:': at column 28, ")
    assert "Subscribed to kvm" in said(sampled, '/subscribe kvm s:"is --try typed" hourly')
    assert len(ids(sampled)) == len(before) + 1


def test_one_is_changed_where_it_stands_and_begins_anew_only_on_another_list(context: Context) -> None:
    said(context, "/subscribe kvm s:a weekdays 08:30")
    (one,) = ids(context)
    said(context, f"/pause {one} 2w")
    had, later = context.outbox.progress()[one], replace(context, now=NOON + timedelta(days=1), asker="ana")
    add(context.index, "linux-coco", read_one(compose("[PATCH] b", 50)), epoch=1)
    told = said(later, f"/subscribe kvm s:b hourly --replace {one}")
    assert told.startswith(f"Changed to kvm  {one}\n")
    assert "paused until Mon 2025-11-17 13:00" in told
    assert told.endswith(
        f"It goes on where it was. To change it back: /subscribe --replace {one} kvm s:a weekdays 08:30\n"
    )
    (kept,) = context.subscriptions.of_room("terminal", "room")
    assert (kept.id, kept.owner, kept.asked, context.outbox.progress()[one]) == (one, "mia", "kvm s:b hourly", had)

    assert "It starts now." in said(later, f"/subscribe linux-coco s:b hourly --replace {one}")
    now = context.outbox.progress()[one]
    assert (now.slot, now.upto > had.upto) == (later.now, True)
    assert "Changed to" in said(later, f"/subscribe linux-coco s:b hourly --replace {one}")  # again is no fault
    said(later, "/subscribe kvm hourly")
    assert "has that already" in said(later, f"/subscribe kvm hourly --replace {one}")
    assert "no such subscription" in said(replace(later, room=OTHER), f"/subscribe kvm --replace {one}")


def test_three_lines_are_what_which_and_when_and_each_counts_its_columns(context: Context) -> None:
    assert said(context, "/subscribe kvm x86\ns:tdx -is:bot\nevery monday").startswith("Subscribed to KVM X86  ")
    said(context, '/subscribe "kvm"\n\n')
    assert {one.fields for one in context.subscriptions.of_room("terminal", "room")} == {
        ("KVM X86", "s:tdx AND NOT is:bot", "every monday"),
        ("kvm", "", "daily at 09:00"),
    }
    for lines, part, fault in (
        ("kvn\ns:x\ndaily", "topic", "'kvn': there is no such list"),
        ('""\ns:x\ndaily', "topic", "'': there is no such list or subsystem"),
        ("kvm\ns:x author:x\ndaily", "filter", "'author:': at column 5, "),
        ("kvm\nt:x\ndaily", "filter", "m4@sample.example: what is asked of it only its archive tells"),
        ("kvm\n\nevery tuesdy", "when", "'every tuesdy': "),
        ("kvm\n\ns:x daily", "when", "'s:x daily': "),
        ("kvm\n\ndaily at 9:00 Europe/Berln", "when", "'Europe/Berln': there is no such time zone"),
    ):
        with pytest.raises((Misunderstood, Unreadable)) as problem:
            look_up(f"/subscribe {lines}", context)
        assert (problem.value.part, str(problem.value)[: len(fault)]) == (part, fault)


def test_everybody_sees_their_own_of_all_rooms_and_all_of_those_that_they_look_after(
    engine: Engine, context: Context
) -> None:
    rooms = {("terminal", "room"): BERLIN, ("terminal", "other"): OTHER}
    config = Subscription(
        "abcde", "terminal", "room", "kvm", subsystem=False, filter="", when=parse_when("hourly"), owner="ana",
        created=NOON, origin=Origin.CONFIG,
    )  # fmt: skip
    context = replace(context, rooms=rooms, subscriptions=Subscriptions(engine, [config]))
    there = replace(context, room=OTHER)
    said(replace(there, asker="ana"), "/subscribe kvm s:ofana hourly")
    said(there, "/subscribe kvm s:ofmia hourly")
    said(replace(context, room=BERLIN, asker="ana"), "/subscribe kvm s:inberlin weekdays 08:30")
    said(replace(context, room=Room("matrix", "other")), "/subscribe kvm s:elsewhere hourly")

    def mine(person: str) -> str:
        return said(replace(there, asker=person, manager=False), "/subscriptions mine")

    assert mine("mia").startswith("other\n")
    assert "next: Mon 2025-11-03 13:00 UTC" in mine("mia")
    assert "next: Tue 2025-11-04 08:30 Europe/Berlin" in mine("mia")
    for person, words in (("mia", "ofmia room inberlin abcde"), ("ana", "ofana inberlin"), ("eve", "nothing yet")):
        every = ("ofmia", "ofana", "inberlin", "abcde", "elsewhere", "nothing yet")
        assert [word for word in every if word in mine(person)] == [word for word in every if word in words], person
    assert look_up("/subscriptions mine", there).aside
    assert not look_up("/subscriptions", there).aside
