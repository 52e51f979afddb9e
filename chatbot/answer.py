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
        picture = facts.picture() if facts.picture and dialect.files else None
        body = renderer.render(dialect, facts.template, **facts.values)
        return Post(dialect.name, body, picture, aside=facts.aside)
    text = renderer.render(CLASSIC, facts.template, **facts.values)
    if dialect.files:
        return Post(dialect.name, dialect.lines([facts.file]), File.of_text(facts.file, text))
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
    command = _row(_word(text))
    return command is not None and command.manages


def for_all(text: str) -> bool:
    """Whether the answer to a command is the same for whoever asks, in whatever room of a platform."""
    command = _row(_word(text))
    return command is not None and command.for_all and not corrects(text)


def corrects(text: str) -> bool:
    """Whether a command may change what all are told."""
    command = _row(_word(text))
    return command is not None and command.corrects("".join(text.split(None, 1)[1:]))


def known_word(text: str) -> str:
    """The word of the table that a command begins with; "other" for whatever else people type."""
    command = _row(_word(text))
    return command.word if command else "other"


def _word(text: str) -> str:
    return (text.split(None, 1) or ["/help"])[0]


def _row(word: str) -> Command | None:
    return next((command for command in COMMANDS if f"/{command.word}" == word.lower()), None)


def _command(word: str) -> Command:
    """The row of the table. Raises Misunderstood."""
    if command := _row(word):
        return command
    likest = closest(word, names(), limit=1)
    raise Misunderstood(repr(word), "this is no command of mine", f"type {(*likest, '/help')[0]}")
