"""A bot that is killed at any moment, on a platform that misbehaves, posts each digest once, and in order.

KILLS says how often; `make soak` does it a thousand times. See killing.py.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import unmeasured
from tests.conftest import TESTS

TRIES = 10
KILLS = int(os.environ.get("KILLS", "40"))
# Each kill takes twice as long there, for a digest comes in two posts.
PLATFORMS = {"terminal": KILLS, "slack": int(os.environ.get("KILLS", "30"))}


def start(
    folder: Path, kills: int, seed: int, platform: str, *control: str, loop: str = "killing"
) -> "subprocess.Popen[str]":
    folder.mkdir()
    command = [sys.executable, "-m", f"tests.stories.{loop}", str(folder), str(kills), str(seed), platform, *control]
    return subprocess.Popen(command, cwd=TESTS.parent, stdout=subprocess.PIPE, text=True, env=unmeasured.environment())


def result(process: "subprocess.Popen[str]") -> dict[str, int]:
    said, _ = process.communicate()
    assert process.returncode == 0
    return dict(json.loads(said))


@pytest.mark.parametrize(("platform", "kills"), PLATFORMS.items())
def test_each_post_arrives_once_and_in_order_however_often_the_bot_is_killed(
    tmp_path: Path, platform: str, kills: int
) -> None:
    found = result(start(tmp_path / "loop", kills, kills, platform))
    sys.stdout.write(f"{found}\n")
    assert found["at a random time"] + found["at a point"] == kills
    assert found["posts"] > kills / 4  # fewer where the machine is busy
    assert [found[fault] for fault in ("lost", "repeated", "disordered", "unknown", "astray")] == [0, 0, 0, 0, 0]


CONTROLS = [
    ("terminal", "send again without asking", "repeated"),
    ("terminal", "mark before sending", "lost"),
    ("slack", "send again without asking", "repeated"),
]
if KILLS > 100:  # of 25 kills every second run shows it, or none, where the machine is busy
    CONTROLS.append(("terminal", "ask without waiting", "repeated"))


@pytest.mark.parametrize(("platform", "control", "fault"), CONTROLS)
def test_the_loop_sees_what_goes_wrong_where_a_bot_is_not_careful(
    tmp_path: Path, platform: str, control: str, fault: str
) -> None:
    for seed in range(TRIES):
        found = result(start(tmp_path / f"loop-{seed}", 25, seed, platform, control))
        sys.stdout.write(f"{found}\n")
        if found[fault]:
            return
    pytest.fail("the loop is blind")
