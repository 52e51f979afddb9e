"""Whatever a stranger writes, in every template and dialect, is text."""

import html
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from rich.text import Text

from chatbot.chat.post import CLASSIC, MARKDOWN, Dialect, plain, printable
from chatbot.chat.styled import DIALECT
from chatbot.errors import BadConfig
from chatbot.mail.chronicler import chronicle_of
from chatbot.mail.people import People
from chatbot.report.assembly import build
from chatbot.report.digest import MailingList
from chatbot.report.links import mail_link, message_id_in
from chatbot.report.render import Renderer
from chatbot.report.window import Window
from tests.conftest import NOON, compose, read_one

HOSTILE = [
    "[evil](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "<script>alert(1)</script>",
    "<https://evil.example>",
    "https://evil.example",
    "`code` **bold** __bold__ ~~gone~~ *it*",
    "# heading",
    "- item",
    "1. item",
    "1) item",
    "=== ---",
    "| a | b |",
    "> quote",
    "&lt;b&gt; &amp;",
    "\\[evil](https://evil.example)",
    "[a]: https://evil.example",
    "{{ 7 * 7 }}{% include 'x' %}{# #}",
    "\x1b[31mred\x1b[0m \x1b]8;;https://evil.example\x1b\\link",
    "\x9b31mred",
    "\u202egnitset\u202c \u2066x\u2069",
    "zero\u200bwidth\ufeff",
    "bell\x07 back\x08\x08\x08 null\x00 del\x7f",
    "tag\U000e0041",
    "[bold]rich[/bold] [link=https://evil.example]x[/link]",
    "ends in a backslash\\",
    "%s %d {0} ${x}",
    ":skull: @here <!channel> @room",
    "very " * 400,
]


def faces(text: str) -> dict[str, str]:
    mail = read_one(compose(f"[PATCH] x: {text}", 1, sender=f'"{text}" <a@a.example>', message_id="<a@b|c>"))
    shown = MailingList("kvm", "KVM", "https://lore.example/kvm")
    made = build(shown, Window(), chronicle_of([mail], People()), People(), NOON)
    return {dialect.name: Renderer().render(dialect, "digest", digest=made) for dialect in (DIALECT, MARKDOWN)}


@pytest.mark.parametrize("text", HOSTILE)
def test_in_markdown_no_mail_can_make_a_link_or_any_other_markup(text: str) -> None:
    page = MarkdownIt("commonmark").enable("table").enable("strikethrough").render(faces(text)["markdown"])
    assert page.count("<a ") == page.count('<a href="https://lore.example/kvm/') == 1
    linkified = MarkdownIt("gfm-like", {"linkify": False}).render(faces(text)["markdown"])
    assert "https://evil" not in faces(text)["markdown"].replace("https\\://evil", "")
    assert linkified.count("<a ") == 1
    for tag in ("<script", "<img", "<em", "<strong>bold", "<code>code", "<s>", "<blockquote", "<ol", "<hr"):
        assert tag not in page
    assert page.count("<h1>") == 1
    shown = " ".join(printable(text).split())
    assert shown in html.unescape(page).replace("\xa0", " ")


@pytest.mark.parametrize("text", HOSTILE)
def test_on_a_terminal_no_mail_can_steer_it(text: str) -> None:
    shown = Text.from_ansi(faces(text)["terminal"])
    assert " ".join(printable(text).split()) in shown.plain
    styled = {shown.plain[span.start : span.end] for span in shown.spans}
    assert all(span.style and not getattr(span.style, "link", None) for span in shown.spans)
    assert any(" ".join(printable(text).split()) in part for part in styled)
    assert not set(shown.plain) & set("\x00\x07\x08\x1b\x7f\x9b\u200b\u202e\u2066\ufeff\U000e0041")


def test_a_folder_of_ones_own_replaces_single_templates(tmp_path: Path) -> None:
    (tmp_path / "markdown").mkdir()
    (tmp_path / "markdown" / "digest.j2").write_text("Ours: {{ text }}")
    renderer = Renderer(tmp_path)
    assert renderer.render(MARKDOWN, "digest", text="<b>") == "Ours: \\<b\\>"
    made = build(MailingList("a", "A", ""), Window(), chronicle_of([], People()), People(), NOON)
    assert "Top 15" in renderer.render(CLASSIC, "classic", digest=made)


def test_every_broken_template_is_a_fault_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "terminal").mkdir()
    (tmp_path / "terminal" / "digest.j2").write_text("fine\n{% if %}")
    (tmp_path / "terminal" / "series.j2").write_text("{{ broken")
    with pytest.raises(BadConfig) as caught:
        Renderer(tmp_path).check(DIALECT)
    assert [fault.split(": ")[1] for fault in caught.value.faults] == [
        "terminal/digest.j2 line 2",
        "terminal/series.j2 line 1",
    ]


def test_a_name_that_a_template_misspells_is_a_fault_and_not_a_blank(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "digest.j2").write_text("{{ dijest }}")
    with pytest.raises(BadConfig, match="dijest"):
        Renderer(tmp_path).render(Dialect("x", plain), "digest", digest=1)


@pytest.mark.parametrize(
    ("message_id", "link"),
    [
        ("a@b.example", "https://l.example/all/a@b.example/"),
        ("a/b@c", "https://l.example/all/a%2Fb@c/"),
        ('a|b<c>"d e@f', "https://l.example/all/a%7Cb%3Cc%3E%22d%20e@f/"),
        ("../../x@y", "https://l.example/all/..%2F..%2Fx@y/"),
        ("a?b#c@d", "https://l.example/all/a%3Fb%23c@d/"),
    ],
)
def test_links_are_ours_whatever_the_message_id(message_id: str, link: str) -> None:
    assert mail_link("https://l.example/all/", message_id) == link
    assert message_id_in(link) == message_id


@pytest.mark.parametrize(
    ("text", "message_id"),
    [
        ("https://lore.kernel.org/kvm/a@b.example/", "a@b.example"),
        ("https://lore.kernel.org/kvm/a@b.example/T/#u", "a@b.example"),
        ("https://lore.kernel.org/r/a@b.example", "a@b.example"),
        ("https://msgid.link/a@b.example", "a@b.example"),
        ("<a@b.example>", "a@b.example"),
        ("a@b.example", "a@b.example"),
        ("tdx connect", None),
        ("ana @ home", None),
        ("https://lore.kernel.org/kvm/", None),
    ],
)
def test_a_mail_is_named_by_link_or_id(text: str, message_id: str | None) -> None:
    assert message_id_in(text) == message_id
