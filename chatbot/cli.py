"""The command line: what can be typed; what becomes of it is in actions.py."""

from __future__ import annotations

import argparse
import atexit
import errno
import gc
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from chatbot import __version__, actions, output
from chatbot.errors import ChatbotError

FACES = ("classic", "text", "markdown", "json")
# What a signal ended (128 + SIGINT).
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    atexit.register(gc.freeze)  # what is left ends with the process: to look through it for garbage takes 70 ms
    parsed = _parser().parse_args(arguments)
    try:
        _prepare_output()
        return int(parsed.run(parsed))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read us has gone; what is left in the buffer must not complain about it at exit.
        _drop_output()
        return 0
    except (ChatbotError, OSError) as error:
        _drop_output()
        return output.refuse(error)


def _prepare_output() -> None:
    """Mails are written in all languages, whatever the locale. Raises OSError."""
    if sys.stdout is None:
        raise OSError(errno.EBADF, "it is closed")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")


def _drop_output() -> None:
    """Let what is left in the buffer go nowhere."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="chatbot", description="Tells a team what happened on its mailing lists.")
    parser.add_argument("--version", action="version", version=f"chatbot {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_run(commands.add_parser("run", help="run the bot: read the lists, post digests, answer commands"))
    _add_digest(
        commands.add_parser(
            "digest",
            help="print the digest of a stretch of an archive",
            epilog="Times are UTC. A mail's time is when the archive received it, not what its Date: header claims.",
        )
    )
    _add_ingest(
        commands.add_parser(
            "ingest",
            help="bring the index up to date with the lists' archives",
            epilog="It may be stopped at any moment, and goes on from there. `chatbot run` does the same by itself.",
        )
    )
    _add_mirror(commands.add_parser("mirror", help="fetch the lists' archives from where they are published"))
    _add_status(commands.add_parser("status", help="show how far the index is with each list"))
    _add_check(
        commands.add_parser(
            "check",
            help="look at all that the bot needs: each thing with a tick, or with a remedy",
            epilog="Nothing is made, changed or posted. Ends with 2 where something is wrong.",
        )
    )
    _add_outbox(commands.add_parser("outbox", help="show what has not arrived; try it again, or drop it"))
    _add_question(
        commands.add_parser(
            "series",
            help="show a patch series: its versions, reviews and state",
            epilog="`link A B`, `unlink A [B]` and `corrections` do what they do behind /series.",
        ),
        "series",
    )
    _add_question(commands.add_parser("contributor", help="show what a person wrote and reviewed"), "contributor")
    _add_subsystems(commands.add_parser("subsystems", help="find subsystems by words, people, lists or paths"))
    _add_subscriptions(
        commands.add_parser(
            "subscriptions",
            help="list, add, remove, pause, resume, export or import what rooms follow",
            epilog='Write words in quotes: add "kvm s:tdx -is:bot daily at 9:00". Those of the config stay.',
        )
    )
    _add_matrix_login(
        commands.add_parser(
            "matrix-login",
            help="make the bot's device on a Matrix homeserver, once",
            epilog="The folder then is the bot's identity: keep it, and let nobody else read it.",
        )
    )
    _add_slack_manifest(
        commands.add_parser("slack-manifest", help="print the manifest of an app for a Slack workspace")
    )
    return parser


def _add_matrix_login(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("homeserver", help="its name or its address: corp.example, https://matrix.corp.example")
    parser.add_argument("user", help="the bot's account there: its name, or @name:corp.example")
    parser.add_argument(
        "--password-file", type=Path, metavar="FILE", help="a file with the password (default: it is asked)"
    )
    parser.add_argument("--device", type=Path, metavar="DIR", help="where it is kept (default: what the config says)")
    parser.add_argument("--again", action="store_true", help="a new device instead of one whose token is lost")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the settings (default: config.toml)")
    parser.set_defaults(run=actions.log_in_to_matrix)


def _add_slack_manifest(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--private", action="store_true", help="for private channels, too")
    parser.add_argument("--mentions", action="store_true", help="answer mentions and direct messages, too")
    parser.add_argument("--files", action="store_true", help="give the classic text as a file")
    parser.add_argument("--admins", action="store_true", help="let the workspace's admins manage every channel")
    parser.add_argument(
        "--unfurl",
        nargs="*",
        metavar="HOST",
        help="show a card below links to mails on lore.kernel.org, and on these hosts",
    )
    parser.add_argument("--url", metavar="URL", help='where Slack calls the bot, with mode = "http"')
    parser.add_argument("--install", action="store_true", help="for several workspaces, which install it from there")
    parser.add_argument("--name", metavar="NAME", default="List digests", help="the app's name (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="as JSON (default: YAML)")
    parser.set_defaults(run=actions.print_slack_manifest)


def _add_subscriptions(parser: argparse.ArgumentParser) -> None:
    does = ("list", "add", "remove", "pause", "resume", "export", "import")
    parser.add_argument("do", choices=does, help="the default is list", nargs="?", default="list")
    parser.add_argument(
        "words",
        nargs="*",
        metavar="WORDS",
        help="as behind /subscribe, /unsubscribe, /pause or /resume; import: a file",
    )
    parser.add_argument("--room", metavar="ROOM", help="PLATFORM/ROOM, or the room's name (default: the only one)")
    parser.add_argument("--skip", action="store_true", help="resume: what came meanwhile is not told")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the settings (default: config.toml)")
    parser.set_defaults(run=actions.manage_subscriptions)


def _add_lists(parser: argparse.ArgumentParser, lists: str) -> None:
    parser.add_argument("lists", nargs="*", metavar="LIST", help=f"a list of the config (default: {lists})")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the settings (default: config.toml)")


def _add_archives(parser: argparse.ArgumentParser) -> None:
    _add_lists(parser, "all")
    parser.add_argument(
        "--archive", type=Path, metavar="DIR", help="an archive instead of the config's, with --name and --store"
    )
    parser.add_argument("--name", metavar="NAME", help="the list's name in the index (default: the folder's)")
    parser.add_argument("--store", metavar="URL", help="the index: sqlite:///FILE or postgresql+psycopg://…")


def _add_ingest(parser: argparse.ArgumentParser) -> None:
    _add_archives(parser)
    parser.add_argument("--jobs", type=int, metavar="N", help="processes that read mails (default: one for each core)")
    parser.add_argument(
        "--accept-shrink", action="store_true", help="take mails out even if more than 5 %% of a list are gone"
    )
    parser.set_defaults(run=actions.ingest_lists)


def _add_mirror(parser: argparse.ArgumentParser) -> None:
    _add_lists(parser, "all that have a url")
    parser.set_defaults(run=actions.mirror_lists)


def _add_status(parser: argparse.ArgumentParser) -> None:
    _add_archives(parser)
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(run=actions.show_status)


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help="the settings (default: config.toml)")
    parser.add_argument(
        "--online",
        action="store_true",
        help="ask the platforms about tokens, rooms and rights, and the lists' urls, too",
    )
    parser.add_argument("--json", action="store_true", help="for programs; docs/json.md describes it")
    parser.set_defaults(run=actions.check_all)


def _add_outbox(parser: argparse.ArgumentParser) -> None:
    does = ("list", "show", "retry", "drop")
    parser.add_argument("do", choices=does, help="the default is list", nargs="?", default="list")
    parser.add_argument("key", nargs="?", metavar="KEY", help="a post by its key, or the beginning of it")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the settings (default: config.toml)")
    parser.add_argument("--json", action="store_true", help="the list for programs; docs/json.md describes it")
    parser.set_defaults(run=actions.see_outbox)


def _add_question(parser: argparse.ArgumentParser, word: str) -> None:
    _add_words(parser, word)
    _add_index(parser)
    parser.set_defaults(run=actions.answer_question, word=word)


def _add_subsystems(parser: argparse.ArgumentParser) -> None:
    _add_words(parser, "subsystems")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the settings (default: config.toml)")
    parser.set_defaults(run=actions.find_subsystems)


def _add_words(parser: argparse.ArgumentParser, word: str) -> None:
    parser.add_argument("words", nargs="+", metavar="WORDS", help=f"as behind /{word}")
    parser.add_argument("--json", action="store_true", help="for programs; docs/json.md describes it")


def _add_index(parser: argparse.ArgumentParser) -> None:
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--config", type=Path, metavar="FILE", help="the settings (default: config.toml)")
    where.add_argument("--store", metavar="URL", help="the index, without a config")


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="the settings (default: config.toml; without one, a demonstration)"
    )
    parser.set_defaults(run=actions.start)


def _add_digest(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "range", nargs="?", metavar="A..B", help="commits, in any form git takes; 0:A..1:B over several epochs"
    )
    parser.add_argument(
        "--archive", type=Path, metavar="DIR", help="a public-inbox v2 folder, or one bare epoch, instead of the index"
    )
    parser.add_argument("--list", metavar="LIST", help="a list of the index (default: the config's first)")
    parser.add_argument("--id", metavar="ID", help="a digest that was shown before: the id is in its last line")
    _add_index(parser)
    parser.add_argument("--name", metavar="NAME", help="the list's display name (default: the folder's)")
    parser.add_argument("--since", metavar="TIME", help="mails received from here on: 7d, 2025-11-10, 2025-11-10T08:00")
    parser.add_argument(
        "--until", metavar="TIME", help="mails received before: as --since; a day means its first instant"
    )
    parser.add_argument("--last", type=int, metavar="N", help="the newest N mails")
    parser.add_argument("--face", choices=FACES, default="text", help="how it looks (default: text)")
    parser.add_argument("--link", metavar="URL", help="where mails have their pages (default: lore.kernel.org)")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="write to a file, which is there whole or not at all"
    )
    parser.set_defaults(run=actions.print_digest)
