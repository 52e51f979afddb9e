"""The command line. Each command imports what it needs when it runs, so that none waits for what it does not use."""

from __future__ import annotations

import argparse
import atexit
import errno
import gc
import io
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from chatbot import __version__
from chatbot.errors import BadConfig, ChatbotError, Misunderstood, Problem, Unavailable

if TYPE_CHECKING:
    from datetime import timedelta

    from chatbot.commands.command import Facts
    from chatbot.config import Config, MailingList
    from chatbot.ingest import Ingested
    from chatbot.report.digest import Digest
    from chatbot.store.writer import Added

FACES = ("classic", "text", "markdown", "json")
# Exit codes: what a person has to mend, and what a signal ended (128 + SIGINT).
FAULT, INTERRUPTED = 2, 130
# As grep has it: nothing was wrong, and nothing was found.
NOTHING = 1


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
        return _refuse(error)


def _refuse(error: ChatbotError | OSError) -> int:
    """Say what is wrong, one line for each fault."""
    faults: tuple[object, ...] = (error,)
    if isinstance(error, BadConfig):
        faults = error.faults
    elif isinstance(error, Unavailable):
        faults = (f"{error}; nothing that was written is lost: see that its disk has room, and run this again",)
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
    parser.set_defaults(run=_matrix_login)


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
    parser.set_defaults(run=_slack_manifest)


def _slack_manifest(options: argparse.Namespace) -> int:
    import json

    from chatbot.chat.slack_manifest import HOST, MOST_DOMAINS, MOST_NAME, to_yaml
    from chatbot.once import slack_manifest

    if not 0 < len(options.name) <= MOST_NAME:
        raise Misunderstood(f"--name {options.name}", f"Slack takes 1 to {MOST_NAME} characters", "give another name")
    if options.url and not options.url.startswith("https://"):
        raise Misunderstood(f"--url {options.url}", "Slack calls https alone", "write https://HOST/slack/events")
    if options.install and not options.url:
        raise Misunderstood("--install", "Slack has to call the bot for that", "add --url https://HOST/slack/events")
    hosts = () if options.unfurl is None else tuple(dict.fromkeys((HOST, *options.unfurl)))
    if len(hosts) > MOST_DOMAINS:
        raise Misunderstood("--unfurl", f"Slack takes {MOST_DOMAINS} hosts, lore.kernel.org among them", "name fewer")
    keys = ("private", "mentions", "files", "admins", "url", "install", "name")
    found = slack_manifest(unfurl=hosts, **{key: getattr(options, key) for key in keys})
    _write(json.dumps(found, ensure_ascii=False, indent=2) + "\n" if options.json else to_yaml(found), None)
    return 0


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
    parser.set_defaults(run=_subscriptions)


def _add_lists(parser: argparse.ArgumentParser, lists: str) -> None:
    parser.add_argument("lists", nargs="*", metavar="LIST", help=f"a list of the config (default: {lists})")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the settings (default: config.toml)")


def _add_ingest(parser: argparse.ArgumentParser) -> None:
    _add_lists(parser, "all")
    parser.add_argument(
        "--archive", type=Path, metavar="DIR", help="an archive instead of the config's, with --name and --store"
    )
    parser.add_argument("--name", metavar="NAME", help="the list's name in the index (default: the folder's)")
    parser.add_argument("--store", metavar="URL", help="the index: sqlite:///FILE or postgresql+psycopg://…")
    parser.add_argument("--jobs", type=int, metavar="N", help="processes that read mails (default: one for each core)")
    parser.add_argument(
        "--accept-shrink", action="store_true", help="take mails out even if more than 5 %% of a list are gone"
    )
    parser.set_defaults(run=_ingest)


def _add_mirror(parser: argparse.ArgumentParser) -> None:
    _add_lists(parser, "all that have a url")
    parser.set_defaults(run=_mirror)


def _add_status(parser: argparse.ArgumentParser) -> None:
    _add_lists(parser, "all")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(run=_status)


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help="the settings (default: config.toml)")
    parser.add_argument(
        "--online",
        action="store_true",
        help="ask the platforms about tokens, rooms and rights, and the lists' urls, too",
    )
    parser.add_argument("--json", action="store_true", help="for programs; docs/json.md describes it")
    parser.set_defaults(run=_check)


