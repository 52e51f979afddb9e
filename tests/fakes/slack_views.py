"""Slack's views: a Home for each person, and a stack of modals; what Slack refuses in them, and what people do in them.

https://docs.slack.dev/reference/views
"""

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from tests.fakes.slack_rules import MOST_VIEW_BLOCKS, Effects, Invalid, check_blocks, effects, read

# Seconds for which a trigger may open something, and in which a submission is acknowledged.
TRIGGER = 3.0
MOST_STACKED = 3
_HOME = {"type", "blocks", "private_metadata", "callback_id", "external_id"}
_MODAL = _HOME | {"title", "submit", "close", "clear_on_close", "notify_on_close", "submit_disabled"}


@dataclass(frozen=True)
class View:
    """What a person sees; `errors` stand below its fields."""

    id: str
    body: Mapping[str, Any]
    hash: str
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """All that is read in it."""
        return " ".join(read(self.body["blocks"]))

    @property
    def title(self) -> str:
        return str(self.body["title"]["text"])

    @property
    def effects(self) -> Effects:
        return effects({"blocks": self.body["blocks"]})

    @property
    def inputs(self) -> dict[str, dict[str, Any]]:
        return {one["block_id"]: one for one in self.body["blocks"] if one["type"] == "input"}

    @property
    def buttons(self) -> list[dict[str, Any]]:
        return [one for block in self.body["blocks"] if block["type"] == "actions" for one in block["elements"]]

    def shown(self, **more: Any) -> dict[str, Any]:
        """As Slack sends it along."""
        empty = {"private_metadata": "", "callback_id": "", "external_id": ""}
        return {**empty, **self.body, "id": self.id, "hash": self.hash, "root_view_id": self.id, **more}


def check_view(view: Any, kind: str) -> None:
    """Raises Invalid."""
    known = _HOME if kind == "home" else _MODAL
    if not isinstance(view, dict) or view.get("type") != kind or set(view) - known:
        raise Invalid("invalid_arguments", f"no view of type {kind}: {sorted(set(view) - known)}")
    check_blocks(view.get("blocks"), MOST_VIEW_BLOCKS)
    if kind == "modal" and "title" not in view:
        raise Invalid("invalid_arguments", "missing required field: title [json-pointer:/view]")
    if kind == "modal" and "submit" not in view and any(one["type"] == "input" for one in view["blocks"]):
        raise Invalid("invalid_arguments", "submit is required when an input block is within the blocks array")
    for key in {"title", "submit", "close"} & set(view):
        if view[key].get("type") != "plain_text" or not 1 <= len(view[key]["text"]) <= 24:
            raise Invalid("invalid_arguments", f"must be 1 to 24 characters [json-pointer:/view/{key}]")
    for key, most in (("private_metadata", 3_000), ("callback_id", 255), ("external_id", 255)):
        if len(view.get(key, "")) > most:
            raise Invalid("invalid_arguments", f"must be less than {most + 1} characters [json-pointer:/view/{key}]")
    if len(json.dumps(view)) > 250_000:
        raise Invalid("view_too_large")


