"""From values to text: templates in, posts out.

Law of the file: every expression in every template passes through the dialect's escape, whatever the template's
name; a template cannot forget it. What is already written in the dialect is `Markup`.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from chatbot.chat.post import Dialect
from chatbot.errors import BadConfig
from chatbot.report.digest import amount
from chatbot.report.sparkline import sparkline

_PACKAGE = Path(__file__).resolve().parent.parent
# In a wheel the templates lie inside the package, in a checkout beside it.
TEMPLATES = next(folder for folder in (_PACKAGE / "templates", _PACKAGE.parent / "templates") if folder.is_dir())
_SUFFIX = ".j2"
# What all dialects say in the same words.
SHARED = "shared"


class Renderer:
    """The templates, our own or those that a folder of the user's puts in their place."""

    def __init__(self, overrides: Path | None = None) -> None:
        """Nothing is read yet; `check` reads everything."""
        self._folders = [folder for folder in (overrides, TEMPLATES) if folder]
        self._environments: dict[str, jinja2.Environment] = {}

    def render(self, dialect: Dialect, template: str, **facts: Any) -> str:
        """The text of a template such as `digest`, in a dialect. Raises BadConfig where the template is broken."""
        try:
            return self._environment(dialect).get_template(f"{template}{_SUFFIX}").render(facts)
        except jinja2.TemplateError as error:
            raise BadConfig((_fault(dialect.name, template, error),)) from error

    def render_surely(
        self, dialect: Dialect, template: str, instead: Iterable[str], failed: Callable[..., object], **facts: Any
    ) -> str:
        """The same; where the template fails, or says nothing, these lines, and `failed` is told."""
        try:
            body = self.render(dialect, template, **facts)
        except Exception:  # noqa: BLE001  # templates are the team's own, and may raise whatever there is
            failed("template failed", dialect=dialect.name, template=template)
        else:
            if dialect.unstyled(body).strip():
                return body
            failed("template says nothing", dialect=dialect.name, template=template)
        return dialect.lines(instead)

    def check(self, dialect: Dialect) -> None:
        """Compile all templates of a dialect. Raises BadConfig, one fault for each broken one."""
        environment = self._environment(dialect)
        faults: list[str] = []
        for name in environment.list_templates():
            try:
                environment.get_template(name)
            except jinja2.TemplateError as error:
                faults.append(_fault(dialect.name, name.removesuffix(_SUFFIX), error))
        if faults:
            raise BadConfig(tuple(faults))

    def _environment(self, dialect: Dialect) -> jinja2.Environment:
        if dialect.name not in self._environments:
            names = (*dialect.folders, SHARED)
            self._environments[dialect.name] = _environment(
                [folder / name for name in names for folder in self._folders], dialect
            )
        return self._environments[dialect.name]


def _environment(folders: list[Path], dialect: Dialect) -> jinja2.Environment:
    def escape(value: object) -> Markup:
        return value if isinstance(value, Markup) else Markup(dialect.escape(str(value)))

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folders),
        undefined=jinja2.StrictUndefined,
        autoescape=True,  # so that macros return Markup; `finalize` has escaped in the dialect before it looks
        finalize=escape,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters: dict[str, Callable[..., object]] = {
        "moment": _moment,
        "amount": amount,
        "sparkline": sparkline,
        "link": lambda url: Markup(quote(url, safe=":/?&=@.-_~+$%")),
    }
    environment.filters.update(filters)
    environment.globals["files"] = dialect.files
    for style, (before, after) in dialect.styles.items():
        environment.filters[style] = _styled(before, after, escape)
    return environment


def _styled(before: str, after: str, escape: Callable[[object], Markup]) -> Callable[[object], Markup]:
    return lambda value: Markup(before) + escape(value) + Markup(after)


def _moment(value: datetime | None) -> str:
    return f"{value:%Y-%m-%d %H:%M}" if value else "?"


def _fault(dialect: str, template: str, error: jinja2.TemplateError) -> str:
    line = f" line {error.lineno}" if isinstance(error, jinja2.TemplateSyntaxError) else ""
    return f"templates: {dialect}/{template}{_SUFFIX}{line}: {error.message}"
