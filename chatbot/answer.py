"""Story 4: command → facts → post."""

from chatbot.chat.post import CLASSIC, Dialect, File, Post
from chatbot.commands import COMMANDS, names
from chatbot.commands.closest import closest
from chatbot.commands.command import Command, Context, Facts
from chatbot.errors import Misunderstood, Unreadable
from chatbot.report.render import Renderer

# Chat clients make typographers' signs of what people type.
_TYPOGRAPHY = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "—": "--", "\u00a0": " "})


def answer(text: str, context: Context, renderer: Renderer, dialect: Dialect) -> Post:
    """The answer to one command; words that make no sense are answered too, with the remedy."""
    try:
        facts = look_up(text, context)
    except (Misunderstood, Unreadable) as problem:
        body = renderer.render(dialect, "misunderstood", problem=problem)
        return Post(dialect.name, body, aside=True, fault=str(problem), part=problem.part)
    if facts.file is None:
        return Post(dialect.name, renderer.render(dialect, facts.template, **facts.values), aside=facts.aside)
    text = renderer.render(CLASSIC, facts.template, **facts.values)
    if dialect.files:
        return Post(dialect.name, dialect.lines([facts.file]), File(facts.file, text))
    return Post(dialect.name, dialect.as_it_is(text))


def look_up(text: str, context: Context) -> Facts:
    """What there is to say to a command. Raises Misunderstood."""
    word, *rest = text.translate(_TYPOGRAPHY).split(None, 1) or ["/help"]
    command = _command(word)
    if command.manages and not context.manager:
        named = (
            f"ask {' or '.join(sorted(context.room.managers))}" if context.room.managers else "ask who runs the room"
        )
        raise Misunderstood(f"/{command.word}", "you may not manage what this room follows", named)
    return command.run("".join(rest), context)


def manages(text: str) -> bool:
    """Whether a command is for those alone who may manage the room."""
    words = text.split(None, 1)
    return any(command.manages and f"/{command.word}" == words[0].lower() for command in COMMANDS if words)


def known_word(text: str) -> str:
    """The word of the table that a command begins with; "other" for whatever else people type."""
    word = (text.split(None, 1) or ["/help"])[0].lower()
    return next((command.word for command in COMMANDS if f"/{command.word}" == word), "other")


def _command(word: str) -> Command:
    """The row of the table. Raises Misunderstood."""
    for command in COMMANDS:
        if f"/{command.word}" == word.lower():
            return command
    likest = closest(word, names(), limit=1)
    raise Misunderstood(repr(word), "this is no command of mine", f"type {(*likest, '/help')[0]}")