def _add_outbox(parser: argparse.ArgumentParser) -> None:
    does = ("list", "show", "retry", "drop")
    parser.add_argument("do", choices=does, help="the default is list", nargs="?", default="list")
    parser.add_argument("key", nargs="?", metavar="KEY", help="a post by its key, or the beginning of it")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the settings (default: config.toml)")
    parser.add_argument("--json", action="store_true", help="the list for programs; docs/json.md describes it")
    parser.set_defaults(run=_outbox)


def _add_question(parser: argparse.ArgumentParser, word: str) -> None:
    _add_words(parser, word)
    _add_index(parser)
    parser.set_defaults(run=_question, word=word)


def _add_subsystems(parser: argparse.ArgumentParser) -> None:
    _add_words(parser, "subsystems")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the settings (default: config.toml)")
    parser.set_defaults(run=_subsystems)


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
    parser.set_defaults(run=_run)


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
    parser.set_defaults(run=_digest)


def _run(options: argparse.Namespace) -> int:
    from chatbot.app import demonstration, run_bot
    from chatbot.config import load_config

    path = options.config or Path("config.toml")
    if options.config or path.exists():
        run_bot(load_config(path), load=lambda: load_config(path))
        return 0
    print(
        "There is no config.toml: this is a demonstration on two weeks of fictional lists.\n"
        "Try /help; Ctrl-D ends it.\n",
        file=sys.stderr,
    )
    with demonstration() as (config, now):
        run_bot(config, now)
    return 0


def _ingest(options: argparse.Namespace) -> int:
    from chatbot.once import ingest_archives

    if options.jobs is not None and options.jobs < 1:
        raise Misunderstood(f"--jobs {options.jobs}", "this is no number of processes", "write 1 or more")
    if options.archive:
        if options.lists or options.config or not options.store:
            raise Misunderstood("--archive", "it stands alone", "give --store with it, and neither LIST nor --config")
        name = options.name or options.archive.resolve().name.removesuffix(".git")
        archives, store, jobs = {name: options.archive}, options.store, options.jobs
    else:
        if options.store or options.name:
            raise Misunderstood("--store, --name", "the config has them", "give --archive with them, or leave them out")
        config = _config(options)
        archives = {one.name: one.archive for one in _chosen(config, options.lists)}
        store, jobs = config.store.url, options.jobs or config.sources.jobs
    failures: list[Problem] = []

    def done(name: str, came: Ingested, took: timedelta) -> None:
        print(_summary(name, came.added, took.total_seconds()), flush=True)
        for problem in came.skipped:
            failed(problem)

    def failed(problem: Problem) -> None:
        failures.append(problem)
        _refuse(problem)

    ingest_archives(archives, store, jobs=jobs, accept_shrink=options.accept_shrink, done=done, failed=failed)
    return FAULT if failures else 0


def _summary(name: str, added: Added, seconds: float) -> str:
    """`nvdimm: 14,925 mails, 14,917 kept, 8 duplicates, 0 defects, 4.1 s, 3,640/s`."""
    parts = [
        _number(added.mails, "mail"),
        f"{added.kept:,} kept",
        _number(added.duplicates, "duplicate"),
        _number(added.defects, "defect"),
        *([f"{added.removed:,} removed"] if added.removed else []),
        f"{seconds:.1f} s",
        *([f"{added.mails / seconds:,.0f}/s"] if added.mails and seconds else []),
    ]
    return f"{name}: {', '.join(parts)}"


def _number(number: int, word: str) -> str:
    return f"{number:,} {word if number == 1 else word + 's'}"


def _mirror(options: argparse.Namespace) -> int:
    from chatbot.once import mirror_archives

    config = _config(options)
    origins: dict[str, tuple[str, Path]] = {}
    for one in _chosen(config, options.lists):
        if one.url:
            origins[one.name] = (one.url, one.archive)
        elif options.lists:
            raise Misunderstood(one.name, "the config has no url for this list", "add one to its [[lists]] table")
    if not origins:
        raise Misunderstood("mirror", "no list of the config has a url", "add one to a [[lists]] table")
    failures: list[Problem] = []

    def done(name: str, epochs: Mapping[int, str]) -> None:
        fates = ", ".join(f"epoch {epoch} {fate}" for epoch, fate in epochs.items())
        print(f"{name}: {fates or 'no epoch yet'}", flush=True)

    def failed(problem: Problem) -> None:
        failures.append(problem)
        _refuse(problem)

    mirror_archives(origins, done, failed)
    return FAULT if failures else 0


