"""How far long work is: bars on standard error where that is a terminal, nothing elsewhere."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from chatbot.chat.post import printable

# Says of what thing how much is done, and how much there is in all (0: nobody knows); and what is being done to it.
Tell = Callable[[str, int, int, str], None]
# Wide enough that no cell of a table is broken where nobody looks at it.
PIPE_WIDTH = 250


@contextmanager
def gauge() -> Iterator[Tell]:
    """A bar for each thing that is told of, with the time that is left."""
    if not sys.stderr.isatty():
        yield lambda _what, _done, _total, _doing: None
        return
    from rich.console import Console  # noqa: PLC0415  # a pipe does without it
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[doing]}", markup=False),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bars: dict[str, TaskID] = {}

        def tell(what: str, done: int, total: int, doing: str) -> None:
            if what not in bars:
                bars[what] = progress.add_task(printable(what), total=total or None, doing="")
            bar = bars[what]
            speed = progress.tasks[progress.task_ids.index(bar)].speed
            doing = doing or f"{done:,} of {total:,} mails" + (f", {speed:,.0f}/s" if speed else "")
            progress.update(bar, completed=done, total=total or None, doing=doing)

        yield tell


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table on standard output; the first and the last column are text, the others figures."""
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False)
    for place, column in enumerate(columns):
        ends = place in (0, len(columns) - 1)
        table.add_column(column, justify="left" if ends else "right", no_wrap=place < len(columns) - 1)
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH).print(table)
