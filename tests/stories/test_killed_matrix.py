"""A bot that is killed at any moment posts each digest once and in order on Matrix, too, in plain and encrypted rooms.

KILLS says how often; `make soak` does it a hundred times. See killing_matrix.py.
"""

import os
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.stories.test_killed import TRIES, result, start

KILLS = int(os.environ.get("KILLS", "8"))
start_matrix = partial(start, loop="killing_matrix")


@pytest.mark.parametrize("control", [(), ("encrypted",)], ids=["plain", "encrypted"])
def test_each_post_arrives_once_and_in_order_and_can_be_read(tmp_path: Path, control: tuple[str, ...]) -> None:
    found = result(start_matrix(tmp_path / "loop", KILLS, KILLS, "matrix", *control))
    sys.stdout.write(f"{found}\n")
    assert found["at a random time"] + found["at a point"] == KILLS
    assert found["posts"] > 0
    assert [found[fault] for fault in ("lost", "repeated", "disordered", "unknown")] == [0, 0, 0, 0]


def test_the_loop_sees_what_transaction_ids_are_for(tmp_path: Path) -> None:
    for seed in range(TRIES):
        found = result(start_matrix(tmp_path / f"loop-{seed}", 10, seed, "matrix", "other transaction ids"))
        sys.stdout.write(f"{found}\n")
        if found["repeated"]:
            return
    pytest.fail("the loop is blind")