def _status(options: argparse.Namespace) -> int:
    from chatbot.app import utc_now
    from chatbot.once import look_at
    from chatbot.report.status import to_json

    config = _config(options)
    archives = {one.name: one.archive for one in _chosen(config, options.lists)}
    url, size, lists = look_at(archives, config.store.url, utc_now())
    if options.json:
        _write(to_json(url, size, lists), None)
    else:
        from chatbot.chat.gauge import print_table
        from chatbot.report.status import COLUMNS, index_line, row

        print_table(COLUMNS, map(row, lists))
        print(index_line(url, size))
    return 0


def _check(options: argparse.Namespace) -> int:
    from chatbot.app import utc_now
    from chatbot.chat.styled import DIALECT
    from chatbot.check import check
    from chatbot.report.findings import show, to_json

    found = check(options.config or Path("config.toml"), utc_now(), online=options.online)
    if options.json:
        _write(to_json(found), None)
    else:
        _show(show(found, DIALECT))
    return 0 if all(one.well for one in found) else FAULT


def _outbox(options: argparse.Namespace) -> int:
    from chatbot.app import utc_now
    from chatbot.commands.outbox import COLUMNS, row, to_json
    from chatbot.once import undelivered

    if (options.do == "list") != (options.key is None):
        remedy = "leave it out" if options.key else f"write chatbot outbox {options.do} KEY"
        raise Misunderstood(f"outbox {options.do}", f"it takes {'no' if options.key else 'a'} key", remedy)
    with undelivered(_config(options).store.url) as outbox:
        if options.do == "list":
            if options.json:
                _write(to_json(outbox.all()), None)
            elif posts := outbox.all():
                from chatbot.chat.gauge import print_table

                print_table(COLUMNS, map(row, posts))
            else:
                print("All posts have arrived.")
            return 0
        one = outbox.named(options.key)
        if options.do == "show":
            _show(one.body)
        elif options.do == "retry":
            outbox.retry(one, utc_now())
            print(f"{one.platform}/{one.room}: it is sent at the next tick")
        else:
            outbox.drop(one)
            print(f"{one.platform}/{one.room}: dropped; what stands behind it goes on")
    return 0


def _question(options: argparse.Namespace) -> int:
    from chatbot.answer import look_up
    from chatbot.once import questions

    config = _config(options) if options.store is None else None
    with questions(config.store.url if config else options.store, config) as context:
        return _show_facts(look_up(f"/{options.word} {' '.join(options.words)}", context), as_json=options.json)


def _subsystems(options: argparse.Namespace) -> int:
    from chatbot.commands.subsystems import look_up
    from chatbot.translate import subsystems_of

    config = _config(options)
    facts = look_up(" ".join(options.words), lambda: subsystems_of(config, lambda _: None))
    return _show_facts(facts, as_json=options.json)


def _show_facts(facts: Facts, *, as_json: bool) -> int:
    """What a command found, as a person or a program reads it."""
    from chatbot.chat.styled import DIALECT, plain_text
    from chatbot.report.render import Renderer

    nothing = facts.template == "nothing"
    if as_json and not nothing:
        import json

        from chatbot.report.answers import DOCUMENTS

        document = DOCUMENTS[facts.template](facts.values["report"])
        _write(json.dumps(document, ensure_ascii=False, indent=2) + "\n", None)
        return 0
    shown = Renderer().render(DIALECT, facts.template, **facts.values)
    if nothing:
        print(plain_text(shown).rstrip(), file=sys.stderr)
        return NOTHING
    _show(shown)
    return 0


def _subscriptions(options: argparse.Namespace) -> int:
    from functools import cache

    from chatbot.app import utc_now
    from chatbot.manage import COMMANDS, Desk
    from chatbot.once import questions
    from chatbot.translate import subscriptions_of, subsystems_of

    config = _config(options)
    subsystems = cache(lambda: subsystems_of(config, lambda _: None))
    with questions(config.store.url, config, subscriptions_of(config, subsystems, utc_now())) as context:
        desk = Desk(context, config)
        if options.do == "export":
            _write(desk.export(desk.room(options.room) if options.room else None), None)
        elif options.do == "import":
            text = Path(options.words[0]).read_text("utf-8-sig") if options.words else sys.stdin.read()
            added, there = desk.take(text, subsystems)
            print(f"{_number(added, 'subscription')} added, {there:,} there already")
        elif options.do == "list":
            for room in [desk.room(options.room)] if options.room else desk.rooms():
                print(f"{room.platform}/{room.name}", flush=True)
                _show(desk.say("/subscriptions", room))
        else:
            words = [*options.words, *(["--skip"] if options.skip else [])]
            room = desk.room(options.room, options.words if options.do != "add" else ())
            _show(desk.say(f"/{COMMANDS[options.do]} {' '.join(words)}", room))
    return 0


