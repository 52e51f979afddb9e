"""`chatbot digest` out of the index, as a person uses it: real processes, good input and bad."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from chatbot.lock import only_one
from chatbot.store import tables
from chatbot.store.database import open_database, reading
from tests.conftest import compose, git
from tests.test_cli import chatbot, refused

Make = Callable[..., Path]
FACES = ("text", "markdown", "json", "classic")
WINDOW = ("--since", "2025-11-10", "--until", "2025-11-14")


@pytest.fixture(scope="module")
def world(sample: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's kvm list, of which the index has not got the newest forty mails yet."""
    folder = tmp_path_factory.mktemp("world")
    bare = folder / "kvm" / "git" / "0.git"
    git(folder, "clone", "--quiet", "--bare", str(sample["kvm"] / "git" / "0.git"), str(bare))
    newest = git(bare, "rev-parse", "master")
    git(bare, "update-ref", "refs/heads/master", "master~40")
    assert chatbot("ingest", "--archive", folder / "kvm", "--store", store(folder)).returncode == 0
    git(bare, "update-ref", "refs/heads/master", newest)
    return folder


def store(folder: Path) -> str:
    return f"sqlite:///{folder}/index.sqlite3"


def digest(folder: Path, *arguments: str | Path) -> str:
    done = chatbot("digest", "--store", store(folder), *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def ids(folder: Path) -> list[str]:
    engine = open_database(store(folder))
    with reading(engine) as connection:
        found = list(connection.execute(select(tables.digest.c.id)).scalars())
    engine.dispose()
    return found


def test_the_same_window_gives_the_same_bytes_and_its_id_gives_them_again(world: Path) -> None:
    """In every face, whatever has come since, and however the id is written."""
    first = {face: digest(world, "--list", "kvm", *WINDOW, "--face", face) for face in FACES}
    assert first["text"].startswith("kvm mailing list  ")
    assert "\n2025-11-10 00:00 to 2025-11-14 00:00 UTC\n" in first["text"]
    assert first["classic"].startswith("From ")
    assert len(ids(world)) == 1  # it is one digest, whatever the face
    (name,) = re.findall(r"(?m)^Digest ([0-9a-f]{12}) · commits ", first["text"])
    assert name in first["markdown"]
    assert json.loads(first["json"])["id"] == name
    assert digest(world, "--list", "kvm", *WINDOW) == first["text"]
    again = {face: digest(world, "--id", name, "--face", face) for face in FACES}
    assert again == first
    ingested = chatbot("ingest", "--archive", world / "kvm", "--store", store(world))
    assert ingested.stdout.startswith("kvm: 40 mails, 40 kept")
    assert digest(world, "--id", name, "--face", "json") == first["json"]
    assert digest(world, "--id", name[:6].upper()) == first["text"]
    assert ids(world) == [name]


@pytest.mark.parametrize(
    "window", [WINDOW, ("--since", "2025-11-12T08:00", "--until", "2025-11-13T20:30"), ("--until", "2025-11-11")]
)
def test_the_classic_face_is_that_of_the_archive(world: Path, window: tuple[str, ...]) -> None:
    chatbot("ingest", "--archive", world / "kvm", "--store", store(world))
    archived = chatbot("digest", "--archive", world / "kvm", *window, "--face", "classic")
    assert archived.stdout.count("\nNew:  ") > 1
    assert digest(world, "--list", "kvm", *window, "--face", "classic") == archived.stdout


def test_a_config_names_the_list_and_how_long_a_silence_is(archive: Make, tmp_path: Path) -> None:
    """A patch of a Monday, as it stood when Wednesday began."""
    archive([compose("[PATCH] a", 1)], name="kvm")
    config, told = tmp_path / "config.toml", []
    for days in (2, 3):
        config.write_text(
            f'[store]\nurl = "{store(tmp_path)}"\n[platforms.terminal]\n[digests]\nsilent_after = {days}\n'
            '[[lists]]\nname = "kvm"\ntitle = "KVM of ours"\narchive = "kvm"\nlink = "https://ours.example/kvm/"\n'
        )
        if not told:
            assert chatbot("ingest", cwd=tmp_path).returncode == 0
        window = ("--since", "2025-11-03", "--until", "2025-11-05")
        done = chatbot("digest", *window, "--face", "json", cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        told.append(json.loads(done.stdout))
    assert [one["list"] for one in told] == ["KVM of ours"] * 2
    assert [[one["words"] for one in document["attention"]] for document in told] == [
        ["no reply seen for 2 business days"],
        [],
    ]
    assert told[0]["attention"][0]["link"] == "https://ours.example/kvm/m1@sample.example/"
    assert told[0]["id"] != told[1]["id"]


def test_a_digest_is_made_beside_a_bot_that_writes(world: Path) -> None:
    """The bot follows what comes; who asks beside it gets the digest all the same."""
    with only_one(world / ".index.sqlite3.lock", "index.sqlite3"):
        assert digest(world, "--list", "kvm", "--last", "5").startswith("kvm mailing list  5 mails")


def test_a_window_without_mails_says_so(world: Path) -> None:
    before = ids(world)
    assert (
        digest(world, "--until", "2001-01-01")
        == "kvm mailing list  Nothing new.\nthe beginning to 2001-01-01 00:00 UTC\n"
    )
    assert ids(world) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--list", "nothing", "--last", "1"], "--list nothing: there is no such list; name one of kvm"),
        (["--id", "0123456789ab"], "--id 0123456789ab: there is no such digest; take the id from a digest's last line"),
        (["--id", ""], "--id : there is no such digest"),
        (["--id", "0123456789ab", "--since", "1d"], "--since: a digest that was shown has its own; leave it out"),
        (["--id", "0123456789ab", "--list", "kvm"], "--list: a digest that was shown has its own; leave it out"),
        (["--list", "kvm"], "digest: nothing says which mails"),
        (["--since", "someday"], "'someday': this is no time"),
        (["master~2..master"], "range master~2..master: only --archive takes it; give --archive DIR"),
        (["--name", "KVM", "--last", "1"], "name KVM: only --archive takes it"),
    ],
)
def test_bad_input_is_one_line(world: Path, arguments: list[str], said: str) -> None:
    assert refused("digest", "--store", store(world), *arguments).startswith(said)


@pytest.mark.parametrize(
    ("option", "value"),
    [("--list", "kvm"), ("--id", "0123456789ab"), ("--store", "sqlite:///x"), ("--config", "config.toml")],
)
def test_an_archive_is_asked_or_the_index(world: Path, option: str, value: str) -> None:
    said = refused("digest", "--archive", world / "kvm", "--last", "1", option, value)
    assert said == f"{option}: it asks the index, and --archive does not; leave one of them out"


def test_an_index_that_is_not_there_or_has_nothing_is_no_index(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/index.sqlite3"
    assert "index.sqlite3" in refused("digest", "--store", url, "--last", "1")
    assert list(tmp_path.iterdir()) == []
    open_database(url).dispose()
    for arguments in (["--last", "1"], ["--list", "kvm", "--last", "1"]):
        assert refused("digest", "--store", url, *arguments) == (
            "digest: the index has no list yet; fill it with chatbot ingest"
        )
    (tmp_path / "index.sqlite3").write_text("This is no database." * 100)
    assert "index.sqlite3" in refused("digest", "--store", url, "--last", "1")
    assert "nothing.toml" in refused("digest", "--last", "1", "--config", tmp_path / "nothing.toml")
