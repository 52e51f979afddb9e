"""The homeserver that the tests of Matrix stand on."""

from pathlib import Path

from tests.fakes.synapse import Synapse, synapse


def test_what_one_says_another_hears_before_and_after_a_restart(tmp_path: Path) -> None:
    with synapse(tmp_path / "own") as own:
        mia, ben = own.person("mia"), own.person("ben")
        room = mia.make_room(ben)
        ben.join(room)
        mia.say(room, "before")
        own.stop()
        own.start()
        mia.say(room, "after")
        assert [one["content"]["body"] for one in ben.heard(room, mia)] == ["before", "after"]


def test_rooms_have_the_version_that_was_asked_for(homeserver: Synapse) -> None:
    mia = homeserver.person("mia")
    for version in ("10", "11", "12"):
        room = mia.make_room(version=version)
        assert mia.state(room, "m.room.create")["room_version"] == version
        assert (":" in room) == (version != "12")
