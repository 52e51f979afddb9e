"""Somebody whose client is another implementation: npm's matrix-js-sdk with Rust crypto, as in Element. See client.mjs.

It sends keys to no device, and shows nothing of any, that its owner has not signed.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fakes.synapse import PASSWORD, Person

HERE = Path(__file__).parent


def missing() -> str:
    """Why there is none here, if so."""
    if not shutil.which("node"):
        return "this needs Node.js"
    return "" if (HERE / "node_modules").is_dir() else "`make second-opinion` installs what this needs, and runs it"


@dataclass(frozen=True)
class Heard:
    """A message as it is shown: `shield` is the colour of its warning, NONE where all is well; `failure` is why it
    cannot be read.
    """

    id: str
    sender: str
    body: str
    html: str
    thread: str
    shield: str
    failure: str


class SecondOpinion:
    """Its client, with a device of its own."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process, self._log = process, log
        self.device = str(self._said())

    def make_room(self, guest: str) -> str:
        """Encrypted; its id."""
        return str(self._ask("make_room", guest=guest))

    def say(self, room: str, text: str) -> str:
        """The event's id."""
        return str(self._ask("say", room=room, text=text))

    def heard(self, room: str, sender: str) -> list[Heard]:
        """What somebody said there."""
        return [one for one in (Heard(**each) for each in self._ask("heard", room=room)) if one.sender == sender]

    def signed(self, user: str, device: str) -> bool | None:
        """Whether a device is signed by its owner; None where it is not known."""
        found = self._ask("signed", user=user, device=device)
        return found if found is None else bool(found)

    def _ask(self, name: str, **more: str) -> Any:
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"do": name, **more}) + "\n")
        self._process.stdin.flush()
        return self._said()

    def _said(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, self._log.read_text()[-2_000:]
        answer = json.loads(line)
        assert "said" in answer, answer
        return answer["said"]


@contextmanager
def second_opinion(person: Person, log: Path) -> Iterator[SecondOpinion]:
    """One that runs, and is ended."""
    command = ["node", HERE / "client.mjs", person.url, person.id, PASSWORD]
    with (
        log.open("wb") as errors,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            yield SecondOpinion(process, log)
        finally:
            process.kill()
