"""What the documents say is what the program does."""

import re

from chatbot import __version__
from chatbot.commands import COMMANDS
from tests.conftest import TESTS

ROOT = TESTS.parent


def test_the_readmes_commands_are_the_table() -> None:
    rows = ["| command | what it does |", "| --- | --- |"]
    rows += [f"| `{command.usage.replace('|', chr(92) + '|')}` | {command.help} |" for command in COMMANDS]
    readme = (ROOT / "README.md").read_text()
    made = re.search(r"<!-- commands: .*? -->\n(.*?)\n<!-- /commands -->", readme, re.DOTALL)
    assert made
    assert made[1].splitlines() == rows


def test_every_link_in_the_documents_leads_somewhere() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_architecture_shows_every_file_at_the_root_and_every_folder() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    entries = [
        path
        for path in (ROOT / "chatbot").iterdir()
        if path.name not in ("__init__.py", "__pycache__") and path.suffix != ".so"
    ]
    for path in entries:
        assert (f"{path.name}/" if path.is_dir() else path.name) in text, path.name


def test_the_changelog_knows_the_version() -> None:
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text()
