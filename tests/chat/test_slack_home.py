"""Home and the form over real sockets and requests, by bolt's and the SDK's own code; what it says is the test's."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from chatbot.chat import slack_home
from chatbot.chat.post import Post
from chatbot.chat.turns import PATIENCE
from tests.chat.test_slack_listener import Answers, listening, until
from tests.fakes import slack as fake
from tests.fakes.slack_views import View

MIA = "U0MIA"
FILLED = "C0KERNEL /subscribe --replace k7mq\nkvm\ns:tdx\nhourly"
PAGE = f"<h3>Yours</h3><button value='/subscribe\n\n\n'>Add</button><button value='{FILLED}'>Edit</button>"


class Page(Answers):
    """Answers with a page of buttons, or with its fault."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.fault = PAGE + "<p>{}</p>", ""

    async def __call__(self, request: Any) -> Post:
        post = await super().__call__(request)
        return Post("slack", post.body, fault=self.fault if request.text.startswith("/subscribe") else "", part="when")


async def top(server: fake.Slack, title: str) -> View:
    await until(lambda: any(stack and stack[-1].title == title for stack in server.views.modals.values()))
    return server.views.modals[MIA][-1]


async def opened(server: fake.Slack, person: str = MIA) -> View:
    await server.views.open_home(server.event, person)
    await until(lambda: person in server.views.homes)
    return server.views.homes[person]


@pytest.mark.parametrize("http", [False, True], ids=["socket", "requests"])
def test_home_is_the_answer_to_a_command_and_the_form_makes_two(http: bool) -> None:
    async def use(server: fake.Slack, answers: Answers) -> None:
        await opened(server)
        await server.views.press("Edit")
        await top(server, "Change a subscription")
        await server.views.submit(filter="s:sev", when="")
        await server.views.submit()
        await top(server, "Saved")
        asked = [(one.room, one.person, one.text) for one in answers.asked[:3]]
        assert asked == [
            ("", MIA, "/subscriptions mine"),
            ("C0KERNEL", MIA, '/subscribe --replace k7mq --try "kvm"\ns:sev\n'),
            ("C0KERNEL", MIA, '/subscribe --replace k7mq "kvm"\ns:sev\n'),
        ]
        await until(lambda: answers.texts[3:] == ["/subscriptions mine"])
        assert server.refusals == []

    listening(use, http=http, answers=Page())


def test_the_form_opens_from_a_message_for_the_channel_where_it_stands() -> None:
    async def use(server: fake.Slack, answers: Answers) -> None:
        await server.command("/subscriptions", channel="C0OTHER")
        await until(lambda: server.messages)
        await server.click(server.messages[0], "Add")
        await top(server, "Add a subscription")
        await server.views.submit(topic="kvm")
        assert (answers.asked[-1].room, answers.texts[-1]) == ("C0OTHER", '/subscribe --try "kvm"\n\n')
        server.views.back()
        await server.views.submit(room="D0MIA", topic="kvm")
        assert server.views.modals[MIA][-1].errors == {"room": slack_home.CHANNEL}
        await server.views.submit(topic="kvm", filter="\U0001f600" * 1_000)
        assert server.views.modals[MIA][-1].errors == {"filter": slack_home.LONG}
        assert len(answers.asked) == 2

    listening(use, answers=Page())


@pytest.mark.parametrize("fault", ["", "'x': this is no time; write hourly"])
def test_a_rehearsal_that_takes_long_is_shown_when_it_is_there(fault: str) -> None:
    async def use(server: fake.Slack, answers: Answers) -> None:
        await opened(server)
        await server.views.press("Edit")
        await top(server, "Change a subscription")
        answers.fault = fault
        answers.gate.clear()
        await server.views.submit()
        assert (await top(server, "Rehearsing")).words == slack_home.CHECKING
        server.views.faults = ["fatal_error", "internal_error"]
        answers.gate.set()
        view = await top(server, "Not understood" if fault else "Rehearsed")
        assert ("submit" in view.body) == (not fault)
        if not fault:
            answers.gate.clear()
            await server.views.submit()
            await top(server, "Saving")
            answers.gate.set()
            assert (await top(server, "Saved")).body["clear_on_close"]
        assert server.views.slow == []

    listening(use, answers=Page())


def test_whoever_opens_home_without_end_has_it_drawn_once_at_a_time_and_nobody_waits() -> None:
    async def use(server: fake.Slack, answers: Answers) -> None:
        answers.gate.clear()
        for _ in range(50):
            await server.views.open_home(server.event, "U0FLOOD")
        answers.gate.set()
        await opened(server)
        await opened(server, "U0FLOOD")
        assert server.calls["views.publish"] <= 3
        await server.views.open_home(server.event, tab="messages")
        for _ in range(3):
            await server.views.open_home(server.event, event_id="Ev0SAME")
        answers.gate.clear()
        await server.views.press("Edit")
        await top(server, "Change a subscription")
        said = [asyncio.ensure_future(server.command("/help", str(one))) for one in range(PATIENCE)]
        await asyncio.wait(said)
        await server.views.submit()
        assert server.views.modals[MIA][-1].errors == {"topic": slack_home.BUSY}

    listening(use, answers=Page())


def test_a_form_that_is_not_ours_any_more_asks_for_nothing() -> None:
    async def use(server: fake.Slack, answers: Answers) -> None:
        await opened(server)
        await server.views.press("Edit")
        form = await top(server, "Change a subscription")
        server.views.modals[MIA] = [replace(form, body={**form.body, "private_metadata": "of another key"})]
        await server.views.submit()
        assert server.views.modals[MIA][-1].errors == {"topic": slack_home.OLD}
        assert answers.texts == ["/subscriptions mine"]

    listening(use, answers=Page())


def test_a_button_that_is_not_ours_opens_nothing_but_says_so() -> None:
    async def use(server: fake.Slack, answers: Answers) -> None:
        home = await opened(server)
        forged = {**home.buttons[1], "value": FILLED}
        server.views.homes[MIA] = View("V0", {**home.body, "blocks": [{"type": "actions", "elements": [forged]}]}, "h")
        await server.views.press("Edit")
        assert (await top(server, "Subscription")).words == slack_home.OLD
        assert answers.texts == ["/subscriptions mine"]

    listening(use, answers=Page())
