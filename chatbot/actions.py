"""What each command of the terminal does; each takes what was typed, and gives its exit code.

Law of the file: it imports inside its functions, so that no command waits for what it does not use.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from chatbot.errors import Misunderstood, Problem
from chatbot.output import FAULT, NOTHING, mails_read, refuse, show_post, styles, write

if TYPE_CHECKING:
    from datetime import timedelta

    from chatbot.commands.command import Facts
    from chatbot.ingest import Ingested
    from chatbot.report.digest import Digest
    from chatbot.settings import Config, MailingList
    from chatbot.store.writer import Added


def print_slack_manifest(options: argparse.Namespace) -> int:
    """For an app with the options that were named. Raises Misunderstood."""
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
    write(json.dumps(found, ensure_ascii=False, indent=2) + "\n" if options.json else to_yaml(found), None)
    return 0


def start(options: argparse.Namespace) -> int:
    """The bot, until a signal ends it."""
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


def ingest_lists(options: argparse.Namespace) -> int:
    """The lists of the config, or one archive, into the index; one summary line each."""
    from chatbot.gather import ingest_archives

    if options.jobs is not None and options.jobs < 1:
        raise Misunderstood(f"--jobs {options.jobs}", "this is no number of processes", "write 1 or more")
    archives, store, config = _archives(options)
    jobs = options.jobs or (config.sources.jobs if config else None)
    failures: list[Problem] = []

    def done(name: str, came: Ingested, took: timedelta) -> None:
        print(_summary(name, came.added, took.total_seconds()), flush=True)
        for problem in came.skipped:
            failed(problem)

    def failed(problem: Problem) -> None:
        failures.append(problem)
        refuse(problem)

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


def mirror_lists(options: argparse.Namespace) -> int:
    """From where the config says that they are published."""
    from chatbot.gather import mirror_archives

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
        refuse(problem)

    mirror_archives(origins, done, failed)
    return FAULT if failures else 0


def show_status(options: argparse.Namespace) -> int:
    """A table, or JSON. Raises Unreadable where the one archive that was named is none."""
    from chatbot.app import utc_now
    from chatbot.once import look_at
    from chatbot.report.status import to_json
    from chatbot.sources.layout import epoch_folders

    archives, store, config = _archives(options)
    if config is None:
        epoch_folders(options.archive)  # what is wrong with a list of the config stands in the table
    url, size, lists = look_at(archives, store, utc_now(), make=config is not None)
    if options.json:
        write(to_json(url, size, lists), None)
    else:
        from chatbot.chat.gauge import print_table
        from chatbot.report.status import COLUMNS, index_line, row

        print_table(COLUMNS, map(row, lists))
        print(index_line(url, size))
    return 0


def check_all(options: argparse.Namespace) -> int:
    """All findings; a fault where one is not well."""
    from chatbot.app import utc_now
    from chatbot.chat.styled import DIALECT
    from chatbot.check import check
    from chatbot.report.findings import show, to_json

    found = check(options.config or Path("config.toml"), utc_now(), online=options.online)
    if options.json:
        write(to_json(found), None)
    else:
        show_post(show(found, DIALECT))
    return 0 if all(one.well for one in found) else FAULT


def see_outbox(options: argparse.Namespace) -> int:
    """What waits; or try one again, drop it, or show it. Raises Misunderstood."""
    from chatbot.app import utc_now
    from chatbot.commands.outbox import COLUMNS, row, to_json
    from chatbot.once import undelivered

    if (options.do == "list") != (options.key is None):
        remedy = "leave it out" if options.key else f"write chatbot outbox {options.do} KEY"
        raise Misunderstood(f"outbox {options.do}", f"it takes {'no' if options.key else 'a'} key", remedy)
    with undelivered(_config(options).store.url) as outbox:
        if options.do == "list":
            if options.json:
                write(to_json(outbox.all()), None)
            elif posts := outbox.all():
                from chatbot.chat.gauge import print_table

                print_table(COLUMNS, map(row, posts))
            else:
                print("All posts have arrived.")
            return 0
        one = outbox.named(options.key)
        if options.do == "show":
            show_post(one.body)
        elif options.do == "retry":
            outbox.retry(one, utc_now())
            print(f"{one.platform}/{one.room}: it is sent at the next tick")
        else:
            outbox.drop(one)
            print(f"{one.platform}/{one.room}: dropped; what stands behind it goes on")
    return 0


def answer_question(options: argparse.Namespace) -> int:
    """What the bot would answer to a command of this word."""
    from chatbot.answer import look_up
    from chatbot.once import questions

    config = _config(options) if options.store is None else None
    with questions(config.store.url if config else options.store, config) as context:
        return _show_facts(look_up(f"/{options.word} {' '.join(options.words)}", context), as_json=options.json)


def find_subsystems(options: argparse.Namespace) -> int:
    """Without an index: what the config and MAINTAINERS say."""
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
        write(json.dumps(document, ensure_ascii=False, indent=2) + "\n", None)
        return 0
    shown = Renderer().render(DIALECT, facts.template, **facts.values)
    if nothing:
        print(plain_text(shown).rstrip(), file=sys.stderr)
        return NOTHING
    show_post(shown)
    return 0


def manage_subscriptions(options: argparse.Namespace) -> int:
    """As somebody who may manage every room."""
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
            write(desk.export(desk.room(options.room) if options.room else None), None)
        elif options.do == "import":
            text = Path(options.words[0]).read_text("utf-8-sig") if options.words else sys.stdin.read()
            added, there = desk.take(text, subsystems)
            print(f"{_number(added, 'subscription')} added, {there:,} there already")
        elif options.do == "list":
            for room in [desk.room(options.room)] if options.room else desk.rooms():
                print(f"{room.platform}/{room.name}", flush=True)
                show_post(desk.say("/subscriptions", room))
        else:
            words = [*options.words, *(["--skip"] if options.skip else [])]
            room = desk.room(options.room, options.words if options.do != "add" else ())
            show_post(desk.say(f"/{COMMANDS[options.do]} {' '.join(words)}", room))
    return 0


def log_in_to_matrix(options: argparse.Namespace) -> int:
    """The password is asked for, or read from a file."""
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


def _archives(options: argparse.Namespace) -> tuple[dict[str, Path], str, Config | None]:
    """Archives by their lists' names, and the index's URL: those of a config, or one without a config. Raises
    Misunderstood.
    """
    if options.archive:
        if options.lists or options.config or not options.store:
            raise Misunderstood("--archive", "it stands alone", "give --store with it, and neither LIST nor --config")
        name = options.name or options.archive.resolve().name.removesuffix(".git")
        return {name: options.archive}, options.store, None
    if options.store or options.name:
        raise Misunderstood("--store, --name", "the config has them", "give --archive with them, or leave them out")
    config = _config(options)
    return {one.name: one.archive for one in _chosen(config, options.lists)}, config.store.url, config


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


def print_digest(options: argparse.Namespace) -> int:
    """Of an archive, or of a list of the index; to a file where one is named."""
    from chatbot.once import plain_digest, print_digest

    digest = _digest_of_archive(options) if options.archive else _digest_of_index(options)
    if options.face == "json":
        from chatbot.report.document import to_json

        write(to_json(digest), options.output)
        return 0
    from chatbot.chat.post import CLASSIC, MARKDOWN
    from chatbot.report.render import Renderer

    if options.face == "text":
        if options.output or not styles():
            write(plain_digest(digest), options.output)
        else:
            print_digest(digest)
        return 0
    dialect, template = (CLASSIC, "classic") if options.face == "classic" else (MARKDOWN, "digest")
    write(Renderer().render(dialect, template, digest=digest), options.output)
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
    progress = mails_read()
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
