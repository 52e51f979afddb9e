"""/subsystems: find subsystems and show the likeliest."""

from collections.abc import Callable

from chatbot.commands.closest import closest
from chatbot.commands.command import Command, Context, Facts
from chatbot.commands.pages import page_of
from chatbot.errors import Misunderstood
from chatbot.report.digest import amount
from chatbot.subscriptions.finding import find, named
from chatbot.subscriptions.subsystem import Subsystem, Subsystems

# So many others are listed on a page.
OTHERS = 20


def run(arguments: str, context: Context) -> Facts:
    """By words of a title, people, lists, or paths; `page 2` behind it lists further ones."""
    return look_up(arguments, context.subsystems)


def look_up(arguments: str, subsystems_of: Callable[[], Subsystems]) -> Facts:
    """The same, for who has nothing but them. Raises Misunderstood, and BadConfig where they cannot be read."""
    text, page = page_of(arguments.strip().strip('"'))
    if not text:
        raise Misunderstood(
            "/subsystems", "it needs words to look for", f"type {COMMAND.usage}, such as {COMMAND.examples[0]}"
        )
    subsystems = subsystems_of()
    if not len(subsystems):
        reason = "I know no subsystems"
        remedy = "name the kernel's MAINTAINERS in the config, [maintainers] file, or add [[subsystems]]"
        raise Misunderstood("/subsystems", reason, remedy)
    found = find(subsystems, text)
    if not found:
        titles = closest(text, (one.title for one in subsystems))
        return Facts("nothing", {"what": "subsystem", "text": text, "closest": titles})
    pages = max(1, -(-(len(found) - 1) // OTHERS))
    if not 0 < page <= pages:
        remedy = f"name one of 1 to {pages}" if pages > 1 else "leave the page out"
        raise Misunderstood(
            f"page {page}", f"of {text!r} there {'is' if pages == 1 else 'are'} {amount(pages, 'page')}", remedy
        )
    others = found[1:][(page - 1) * OTHERS : page * OTHERS]
    left = len(found) - 1 - page * OTHERS
    shared = frozenset(filter(subsystems.catch_all, found[0].lists))
    values = {"report": found, "text": text, "page": page, "others": others, "left": left, "shared": shared}
    return Facts("subsystems", values)


def subsystem_named(text: str, subsystems: Subsystems) -> Subsystem:
    """The one that is meant. Raises Misunderstood, with those that may be meant."""
    if found := named(subsystems, text):
        return found
    several = [one.title for one in find(subsystems, text)][:3]
    likest = several or closest(text, (one.title for one in subsystems))
    reason = "several subsystems have these words" if len(several) > 1 else "there is no such subsystem"
    remedy = f"name one, such as {' or '.join(likest)}" if likest else "look for it with /subsystems"
    raise Misunderstood(repr(text), reason, remedy)


COMMAND = Command(
    "subsystems",
    "WORDS",
    "Find subsystems by words of their titles, people, lists or paths: who looks after them, and what belongs to them.",
    ("/subsystems kvm x86", "/subsystems arch/x86/kvm/mmu.c"),
    run,
    for_all=True,
)
