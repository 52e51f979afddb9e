"""The house: who may import whom, and through which door a library comes in."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import chatbot

PACKAGE = Path(chatbot.__file__).parent
# Low to high. A file imports lower floors and its own folder, nothing else.
FLOORS = [
    {"_scan"},
    {"errors", "scan", "pipe"},
    {"lock"},
    {"rhythm", "reaction", "finding", "desk"},
    {"mail", "sources", "chat"},
    {"read", "people"},
    {"subscriptions"},
    {"settings", "store", "report"},
    {"config"},
    {"originals", "readers", "summarize"},
    {"reader", "sift"},
    {"ingest", "publish", "announce", "deliver", "schedule", "commands"},
    {"answer", "ledger"},
    {"vitals"},
    {"serve"},
    {"run", "health"},
    {"translate", "connect"},
    {"app"},
    {"gather", "once", "manage"},
    {"check"},
    {"output"},
    {"actions"},
    {"cli"},
    {"__main__"},
]
DOORS = {
    "aiohttp": {
        "chat/matrix_http.py",
        "chat/slack_entrance.py",
        "chat/slack_errors.py",
        "chat/slack_listener.py",
    },
    "alembic": {"store/migrations/", "store/versions.py"},
    "apscheduler": {"schedule.py"},
    "Crypto": {"chat/matrix_keys.py"},
    "PIL": {"report/chart.py"},
    "cronsim": {"rhythm.py"},
    "cryptography": {"store/installations.py"},
    "deflate": {"sources/packs.py"},
    "jinja2": {"report/render.py"},
    "markupsafe": {"report/render.py"},
    "lark": {"subscriptions/filter.py"},
    "msgspec": {"store/standings.py"},
    "nio": {"chat/matrix_keys.py"},
    "prometheus_client": {"health.py"},
    "prompt_toolkit": {"chat/terminal.py"},
    "pydantic": {"config.py", "settings.py"},
    "rapidfuzz": {"commands/closest.py"},
    "rich": {"chat/gauge.py", "chat/terminal.py"},
    "slack_bolt": {
        "chat/slack_entrance.py",
        "chat/slack_home.py",
        "chat/slack_install.py",
        "chat/slack_listener.py",
        "chat/slack_workspaces.py",
    },
    "slack_sdk": {
        "chat/slack.py",
        "chat/slack_cards.py",
        "chat/slack_errors.py",
        "chat/slack_home.py",
        "chat/slack_install.py",
        "chat/slack_listener.py",
        "chat/slack_workspaces.py",
        "store/installations.py",  # the SDK's stores of installations, on our engine
    },
    "sqlalchemy": {"store/"},
    "structlog": {
        "announce.py",
        "app.py",
        "chat/matrix.py",
        "chat/matrix_listener.py",
        "chat/matrix_rooms.py",
        "chat/slack.py",
        "chat/slack_entrance.py",
        "chat/slack_install.py",
        "chat/slack_listener.py",
        "chat/slack_quiet.py",
        "chat/slack_workspaces.py",
        "connect.py",
        "deliver.py",
        "publish.py",
        "run.py",
        "serve.py",
    },
    "subprocess": {"readers.py", "sources/git.py"},
}
# The concrete adapters, and the two files that put them in their places.
ADAPTERS = {
    "chatbot.chat.matrix",
    "chatbot.chat.matrix_device",
    "chatbot.chat.slack",
    "chatbot.chat.slack_workspaces",
    "chatbot.chat.terminal",
    "chatbot.sources.mirror",
    "chatbot.sources.public_inbox",
    "chatbot.sources.sample",
}
KNOW_ADAPTERS = {
    "app.py",
    "chat/matrix.py",
    "chat/slack_workspaces.py",
    "chat/matrix_listener.py",
    "check.py",
    "connect.py",
    "gather.py",
    "once.py",
    "sources/ranges.py",
    "sources/sample.py",
}  # chat/ and sources/: of the same folder


def imports() -> Iterator[tuple[str, str]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{name}: import by the full name"
                yield name, str(node.module)
                for alias in node.names:  # `from chatbot import app` imports chatbot.app
                    if (
                        PACKAGE / f"{str(node.module).replace('.', '/')}/{alias.name}.py".removeprefix("chatbot/")
                    ).exists():
                        yield name, f"{node.module}.{alias.name}"
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    yield name, alias.name


def room(name: str) -> str:
    return name.split("/", maxsplit=1)[0].removesuffix(".py")


def floor(of: str) -> int:
    (found,) = [number for number, rooms in enumerate(FLOORS) if of in rooms]
    return found


def test_every_file_stands_on_a_floor_and_looks_down() -> None:
    for name, module in imports():
        if module.startswith("chatbot.") and name != "__init__.py":
            here, there = room(name), module.split(".")[1]
            assert here == there or floor(there) < floor(here), f"{name} imports {module}"


def test_every_library_has_its_door() -> None:
    used: dict[str, set[str]] = {}
    for name, module in imports():
        library = module.split(".")[0]
        rooms = (door for door in DOORS.get(library, ()) if door.endswith("/") and name.startswith(door))
        used.setdefault(library, set()).add(next(rooms, name))  # a whole room may be a door
    foreign = {
        module: names for module, names in used.items() if module in DOORS or module not in sys.stdlib_module_names
    }
    foreign.pop("chatbot")
    assert foreign == DOORS


def test_only_the_wiring_knows_the_adapters() -> None:
    assert {name for name, module in imports() if module in ADAPTERS} == KNOW_ADAPTERS


def loaded_by(*arguments: str) -> set[str]:
    """The modules that a run of the command line has imported, and their packages."""
    script = (
        "import runpy, sys\n"
        f"sys.argv = ['chatbot', *{list(arguments)!r}]\n"
        "try:\n    runpy.run_module('chatbot', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "print('LOADED', *sorted(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    modules = done.stdout.rpartition("LOADED")[2].split()
    return {*modules, *(name.split(".")[0] for name in modules)}


def test_help_loads_nothing_of_the_store_the_platforms_or_the_templates() -> None:
    for arguments in (["--help"], ["digest", "--help"]):
        assert not loaded_by(*arguments) & set(DOORS)


@pytest.mark.parametrize(("face", "loads"), [("json", set()), ("classic", {"jinja2", "markupsafe"})])
def test_a_digest_from_an_archive_loads_what_its_face_needs(
    sample: dict[str, Path], face: str, loads: set[str]
) -> None:
    loaded = loaded_by("digest", "--archive", str(sample["kvm"]), "--last", "3", "--face", face)
    assert loaded & set(DOORS) == loads | {"subprocess", "cronsim", "deflate"}
    # The classic text knows no versions: what finds them would take a twentieth of its time to load.
    assert ("chatbot.mail.lineage" in loaded) is (face != "classic")


def test_an_ingest_loads_the_database_that_it_writes_to_and_no_platform(
    sample: dict[str, Path], tmp_path: Path
) -> None:
    where = ("--archive", str(sample["kvm"]), "--name", "kvm", "--store", f"sqlite:///{tmp_path / 'index.sqlite3'}")
    loaded = loaded_by("ingest", *where)
    assert loaded & set(DOORS) == {"sqlalchemy", "subprocess", "deflate"}
    assert "sqlalchemy.dialects.sqlite" in loaded
    assert "sqlalchemy.dialects.postgresql" not in loaded
