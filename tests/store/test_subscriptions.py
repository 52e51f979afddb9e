"""What rooms follow, as it is kept."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from chatbot.chat.post import Manner, Post
from chatbot.store.database import writing
from chatbot.store.delivery import Planned, Progress
from chatbot.store.index import Index
from chatbot.store.outbox import Outbox
from chatbot.store.recall import SEVERAL, plan_anew
from chatbot.store.subscriptions import Subscriptions
from chatbot.subscriptions.subscription import CHAT_LETTERS, FOREVER, Subscription, make_id
from chatbot.subscriptions.when import parse_when
from tests.conftest import NOON, add, compose, read_one

LATER = NOON + timedelta(days=1)
ONE = Subscription(
    id="",
    platform="terminal",
    room="room",
    topic="kvm",
    subsystem=False,
    filter="s:tdx",
    when=parse_when("daily at 9:00 Europe/Berlin"),
    owner="mia",
    created=NOON,
    manner=Manner(aloud=True),
)


def test_what_is_kept_is_what_was_given_and_begins_with_it(engine: Engine) -> None:
    kept, outbox = Subscriptions(engine), Outbox(engine)
    add(Index(engine), "kvm", read_one(compose("[PATCH] a", 1)), read_one(compose("[PATCH] b", 2)))
    one, other = kept.add([ONE, replace(ONE, topic="KVM X86", subsystem=True)], [["kvm"], ["kvm", "never-read"]], LATER)
    assert kept.all() == kept.of_room("terminal", "room") == tuple(sorted((one, other), key=lambda one: one.id))
    assert replace(one, id="") == ONE
    assert outbox.progress() == {one.id: Progress(Index(engine).newest("kvm"), LATER)}
    kept.pause(one.id, FOREVER)
    assert [one.paused(LATER) for one in kept.all() if one.paused_until] == [True]
    add(Index(engine), "kvm", read_one(compose("[PATCH] c", 3)), epoch=1)
    kept.skip(one, ["kvm"], LATER + timedelta(days=1))
    assert outbox.progress()[one.id] == Progress(Index(engine).newest("kvm"), LATER + timedelta(days=1))
    kept.remove([one.id, other.id])
    assert (kept.all(), outbox.progress()) == ((), {})


def test_ids_are_short_and_nobody_has_anothers(sqlite: Engine) -> None:
    kept = Subscriptions(sqlite)
    made = kept.add([ONE] * 300, [["kvm"]] * 300, NOON)
    assert len({one.id for one in made}) == 300
    assert {len(one.id) for one in made} == {CHAT_LETTERS}
    (again,) = kept.add([replace(ONE, id=made[0].id)], [["kvm"]], NOON)
    assert again.id not in {one.id for one in made}
    kept.remove([again.id])
    assert kept.add([again], [["kvm"]], NOON) == (again,)


@pytest.mark.parametrize(("seen_id", "left"), [(5, 0), (6, 1)])
def test_a_post_that_tells_of_several_lists_is_planned_anew_where_one_of_them_loses_a_mail(
    engine: Engine, seen_id: int, left: int
) -> None:
    outbox = Outbox(engine)
    assert outbox.plan("a", None, Progress(3, NOON), [])
    post = Planned(make_id("x"), "terminal", "room", Post("terminal", "body"), SEVERAL)
    assert outbox.plan("a", Progress(3, NOON), Progress(5, LATER), [post])
    assert not outbox.plan("a", Progress(3, NOON), Progress(5, LATER), [post])  # another was faster
    with writing(engine) as connection:
        plan_anew(connection, 1, seen_id)
    assert len(outbox.waiting(LATER)) == left
    assert outbox.progress() == {"a": Progress(5, LATER) if left else Progress(3, NOON)}


def test_a_room_that_goes_on_as_another_takes_along_what_it_follows_and_what_it_is_owed(engine: Engine) -> None:
    kept, outbox = Subscriptions(engine), Outbox(engine)
    add(Index(engine), "kvm", read_one(compose("[PATCH] a", 1)))
    one, other = kept.add([ONE, replace(ONE, room="new")], [["kvm"], ["kvm"]], NOON)
    for number, (subscription, room) in enumerate([(one, "room"), (other, "new"), (one, "room")], 2):
        had = outbox.progress()[subscription.key]
        posts = (Planned(f"key {number}", "terminal", room, Post("terminal", f"post {number}"), "kvm"),)
        assert outbox.plan(subscription.key, had, Progress(number, NOON), posts)
    (first, _) = outbox.waiting(NOON)
    outbox.sending(first, NOON, timedelta(0))  # of this nobody knows whether the old room has it
    assert kept.move("terminal", "room", "new") == 1
    assert {each.id for each in kept.of_room("terminal", "new")} == {one.id, other.id}
    assert [(each.room, each.post.body) for each in outbox.waiting(LATER)] == [("room", "post 2"), ("new", "post 3")]
    outbox.sent(outbox.waiting(LATER)[1], "remote")
    assert [each.post.body for each in outbox.waiting(LATER)] == ["post 2", "post 4"]
    assert kept.move("terminal", "room", "new") == 0


def test_what_a_room_has_become_is_remembered_whatever_is_told_late(sqlite: Engine) -> None:
    kept = Subscriptions(sqlite)
    kept.name("matrix", "#kvm:x", "!a")
    kept.move("matrix", "!a", "!b")
    kept.name("matrix", "#kvm:x", "!a")  # the alias still leads there
    assert kept.names()["matrix", "#kvm:x"] == "!b"
    kept.move("matrix", "!b", "!c")
    kept.move("matrix", "!a", "!b")  # a tombstone comes again
    assert set(kept.names().values()) == {"!c"}
    kept.move("matrix", "!c", "!a")
    assert kept.names() == {("matrix", name): "!a" for name in ("#kvm:x", "!b", "!c")}


def digest(number: int, *parts: str) -> list[Planned]:
    return [Planned(f"{number}{part}", "terminal", "room", Post("terminal", part), "kvm") for part in parts]


@pytest.mark.parametrize("how", ["replace", "skip"])
def test_a_digest_that_waits_where_its_subscription_begins_anew_goes_out_as_it_is(engine: Engine, how: str) -> None:
    kept, outbox = Subscriptions(engine), Outbox(engine)
    add(Index(engine), "kvm", read_one(compose("[PATCH] a", 1)))
    (one,) = kept.add([ONE], [["kvm"]], NOON)
    had = outbox.progress()[one.key]
    assert outbox.plan(one.key, had, Progress(had.upto + 1, LATER), digest(1, "a"))
    assert outbox.replaceable(one.key) == had
    if how == "replace":
        kept.change(replace(one, filter=""), ["kvm"], LATER, anew=True)
    else:
        kept.skip(one, ["kvm"], LATER)
    assert outbox.replaceable(one.key) is None
    anew = outbox.progress()[one.key]
    assert outbox.plan(one.key, anew, Progress(anew.upto + 1, LATER), digest(2, "b"))
    assert [each.post.body for each in outbox.waiting(LATER)] == ["a"]
    with writing(engine) as connection:
        plan_anew(connection, 1, had.upto + 1)  # a mail of it is taken out of the archive
    assert outbox.progress()[one.key] == anew
    assert outbox.waiting(LATER) == ()


def test_a_digest_that_a_move_has_split_is_not_told_again(engine: Engine) -> None:
    kept, outbox = Subscriptions(engine), Outbox(engine)
    add(Index(engine), "kvm", read_one(compose("[PATCH] a", 1)))
    (one,) = kept.add([ONE], [["kvm"]], NOON)
    had = outbox.progress()[one.key]
    assert outbox.plan(one.key, had, Progress(had.upto + 1, LATER), digest(1, "a", "b"))
    outbox.sent(outbox.waiting(LATER)[0], "remote")
    (read,) = outbox.waiting(LATER)
    kept.move("terminal", "room", "new")
    assert not outbox.sending(read, LATER, timedelta(0))  # to the room where it was
    assert [(each.room, each.post.body) for each in outbox.waiting(LATER)] == [("new", "b")]
    assert outbox.replaceable(one.key) is None