class Views:
    """Of one workspace. `deliver` hands on what people do, and has what was answered to it; `faults` are taken one by
    one by views.update.
    """

    def __init__(self, deliver: Callable[[str, dict[str, Any]], Awaitable[Any]]) -> None:
        self.homes: dict[str, View] = {}
        self.modals: dict[str, list[View]] = {}
        self.slow: list[str] = []
        self.faults: list[str] = []
        self._deliver, self._numbers = deliver, count(1)
        # Who may open something, from where, and until when.
        self._triggers: dict[str, tuple[str, str, float]] = {}
        self._at: dict[str, str] = {}

    def trigger(self, person: str, channel: str = "", seconds: float = TRIGGER) -> str:
        """A new one."""
        name = f"trigger{next(self._numbers)}"
        self._triggers[name] = (person, channel, time.monotonic() + seconds)
        return name

    # What the bot does

    def open(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """views.open."""
        name = str(arguments.get("trigger_id"))
        if name not in self._triggers:
            raise Invalid("invalid_trigger_id")
        person, channel, until = self._triggers.pop(name)
        if time.monotonic() > until:
            raise Invalid("expired_trigger_id")
        check_view(arguments.get("view"), "modal")
        made = self._made(arguments["view"])
        self.modals[person], self._at[made.id] = [made], channel
        return {"view": made.shown()}

    def publish(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """views.publish."""
        person, view = str(arguments.get("user_id")), arguments.get("view")
        check_view(view, "home")
        had = self.homes.get(person)
        if had and arguments.get("hash", had.hash) != had.hash:
            raise Invalid("hash_conflict")
        self.homes[person] = self._made(view or {}, had.id if had else None)
        return {"view": self.homes[person].shown()}

    def update(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """views.update."""
        check_view(arguments.get("view"), "modal")
        if self.faults:
            raise Invalid(self.faults.pop(0))
        for stack in self.modals.values():
            for place, one in enumerate(stack):
                if one.id == arguments.get("view_id") or (
                    arguments.get("external_id") and one.body.get("external_id") == arguments["external_id"]
                ):
                    if arguments.get("hash", one.hash) != one.hash:
                        raise Invalid("hash_conflict")
                    stack[place] = self._made(arguments["view"], one.id)
                    return {"view": stack[place].shown()}
        raise Invalid("not_found")

    # What people do

    async def open_home(self, event: Callable[..., Awaitable[Any]], person: str = "U0MIA", **more: Any) -> Any:
        """Somebody looks at the app's page."""
        had = {"view": self.homes[person].shown()} if person in self.homes else {}
        opened = {"type": "app_home_opened", "user": person, "channel": f"D{person[1:]}", "tab": "home", **had}
        return await event({**opened, **more})

    async def press(self, label: str, person: str = "U0MIA", place: int = 0) -> Any:
        """Somebody presses a button of their Home, the first of this label or a later one."""
        home = self.homes[person]
        button = [one for one in home.buttons if one["text"]["text"] == label][place]
        payload = {
            "type": "block_actions",
            "container": {"type": "view", "view_id": home.id},
            "trigger_id": self.trigger(person),
            "view": home.shown(state={"values": {}}),
            "actions": [{**button, "block_id": "b", "action_ts": "1.0"}],
        }
        return await self._deliver(person, payload)

    async def submit(self, person: str = "U0MIA", **typed: str) -> None:
        """Somebody sends the topmost form off, with what they typed; else with what stood there."""
        stack = self.modals[person]
        view = stack[-1]
        assert "submit" in view.body, "there is no such button"
        values = {name: {"value": self._value(view, one, typed.get(name))} for name, one in view.inputs.items()}
        payload = {
            "type": "view_submission",
            "trigger_id": self.trigger(person),
            "view": view.shown(state={"values": values}),
            "response_urls": [],
        }
        begin = time.monotonic()
        said = await self._deliver(person, payload)
        if time.monotonic() - begin > TRIGGER:
            self.slow.append(view.title)
        said = json.loads(said) if isinstance(said, str) and said else said or {}
        match said.get("response_action"):
            case None:
                stack.pop()
            case "clear":
                stack.clear()
            case "errors":
                assert said["errors"]
                assert set(said["errors"]) <= set(view.inputs), "errors stand below fields"
                stack[-1] = replace(view, errors=said["errors"])
            case "update":
                check_view(said["view"], "modal")
                stack[-1] = self._made(said["view"], view.id)
            case "push":
                check_view(said["view"], "modal")
                assert len(stack) < MOST_STACKED
                stack.append(self._made(said["view"]))

    def back(self, person: str = "U0MIA") -> None:
        """Somebody closes what is topmost."""
        gone = self.modals[person].pop()
        if gone.body.get("clear_on_close"):
            self.modals[person].clear()

    def _value(self, view: View, block: dict[str, Any], typed: str | None) -> dict[str, Any]:
        element = block["element"]
        if element["type"] == "conversations_select":
            here = self._at.get(view.id) if element.get("default_to_current_conversation") else None
            chosen = typed or element.get("initial_conversation") or here
            assert chosen or block.get("optional"), "Slack does not send what has to be filled in"
            return {"type": element["type"], "selected_conversation": chosen or None}
        value = element.get("initial_value") if typed is None else typed
        assert value or block.get("optional"), "Slack does not send what has to be filled in"
        assert len(value or "") <= element["max_length"]
        return {"type": element["type"], "value": value or None}

    def _made(self, body: Mapping[str, Any], name: str | None = None) -> View:
        taken = [one.body.get("external_id") for stack in self.modals.values() for one in stack]
        if body.get("external_id") and body["external_id"] in taken:
            raise Invalid("duplicate_external_id")
        return View(name or f"V{next(self._numbers)}", body, f"{next(self._numbers)}.h")
