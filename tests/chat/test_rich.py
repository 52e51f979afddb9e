"""Bodies of a few tags: read, written, said as text, and cut into what fits."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.chat import rich
from chatbot.chat.post import Post, plainer
from chatbot.chat.rich import Block, Kind, Span
from chatbot.commands import COMMANDS
from chatbot.commands.command import Context
from chatbot.ingest import ingest
from chatbot.publish import plain_digest
from chatbot.readers import Readers
from chatbot.report.digest import MailingList
from chatbot.report.render import TEMPLATES
from chatbot.sources.public_inbox import PublicInbox
from chatbot.sources.sample import EVENING
from chatbot.store.database import open_database
from chatbot.store.index import Index
from tests.conftest import RICH, answered, context_of


def test_a_body_is_read_into_blocks_and_spans() -> None:
    body = """
    <h3>KVM &amp; friends</h3>
    <p>12 patches,
       <strong>3</strong>  series <a href="https://lore.example/a%20b/?x=1&amp;y">the title</a></p>
    <hr>
    <ul>
    <li><strong>one</strong><br>
        <em>two</em></li>
    </ul>
    <pre>  as
    it is</pre>
    <button value="/series &quot;x&quot;">More</button>
    """
    assert rich.blocks(body) == (
        Block(Kind.HEADING, (Span("KVM & friends"),)),
        Block(
            Kind.PARAGRAPH,
            (
                Span("12 patches, "),
                Span("3", strong=True),
                Span(" series "),
                Span("the title", link="https://lore.example/a%20b/?x=1&y"),
            ),
        ),
        Block(Kind.RULE),
        Block(Kind.ITEM, (Span("one", strong=True), Span("\n"), Span("two", em=True))),
        Block(Kind.LINES, (Span("  as\n    it is"),)),
        Block(Kind.BUTTON, (Span("More"),), command='/series "x"'),
    )


def test_items_of_a_numbered_list_have_their_numbers_and_a_gap_begins_another_list() -> None:
    body = '<ol start="3"><li>c</li><li>d<br>e</li><li value="7">g</li></ol><ul><li>x</li></ul><ol><li>a</li></ol>'
    assert [block.number for block in rich.blocks(body)] == [3, 4, 7, None, 1]
    assert rich.plain(body) == "3. c\n4. d\n  e\n7. g\n- x\n1. a\n"
    assert rich.write(rich.blocks(body)).replace("\n", "") == (
        '<ol start="3"><li>c</li><li>d<br>e</li></ol><ol start="7"><li>g</li></ol><ul><li>x</li></ul>'
        '<ol start="1"><li>a</li></ol>'
    )


def test_lines_that_are_too_many_are_cut_between_two() -> None:
    text = "".join(f"  line {number:3}\n" for number in range(100))
    cut = rich.parts(f"<h4>Text</h4><pre>{text}</pre><p>end</p>", lambda part: len(part) <= 300)
    assert all(len(part) <= 300 for part in cut)
    read = [block for part in cut for block in rich.blocks(part)]
    assert "".join(block.text for block in read if block.kind is Kind.LINES) == text
    assert [read[0].text, read[-1].text] == ["Text", "end"]


def test_as_text_a_body_says_all_and_where_links_lead() -> None:
    body = (
        '<h3>KVM</h3><p><a href="https://a.example/">title</a><br>https://b.example/</p><hr><h4>New</h4><ul><li>one<br>two'
        '</li><li><a href="https://c.example/">https://c.example/</a></li></ul><blockquote>a<br>b</blockquote>'
    )
    assert rich.plain(body) == (
        "KVM\ntitle <https://a.example/>\nhttps://b.example/\n\nNew\n- one\n  two\n- https://c.example/\n> a\n> b\n"
    )


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "slack://x", "/series x"]
)
def test_a_link_that_does_not_lead_to_the_web_is_none(link: str) -> None:
    assert rich.blocks(f'<p><a href="{link}">title</a></p>') == (Block(Kind.PARAGRAPH, (Span("title"),)),)


def test_tags_that_are_none_of_ours_go_and_their_text_stays() -> None:
    assert rich.write(rich.blocks("<div onclick=x>a <b>b</b> <img src=x> c</div>")) == "<p>a b c</p>\n"


_TAGS = st.sampled_from(
    [f"<{slash}{tag}>" for tag in ("p", "li", "pre", "hr", "ul", "ol", "strong", "a") for slash in ("", "/")]
)
_BODIES = st.lists(_TAGS | st.text(max_size=8), max_size=30).map("".join)


@given(_BODIES)
def test_what_is_written_reads_as_what_it_was_and_holds_our_tags_alone(body: str) -> None:
    read = rich.blocks(body)
    written = rich.write(read)
    assert rich.write(rich.blocks(written)) == written
    assert set(re.findall(r"</?([^\s>]+)", written)) <= {*Kind, "ul", "ol", "strong", "em", "code", "br", "a"}


@given(st.text())
def test_a_strangers_text_is_a_text(text: str) -> None:
    (block,) = rich.blocks(f"<pre>x{rich.escape(text)}</pre>")
    assert all(span == Span(span.text) for span in block.spans)
    assert rich.blocks(f"<p>x{rich.escape(text)}</p>")[0].text.split() == f"x{block.text[1:]}".split()


@given(
    st.lists(
        st.sampled_from(["<h4>t</h4>", "<p>some words</p>", "<li>one<br>two</li>", "<p>more</p>", "<hr>"]), max_size=120
    )
)
def test_parts_fit_and_hold_every_block_once_in_order(those: list[str]) -> None:
    body = "".join(those)
    cut = rich.parts(body, lambda part: len(part) <= 800)
    assert all(len(part) <= 800 for part in cut)
    found = [block for part in cut for block in rich.blocks(part)]
    assert found == [block for block in rich.blocks(body) if block.kind is not Kind.RULE]


def test_a_head_stands_alone_and_a_heading_stays_with_what_it_is_of() -> None:
    body = f"<h3>KVM</h3><p>two</p><hr><h4>New</h4><p>{'a' * 60}</p><h4>Old</h4><p>{'b' * 60}</p>"
    head, new, old = rich.parts(body, lambda part: len(part) < 130)
    assert rich.plain(head) == "KVM\ntwo\n"
    assert rich.plain(new).startswith("New\na")
    assert rich.plain(old).startswith("Old\nb")
    assert rich.headline(head) == "KVM: two"


def test_only_a_block_that_never_fits_is_cut_short() -> None:
    cut = rich.parts(f"<p>{'a' * 1000}</p><p>whole</p>", lambda part: len(part) <= 100)
    assert [rich.plain(part) for part in cut] == [f"{'a' * 61}…\nwhole\n"]


def test_plainer_bodies_are_bodies_again() -> None:
    post = Post("slack", '<h3>&lt;b&gt;</h3><p><a href="https://a.example/">x</a></p>')
    once = plainer(post, RICH, 1)
    assert rich.plain(once.body) == "<b>\nx <https://a.example/>\n"
    assert not any(span.link or span.strong for block in rich.blocks(once.body) for span in block.spans)
    assert rich.plain(plainer(post, RICH, 3).body) == "<b>\n"


@pytest.fixture(scope="module")
def context(sample: dict[str, Path], tmp_path_factory: pytest.TempPathFactory, readers: Readers) -> Iterator[Context]:
    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('store')}/index.sqlite3")
    for name, folder in sample.items():
        with PublicInbox(name, folder) as inbox:
            ingest(inbox, Index(engine), readers)
    lists = {name: MailingList(name, name.upper(), f"https://lore.example/{name}/") for name in sample}
    yield replace(context_of(engine, lists, now=EVENING), manager=True)
    engine.dispose()


ASKED = (
    *(example for command in COMMANDS for example in command.examples),
    *("/series tdx-connect page 2", "/series dirty pages", "/series nosuchthing", "/contributor sean", "/series"),
    *("/digest kvm 3 days", "/digest linux-coco 3 days", "/subscriptions", "/subsystems kvm", "/series corrections"),
    "/whynot gfn-2-3@sample.example",
)


@pytest.mark.parametrize("asked", ASKED)
def test_a_rich_answer_says_all_that_the_terminals_says(context: Context, asked: str) -> None:
    """That it does is asserted where it is told; so it is for what other tests ask."""
    assert answered(asked, context)


def test_every_template_of_the_terminal_has_its_rich_one() -> None:
    assert {one.name for one in (TEMPLATES / "terminal").iterdir()} == {
        one.name for one in (TEMPLATES / "rich").iterdir()
    }


def test_a_digest_without_its_template_is_a_line_a_paragraph(context: Context) -> None:
    digest = context.summarizer.make(
        context.lists["kvm"], context.summarizer.stretches.newest("kvm", 200), EVENING, letters=False
    )
    read = rich.blocks(RICH.lines(plain_digest(digest)))
    assert {block.kind for block in read} == {Kind.PARAGRAPH}
    assert len(read) > 3


@given(st.lists(st.sampled_from(["x", "y" * 30, "z" * 200, ""]), max_size=30), st.booleans())
def test_lines_as_they_are_are_cut_between_lines_and_every_part_fits(lines: list[str], headed: bool) -> None:
    text = "\n".join(lines)
    body = f"{'<h4>above</h4>' if headed else ''}<pre>x{text}</pre>"
    cut = rich.parts(body, lambda part: len(part) <= 120)
    assert all(len(part) <= 120 for part in cut)
    if all(len(line) < 60 for line in lines):
        said = "".join(block.text for part in cut for block in rich.blocks(part) if block.kind is Kind.LINES)
        assert said == f"x{text}"