def _matrix_login(options: argparse.Namespace) -> int:
    from getpass import getpass

    from chatbot.app import utc_now
    from chatbot.once import log_in_matrix

    folder = options.device
    if folder is None:
        matrix = _config(options).platforms.matrix
        if matrix is None:
            raise Misunderstood(
                "matrix-login", "the config has no [platforms.matrix]", "add that table, or give --device"
            )
        folder = matrix.device
    file = options.password_file
    password = file.read_text("utf-8").rstrip("\r\n") if file else getpass(f"Password of {options.user}: ")
    user, device = log_in_matrix(folder, options.homeserver, options.user, password, utc_now(), again=options.again)
    print(f"{user}: device {device} is in {folder}; `chatbot run` uses it")
    return 0


def _show(post: str) -> None:
    """A post, with its styles where there can be any."""
    from chatbot.chat.styled import plain_text
    from chatbot.once import print_post

    if _styles():
        print_post(post)
    else:
        _write(plain_text(post), None)


def _config(options: argparse.Namespace) -> Config:
    from chatbot.config import load_config

    return load_config(options.config or Path("config.toml"))


def _chosen(config: Config, names: Sequence[str]) -> list[MailingList]:
    """The lists of these names, or all. Raises Misunderstood."""
    known = {one.name: one for one in config.lists}
    for name in names:
        if name not in known:
            raise Misunderstood(repr(name), "the config has no such list", f"name one of {', '.join(known)}")
    return [known[name] for name in names] if names else list(config.lists)


def _digest(options: argparse.Namespace) -> int:
    from chatbot.once import plain_digest, print_digest

    digest = _digest_of_archive(options) if options.archive else _digest_of_index(options)
    if options.face == "json":
        from chatbot.report.document import to_json

        _write(to_json(digest), options.output)
        return 0
    from chatbot.chat.post import CLASSIC, MARKDOWN
    from chatbot.report.render import Renderer

    if options.face == "text":
        if options.output or not _styles():
            _write(plain_digest(digest), options.output)
        else:
            print_digest(digest)
        return 0
    dialect, template = (CLASSIC, "classic") if options.face == "classic" else (MARKDOWN, "digest")
    _write(Renderer().render(dialect, template, digest=digest), options.output)
    return 0


def _digest_of_archive(options: argparse.Namespace) -> Digest:
    from chatbot.app import utc_now
    from chatbot.once import archive_digest
    from chatbot.report.digest import MailingList
    from chatbot.report.links import LORE
    from chatbot.report.window import Choice

    for option in ("list", "id", "config", "store"):
        if getattr(options, option):
            raise Misunderstood(f"--{option}", "it asks the index, and --archive does not", "leave one of them out")
    name = options.name or options.archive.resolve().name.removesuffix(".git")
    mailing_list = MailingList(name, name, options.link or LORE)
    choice = Choice(options.range, options.since, options.until, options.last)
    progress = _progress()
    digest = archive_digest(
        options.archive, mailing_list, choice, utc_now(), progress, classic=options.face == "classic"
    )
    progress(0)
    return digest


def _digest_of_index(options: argparse.Namespace) -> Digest:
    from chatbot.app import utc_now
    from chatbot.once import index_digest
    from chatbot.report.window import Choice

    for option in ("range", "name", "link"):
        if getattr(options, option):
            raise Misunderstood(f"{option} {getattr(options, option)}", "only --archive takes it", "give --archive DIR")
    for option in ("list", "since", "until", "last"):
        if options.id is not None and getattr(options, option) is not None:
            raise Misunderstood(f"--{option}", "a digest that was shown has its own", "leave it out, or --id")
    choice = Choice(None, options.since, options.until, options.last)
    config = None if options.store else _config(options)
    return index_digest(
        options.store or (config.store.url if config else ""),
        config,
        options.list,
        choice if options.id is None else options.id.lower(),
        utc_now(),
        classic=options.face == "classic",
    )


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


def _styles() -> bool:
    """Whether standard output may show styles: a terminal, or what its owner says is one."""
    return sys.stdout.isatty() or not {"FORCE_COLOR", "TTY_COMPATIBLE"}.isdisjoint(os.environ)


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
