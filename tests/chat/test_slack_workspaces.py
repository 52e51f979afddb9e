"""Several workspaces, by bolt's own OAuth flow and our database, with the Slack of tests/fakes that has them all."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any, Self

import aiohttp
import pytest
from sqlalchemy import Engine
from structlog.testing import capture_logs

from chatbot.chat.platform import Divided, Request
from chatbot.chat.post import Post
from chatbot.chat.slack_workspaces import Workspaces
from chatbot.connect import workspaces_of
from chatbot.errors import BadConfig, Closed, Unauthorized, Unavailable
from chatbot.settings import Install, Slack
from chatbot.store.database import writing
from chatbot.store.delivery import Planned, Progress, State
from chatbot.store.outbox import Outbox
from chatbot.store.undelivered import Undelivered
from tests.chat.test_slack_listener import Answers, answering, free_port, shown, until
from tests.conftest import NOON
from tests.fakes.slack import SECRET, Channel
from tests.fakes.slack_directory import CLIENT, CLIENT_SECRET, Directory, serving

ONE, TWO, ALL = "T0ONE", "T0TWO", "E0ALL"
DIGEST = Post("slack", "<p>12 mails</p>")
BUTTON = Post("slack", "<p>x</p><button value='/series y'>More</button>")
KEY, OTHER_KEY = "a2V5" * 10 + "a2U=", "b3Ro" * 10 + "b3Q="
OURS = "https://bot.example.org"
PAGE = re.escape(f"{OURS}/slack/install")


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("SLACK_SIGNING_SECRET", SECRET),
        ("SLACK_CLIENT_SECRET", CLIENT_SECRET),
        ("SLACK_INSTALLATION_KEY", KEY),
    ):
        monkeypatch.setenv(name, value)


def made(directory: Directory, engine: Engine, port: int = 3000, **install: Any) -> Workspaces:
    config = Slack(mode="http", port=port, install=Install(url=OURS, client_id=CLIENT, **install))
    manners = {"api": f"{directory.url}/api/", "pace": 0, "apart": 0.01}
    with ExitStack() as stack:
        assert config.install
        return workspaces_of(config, config.install, lambda: datetime.now(UTC), stack, engine, **manners)


class Browser:
    """That of somebody who installs the app: it keeps no cookie, for it is told which to send."""

    def __init__(self, directory: Directory, port: int) -> None:
        self.directory, self.url = directory, f"http://127.0.0.1:{port}"

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def get(self, path: str, cookie: str = "") -> tuple[int, str, str]:
        """The status, the page, and the cookie that came with it, which browsers send to https alone."""
        async with self._session.get(self.url + path, headers={"Cookie": cookie} if cookie else {}) as response:
            cookies = [f"{one.key}={one.value}" for one in response.cookies.values()]
            assert all(one["secure"] and one["httponly"] for one in response.cookies.values())
            assert "default-src 'none'" in response.headers["Content-Security-Policy"]
            return response.status, await response.text(), "".join(cookies)

    async def begin(self, name: str) -> tuple[str, str]:
        """The first page, and what is allowed in Slack: where one is sent back to, and the cookie."""
        status, page, cookie = await self.get("/slack/install")
        assert status == 200
        found = re.search(r'href="(https://slack.com/oauth/v2/authorize[^"]*)"', page)
        assert found
        back, scopes = self.directory.allow(unescape(found[1]), name)
        assert scopes == "channels:history,channels:read,chat:write,commands"
        return back, cookie

    async def install(self, name: str) -> tuple[int, str]:
        """All of it, for a workspace: the status and the page at the end."""
        status, page, _ = await self.get(*await self.begin(name))
        return status, page


@dataclass
class Here(Browser):
    """The bot and Slack, and who installs the one in the other."""

    directory: Directory
    slack: Workspaces
    answers: Answers
    port: int

    def __post_init__(self) -> None:
        super().__init__(self.directory, self.port)


@asynccontextmanager
async def running(directory: Directory, engine: Engine, **install: Any) -> AsyncIterator[Here]:
    port, answers = free_port(), Answers()
    slack = made(directory, engine, port, **install)
    task = asyncio.ensure_future(slack.listen(answers))
    await answering(port)
    for one in directory.workspaces.values():
        one.request_url = f"http://127.0.0.1:{port}/slack/events"
    try:
        async with Here(directory, slack, answers, port) as here:
            yield here
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await slack.close()


def with_workspaces(
    use: Callable[[Here], Awaitable[None]], engine: Engine, *names: str, expires: int | None = None, **install: Any
) -> None:
    async def run() -> None:
        async with (
            serving(Directory(*(names or (ONE, TWO)), expires=expires)) as directory,
            running(directory, engine, **install) as here,
        ):
            await asyncio.wait_for(use(here), 30)

    asyncio.run(run())


def test_each_workspace_installs_the_app_and_has_its_posts_and_answers_by_its_own_token(engine: Engine) -> None:
    async def use(here: Here) -> None:
        with pytest.raises(Closed, match=f"T0ONE has not installed the bot; install it there: {PAGE}"):
            await here.slack.send(f"{ONE}/C0KERNEL", DIGEST, "key")
        for name in (ONE, TWO):
            here.directory.names[name] = f"<b>{name}</b>"
            status, page = await here.install(name)
            assert status == 200
            assert {f"&lt;b&gt;{name}&lt;/b&gt;", "/invite", f"<code>{name}/</code>"} <= set(
                re.findall(r"&lt;.*?/b&gt;|/invite|<code>T\w+/</code>", page)
            )
        one, two = here.directory.workspaces.values()
        for name, workspace in ((ONE, one), (TWO, two)):
            since = datetime.now(UTC)
            receipt = await here.slack.send(f"{name}/C0KERNEL", DIGEST, name)
            assert [message.ts for message in workspace.messages] == [receipt.remote_id]
            assert await here.slack.find(f"{name}/C0KERNEL", name, since) == receipt
            await workspace.command("/series", "tdx")
            await shown(workspace, 2)
            assert here.answers.asked.pop() == Request(f"{name}/C0KERNEL", f"{name}/U0MIA", "/series tdx")
            await here.slack.tell(f"{name}/U0MIA", DIGEST)
            assert workspace.messages[-1].channel == "D0MIA"
        assert await here.slack.find(f"{TWO}/C0KERNEL", ONE, since) is None
        assert await here.slack.may_manage(f"{ONE}/U0CREATOR", f"{ONE}/C0KERNEL")
        assert not await here.slack.may_manage(f"{ONE}/U0MIA", f"{ONE}/C0KERNEL")
        assert not await here.slack.may_manage(f"{TWO}/U0CREATOR", f"{ONE}/C0KERNEL")

    with_workspaces(use, engine)


def test_no_token_is_in_the_database_and_another_process_reads_them_with_the_key(engine: Engine) -> None:
    async def use(here: Here) -> None:
        await here.install(ONE)
        assert len(here.directory.granted) == 2
        if engine.dialect.name == "sqlite":
            file = Path(str(engine.url.database))
            written = b"".join(path.read_bytes() for path in file.parent.glob(f"{file.name}*"))
        else:
            with engine.connect() as connection:
                rows = [
                    *connection.exec_driver_sql("SELECT * FROM slack_bots"),
                    *connection.exec_driver_sql("SELECT * FROM slack_installations"),
                ]
            written = repr(rows).encode()
        assert b"T0ONE" in written
        assert not [token for token in here.directory.granted if token.encode() in written]
        assert b"xox" not in written
        again = made(here.directory, engine)
        await again.send(f"{ONE}/C0KERNEL", DIGEST, "key")
        assert len(here.directory.workspaces[ONE].messages) == 1

    with_workspaces(use, engine, ONE, expires=43_200)


def test_who_comes_back_is_who_went_and_only_once(engine: Engine) -> None:
    async def use(here: Here) -> None:
        back, cookie = await here.begin(ONE)
        other_back, other_cookie = await here.begin(TWO)
        refused = [
            await here.get(back),  # another browser
            await here.get(back, other_cookie),
            await here.get(back.replace("state=", "state=x"), cookie.replace("state=", "state=x")),
            await here.get("/slack/oauth_redirect?error=<script>alert(1)</script>"),
            await here.get("/slack/oauth_redirect?error=access_denied"),
        ]
        assert [status for status, *_ in refused] == [400, 400, 401, 200, 200]
        assert all("Not installed" in page and "Begin anew" in page for _, page, _ in refused)
        assert not [page for _, page, _ in refused if "<script" in page]
        assert "oauth.v2.access" not in here.directory.calls
        assert (await here.get(back, cookie))[0] == 200
        assert (await here.get(back, cookie))[0] == 401  # once more
        assert here.directory.calls.count("oauth.v2.access") == 1
        wrong = re.sub("code=[^&]*", "code=guessed", other_back)
        assert (await here.get(wrong, other_cookie))[0] == 401
        assert [here.slack._installed.name_of(one) for one in here.slack._installed.workspaces()] == [ONE]

    with_workspaces(use, engine)


def test_where_slack_does_not_answer_a_page_says_so_and_no_more(sqlite: Engine) -> None:
    async def run() -> None:
        async with serving(Directory(ONE)) as directory:
            directory.url = "http://127.0.0.1:1"
            async with running(directory, sqlite) as here:
                status, page, _ = await here.get(*await here.begin(ONE))
                assert (status, "Please try again" in page, "127.0.0.1" in page) == (503, True, False)
                assert here.slack._installed.workspaces() == ()

    asyncio.run(run())


def test_only_the_workspaces_that_the_config_names_may_install_it(engine: Engine) -> None:
    async def use(here: Here) -> None:
        status, page = await here.install(TWO)
        assert (status, "for other workspaces" in page) == (403, True)
        assert here.directory.workspaces[TWO].token == ""  # given back
        assert (await here.install(ONE))[0] == 200

    with_workspaces(use, engine, workspaces=[ONE])


def test_who_uninstalls_the_app_stops_nobody_else_and_finds_what_waits_on_coming_back(engine: Engine) -> None:
    outbox = Outbox(engine)
    rooms = (f"{ONE}/C0KERNEL", f"{TWO}/C0KERNEL")
    for number, room in enumerate(rooms):
        post = Planned(f"key{number}", "slack", room, DIGEST, "kvm")
        assert outbox.plan(f"one-{number}", None, Progress(number, NOON), (post,))

    async def use(here: Here) -> None:
        assert isinstance(here.slack, Divided)
        assert list(map(here.slack.service, rooms)) == ["slack/T0ONE", "slack/T0TWO"]  # one may be down alone
        for name in (ONE, TWO):
            await here.install(name)
        one, two = here.directory.workspaces.values()
        await one.event({"type": "app_uninstalled"})  # of an earlier installation: its token is good
        await until(lambda: "auth.test" in one.calls and not here.slack._tasks)
        await here.slack.send(rooms[0], DIGEST, "another")
        here.directory.uninstall(ONE)
        with pytest.raises(Closed, match=f"invalid_auth; install the bot in T0ONE again: {PAGE}"):
            await here.slack.send(rooms[0], DIGEST, "another")
        await one.event({"type": "tokens_revoked", "tokens": {"bot": ["U0BOT"]}})
        await until(lambda: not here.slack._installed.workspace(ONE))
        with pytest.raises(Closed, match="has not installed") as closed:
            await here.slack.send(rooms[0], DIGEST, "another")
        outbox.park(outbox.waiting(NOON)[0], str(closed.value))
        await one.command("/series", "tdx")
        assert f"{OURS}/slack/install installs me" in str(one.acks)
        await here.slack.send(rooms[1], DIGEST, "another")
        await two.command("/series", "tdx")
        await shown(two, 2)
        assert [post.state for post in Undelivered(engine).all()] == [State.PARKED, State.PENDING]
        await here.install(ONE)
        assert [post.state for post in Undelivered(engine).all()] == [State.PENDING, State.PENDING]
        await here.slack.send(rooms[0], DIGEST, "another")
        await one.command("/series", "tdx")
        await shown(one, 3)

    with_workspaces(use, engine)


def test_an_organisation_that_has_installed_the_app_is_one_of_them_under_its_own_id(engine: Engine) -> None:
    async def use(here: Here) -> None:
        for name in (ALL, ONE):
            assert (await here.install(name))[0] == 200
        whole, one = here.directory.workspaces[ALL], here.directory.workspaces[ONE]
        within: dict[str, Any] = {"team_id": ONE, "enterprise_id": ALL, "is_enterprise_install": "true"}
        await whole.command("/series", "tdx", **within)
        await shown(whole, 1)
        await here.slack.send(f"{ALL}/C0KERNEL", BUTTON, "b")
        await whole.click(whole.messages[-1], "More", team=None, enterprise={"id": ALL}, is_enterprise_install=True)
        await until(lambda: len(here.answers.asked) == 2)
        whole.scopes |= {"app_mentions:read"}
        authorization = {"team_id": None, "enterprise_id": ALL, "is_enterprise_install": True}
        await whole.event(
            {"type": "app_mention", "user": "U0MIA", "channel": "C0KERNEL", "text": "<@U0BOT> series tdx"},
            authorizations=[authorization],
        )
        await until(lambda: len(here.answers.asked) == 3)
        assert {(one.room, one.person) for one in here.answers.asked} == {(f"{ALL}/C0KERNEL", f"{ALL}/U0MIA")}
        await here.slack.send(f"{ALL}/C0KERNEL", DIGEST, "key")
        assert not one.messages
        # A workspace of an organisation that has installed it by itself is a workspace.
        await one.command("/series", "tdx", enterprise_id=ALL, is_enterprise_install="false")
        await shown(one, 1)
        assert here.answers.asked[-1].room == f"{ONE}/C0KERNEL"
        here.directory.uninstall(ALL)
        await whole.event({"type": "app_uninstalled"}, authorizations=[], **{**within, "is_enterprise_install": True})
        await until(lambda: not here.slack._installed.workspace(ALL))
        assert here.slack._installed.workspace(ONE)

    with_workspaces(use, engine, ONE, ALL)


def test_tokens_that_expire_are_renewed_in_time_and_buttons_outlive_them(engine: Engine) -> None:
    async def use(here: Here) -> None:
        await here.install(ONE)
        (one,) = here.directory.workspaces.values()
        first = one.token
        await here.slack.send(f"{ONE}/C0KERNEL", BUTTON, "a")
        assert one.token not in ("", first)
        here.directory.expires = 43_200
        await asyncio.gather(*(here.slack.send(f"{ONE}/C0KERNEL", DIGEST, key) for key in "bc"))
        lasting = one.token
        await here.slack.send(f"{ONE}/C0KERNEL", DIGEST, "d")
        assert (one.token, len(one.messages)) == (lasting, 4)
        assert here.directory.calls.count("oauth.v2.access") == 3
        await one.click(one.messages[0], "More")
        await until(lambda: here.answers.texts == ["/series y"])
        assert here.slack._installed.workspaces()[0].bot_token == lasting

    with_workspaces(use, engine, ONE, expires=3_600)


def test_while_an_expired_token_cannot_be_renewed_posts_wait_and_nobody_is_taken_for_gone(engine: Engine) -> None:
    async def use(here: Here) -> None:
        await here.install(ONE)
        (one,) = here.directory.workspaces.values()
        here.directory.uninstall(ONE)  # as is the token: it has expired
        here.directory.down = True
        with pytest.raises(Unavailable, match="the token of T0ONE is not renewed yet: Slack says 500"):
            await here.slack.send(f"{ONE}/C0KERNEL", DIGEST, "a")
        await one.event({"type": "tokens_revoked", "tokens": {"bot": ["U0BOT"]}})
        await until(lambda: here.directory.calls.count("oauth.v2.access") == 3 and not here.slack._tasks)
        here.directory.down = False
        await here.slack.send(f"{ONE}/C0KERNEL", DIGEST, "a")
        assert len(one.messages) == 1
        here.directory._refresh.clear()
        here.directory.uninstall(ONE)
        with pytest.raises(Closed, match=f"install the bot in T0ONE again: {PAGE}"):
            await here.slack.send(f"{ONE}/C0KERNEL", DIGEST, "b")

    with_workspaces(use, engine, ONE, expires=0)


def test_a_new_token_that_the_database_does_not_take_is_used_and_saved_later(sqlite: Engine) -> None:
    async def use(here: Here) -> None:
        await here.install(ONE)
        (one,) = here.directory.workspaces.values()
        here.directory.expires = 43_200
        with writing(sqlite) as connection:
            full = "BEFORE UPDATE ON slack_bots BEGIN SELECT RAISE(ABORT, 'full'); END"
            connection.exec_driver_sql(f"CREATE TRIGGER disk {full}")
        for key in "ab":
            await here.slack.send(f"{ONE}/C0KERNEL", DIGEST, key)
        with writing(sqlite) as connection:
            connection.exec_driver_sql("DROP TRIGGER disk")
        await here.slack.send(f"{ONE}/C0KERNEL", DIGEST, "c")
        assert here.slack._installed.workspaces()[0].bot_token == one.token
        assert (here.directory.calls.count("oauth.v2.access"), len(one.messages)) == (2, 3)

    with_workspaces(use, sqlite, ONE, expires=3_600)


def test_a_button_that_names_its_room_asks_there_and_people_see_it_as_a_channel(engine: Engine) -> None:
    async def use(here: Here) -> None:
        await here.install(ONE)
        (one,) = here.directory.workspaces.values()
        room = f"{ONE}/C0OTHER"
        body = f"<p><room>{room}</room></p><button value='{room} /pause k7mq'>Pause</button>"
        await here.slack.send(f"{ONE}/C0KERNEL", Post("slack", body), "a")
        assert {"type": "channel", "channel_id": "C0OTHER"} in one.messages[0].body["blocks"][0]["elements"][0][
            "elements"
        ]
        await one.click(one.messages[0], "Pause")
        await until(lambda: bool(here.answers.asked))
        assert here.answers.asked == [Request(room, f"{ONE}/U0MIA", "/pause k7mq")]

    with_workspaces(use, engine, ONE)


def test_the_address_is_verified_and_nobody_else_comes_in(engine: Engine) -> None:
    async def use(here: Here) -> None:
        (one,) = here.directory.workspaces.values()
        status, said = await one.request("events_api", {"type": "url_verification", "challenge": "<c>"})
        assert (status, said) == (200, '{"challenge": "<c>"}')
        assert (await one.request("events_api", {"type": "event_callback", "event": {}}, secret=OTHER_KEY))[0] == 401
        with capture_logs() as logs:
            assert await one.command("/series", "geheim") == 200
        assert "geheim" not in str(logs)
        assert here.answers.asked == []

    with_workspaces(use, engine, ONE)


def test_a_check_tells_of_each_workspace_and_of_those_that_are_not_there(engine: Engine) -> None:
    async def use(here: Here) -> None:
        (nobody,) = await here.slack.check([f"{ONE}/C0KERNEL"])
        assert (nobody.well, "/slack/install" in nobody.said) == (False, True)
        for name in (ALL, ONE, TWO):
            await here.install(name)
        here.directory.workspaces[ALL].revoked = "ratelimited"
        here.directory.workspaces[ONE].channels["C0OLD"] = Channel("C0OLD", "old", archived=True)
        here.directory.uninstall(TWO)
        found = await here.slack.check([f"{ONE}/C0KERNEL", f"{ONE}/C0OLD", f"{TWO}/C0KERNEL", "T0NONE/C0KERNEL"])
        assert [(one.what, one.well) for one in found] == [
            ("token slack", True),
            ("token slack/E0ALL", False),
            ("token slack/T0ONE", True),
            ("room slack/T0ONE/C0KERNEL", True),
            ("room slack/T0ONE/C0OLD", False),
            ("token slack/T0TWO", False),
            ("room slack/T0NONE/C0KERNEL", False),
        ]
        assert found[1].said == "Slack says ratelimited; ask again"
        assert re.fullmatch(f"Slack says invalid_auth; install it again: {PAGE}", found[5].said)

    with_workspaces(use, engine, ALL, ONE, TWO)


def test_keys_are_changed_without_installing_anew_and_a_wrong_one_is_refused(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use(here: Here) -> None:
        await here.install(ONE)
        with pytest.raises(BadConfig, match="written with another key"):
            with_key(here, OTHER_KEY)
        with_key(here, f"{OTHER_KEY}, {KEY}")
        await with_key(here, OTHER_KEY).send(f"{ONE}/C0KERNEL", DIGEST, "key")
        with pytest.raises(
            Unauthorized, match="another key"
        ):  # who runs with the old one only stops, and parks nothing
            await here.slack.send(f"{ONE}/C0KERNEL", DIGEST, "key")

    def with_key(here: Here, key: str) -> Workspaces:
        monkeypatch.setenv("SLACK_INSTALLATION_KEY", key)
        return made(here.directory, engine)

    with_workspaces(use, engine, ONE)


@pytest.mark.parametrize(
    ("name", "value"),
    [("SLACK_INSTALLATION_KEY", "short"), ("SLACK_INSTALLATION_KEY", ""), ("SLACK_CLIENT_SECRET", "")],
)
def test_what_is_missing_is_named_with_what_makes_it(
    name: str, value: str, sqlite: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadConfig, match=name) as fault:
        made(Directory(ONE), sqlite)
    assert ("openssl rand -base64 32" in str(fault.value)) == (name == "SLACK_INSTALLATION_KEY")
    assert "short" not in str(fault.value)
