"""Story 4: command → facts → post."""

from chatbot.chat.post import Dialect, Post
from chatbot.commands import COMMANDS, names
from chatbot.commands.closest import closest
from chatbot.commands.command import Context
from chatbot.errors import Misunderstood
from chatbot.report.render import Renderer

# Chat clients make typographers' signs of what people type.
_TYPOGRAPHY = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "—": "--", "\u00a0": " "})


def answer(text: str, context: Context, renderer: Renderer, dialect: Dialect) -> Post:
    """The answer to one command; words that make no sense are answered too, with the remedy."""
    word, _, arguments = text.translate(_TYPOGRAPHY).strip().partition(" ")
    try:
        command = {f"/{command.word}": command for command in COMMANDS}.get(word.lower())
        if command is None:
            likest = closest(word, names(), limit=1)
            raise Misunderstood(repr(word), "this is no command of mine", f"type {(*likest, '/help')[0]}")
        reply = command.run(arguments, context)
    except Misunderstood as problem:
        return Post(dialect.name, renderer.render(dialect, "misunderstood", problem=problem))
    return Post(dialect.name, renderer.render(dialect, reply.template, **reply.facts))
