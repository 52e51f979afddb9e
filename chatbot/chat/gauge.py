"""How far long work is: bars on standard error where that is a terminal, nothing elsewhere."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from chatbot.chat.post import printable

# Says what is being done, how much of it is done, and how much there is in all (0: nobody knows).
Tell = Callable[[str, int, int], None]


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f}/s" if task.speed else "")


@contextmanager
def gauge(unit: str, *, rate: bool = True) -> Iterator[Tell]:
    """A bar for each thing that is told of, with its rate and the time that is left."""
    on = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn(unit))
    more = (_Rate(), TimeRemainingColumn(compact=True)) if rate else ()
    with Progress(*columns, *more, console=on, disable=not on.is_terminal, transient=True) as progress:
        bars = {}

        def tell(what: str, done: int, total: int) -> None:
            if what not in bars:
                bars[what] = progress.add_task(Text(printable(what)).markup, total=total or None)
            progress.update(bars[what], completed=done, total=total or None)

        yield tell


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table on standard output; the first and the last column are text, the others figures."""
    table = Table(box=None, pad_edge=False)
    for place, column in enumerate(columns):
        ends = place in (0, len(columns) - 1)
        table.add_column(column, justify="left" if ends else "right", no_wrap=not ends or place == 0)
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    on = Console()
    Console(width=None if on.is_terminal else 200).print(table)
