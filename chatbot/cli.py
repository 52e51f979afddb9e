"""The command line. Each command imports what it needs when it runs, so that none waits for what it does not use."""

import argparse
import errno
import io
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from chatbot import __version__
from chatbot.errors import BadConfig, ChatbotError, Misunderstood

FACES = ("classic", "text", "markdown", "json")
# Exit codes: what a person has to mend, and what a signal ended (128 + SIGINT).
FAULT, INTERRUPTED = 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
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
        return _refuse(error)


def _refuse(error: ChatbotError | OSError) -> int:
    """Say what is wrong, one line for each fault."""
    faults: tuple[object, ...] = (error,)
    if isinstance(error, BadConfig):
        faults = error.faults
    elif isinstance(error, OSError):
        thing, remedy = error.filename or "standard output", "name a place that can be read and written"
        faults = (f"{thing}: {error.strerror or error}; {remedy}",)
    for fault in faults:
        print(f"chatbot: {fault}", file=sys.stderr)
    return FAULT


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
    return parser


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="the settings (default: config.toml; without one, a demonstration)"
    )
    parser.set_defaults(run=_run)


def _add_digest(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "range", nargs="?", metavar="A..B", help="commits, in any form git takes; 0:A..1:B over several epochs"
    )
    parser.add_argument(
        "--archive", type=Path, required=True, metavar="DIR", help="a public-inbox v2 folder, or one bare epoch"
    )
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
    parser.set_defaults(run=_digest)


def _run(options: argparse.Namespace) -> int:
    from chatbot.app import demonstration, run_bot
    from chatbot.config import load_config

    path = options.config or Path("config.toml")
    if options.config or path.exists():
        run_bot(load_config(path))
        return 0
    print(
        "There is no config.toml: this is a demonstration on two weeks of fictional lists.\n"
        "Try /help; Ctrl-D ends it.\n",
        file=sys.stderr,
    )
    with demonstration() as (config, now):
        run_bot(config, now)
    return 0


def _digest(options: argparse.Namespace) -> int:
    from chatbot.app import archive_digest, plain_digest, print_digest, utc_now
    from chatbot.report.digest import MailingList
    from chatbot.report.links import LORE
    from chatbot.report.window import Choice

    name = options.name or options.archive.resolve().name.removesuffix(".git")
    mailing_list = MailingList(name, name, options.link or LORE)
    choice = Choice(options.range, options.since, options.until, options.last)
    progress = _progress()
    digest = archive_digest(options.archive, mailing_list, choice, utc_now(), progress)
    progress(0)
    if options.face == "json":
        from chatbot.report.document import to_json

        _write(to_json(digest), options.output)
        return 0
    from chatbot.chat.post import CLASSIC, MARKDOWN
    from chatbot.report.render import Renderer

    if options.face == "text":
        if options.output:
            _write(plain_digest(digest), options.output)
        else:
            print_digest(digest)
        return 0
    dialect, template = (CLASSIC, "classic") if options.face == "classic" else (MARKDOWN, "digest")
    _write(Renderer().render(dialect, template, digest=digest), options.output)
    return 0


def _progress() -> Callable[[int], None]:
    """Says on a terminal how many mails were read, and takes it back at 0; elsewhere it says nothing."""
    told = 0

    def tell(count: int) -> None:
        nonlocal told
        if sys.stderr.isatty() and (count or told) and count % 1000 == 0:
            told = count
            text = f"{count:,} mails read" if count else ""
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    return tell


def _write(text: str, output: Path | None) -> None:
    """To a file, whole or not at all, or to standard output as UTF-8."""
    if output is None:
        if sys.stdout.isatty():
            from chatbot.chat.post import printable  # what a mail holds must not steer a terminal

            text = printable(text)
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    try:
        _replace(output.resolve(), text.encode("utf-8", "replace"))
    except OSError as error:
        reason = error.strerror or str(error)
        raise Misunderstood(f"--output {output}", reason, "name a file that can be written") from error


def _replace(target: Path, data: bytes) -> None:
    """Put the data in the file's place at once. A device or a pipe is written to instead. Raises OSError."""
    if target.exists() and not target.is_file():
        with target.open("wb") as file:
            file.write(data)
        return
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".chatbot-", delete=False) as file:
        whole = Path(file.name)
        try:
            file.write(data)
            file.close()
            umask = os.umask(0)
            os.umask(umask)
            whole.chmod(0o666 & ~umask)
            whole.replace(target)
        except OSError:
            whole.unlink(missing_ok=True)
            raise
