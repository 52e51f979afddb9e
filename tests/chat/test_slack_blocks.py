import pytest

from chatbot.chat import rich, slack_blocks
from chatbot.chat.rich import escape, parts
from chatbot.chat.slack_blocks import MOST_FALLBACK, check, fallback, fits, message
from chatbot.errors import Refused
from tests.fakes.slack_rules import Effects, check_message, effects

DIGEST = (
    "<h3>KVM</h3>\n<p>12 mails</p>\n<h4>New series</h4>\n<ul>\n<li><strong><a href='https://lore.kernel.org/all/a%40b/'>"
    "One</a></strong><br>\nby Ana</li>\n<li>Two</li>\n</ul>\n<blockquote>said</blockquote><pre>a  b\n c</pre>"
    "<h4>Authors</h4><p>Ana</p><button value='/series one'>Patches</button><button value='/why 1'>Why</button>"
)
# What mails may hold, and what Slack and HTML may take it for.
HOSTILE = (
    "<!channel> <!here|x> <@U0MIA> <#C0KERNEL> <!subteam^S1> <!date^1^{date}^https://evil.example|x>",
    "@here @channel @everyone #general http://evil.example https://evil.example/x",
    "<https://evil.example|lore.kernel.org> <mailto:a@evil.example|a>",
    "</li></ul><hr><a href='https://evil.example'>x</a><button value='/unsubscribe all'>x</button>",
    ":skull: *bold* _it_ ~no~ `code` ```pre``` > quote",
    "&lt;!here&gt; &#60;!here&#62; &amp;lt;",
    "\x00\x1b[31m\r\n\t\u202e\u2066\u200b\ud800\U000e0041",
    "{{ 7*7 }} {% x %} ${7*7}",
    "\u0301" * 500,
    "x" * 30_000,
    "",
)


def test_a_body_is_one_block_of_rich_text_with_its_buttons_below() -> None:
    rich, actions = slack_blocks.slack_blocks(DIGEST)
    assert (rich["type"], actions["type"]) == ("rich_text", "actions")
    kinds = [element["type"].removeprefix("rich_text_") for element in rich["elements"]]
    assert kinds == ["section", "list", "quote", "preformatted", "section"]
    head, listed, _, lines, _ = rich["elements"]
    assert "".join(leaf["text"] for leaf in head["elements"]) == "KVM\n12 mails\n\nNew series"
    assert [leaf.get("style") for leaf in head["elements"] if leaf["text"].strip()] == [
        {"bold": True},
        None,
        {"bold": True},
    ]
    assert listed["elements"][0]["elements"] == [
        {"type": "link", "url": "https://lore.kernel.org/all/a%40b/", "text": "One", "style": {"bold": True}},
        {"type": "text", "text": "\nby Ana"},
    ]
    assert lines["elements"] == [{"type": "text", "text": "a  b\n c"}]
    assert [one["text"]["text"] for one in actions["elements"]] == ["Patches", "Why"]


def test_a_numbered_list_counts_on_from_its_offset_and_what_follows_a_list_stands_apart() -> None:
    (made,) = slack_blocks.slack_blocks(
        '<ol start="21"><li>u</li><li>v</li><li value="24">x</li></ol><p>+2</p><p>end</p>'
    )
    first, second, below = made["elements"]
    assert [(one["style"], one["offset"], len(one["elements"])) for one in (first, second)] == [
        ("ordered", 20, 2),
        ("ordered", 23, 1),
    ]
    assert "".join(leaf["text"] for leaf in below["elements"]) == "\n+2\n\nend"
    check_message(message('<ol start="21"><li>u</li></ol><p>+2</p>'))


def test_a_buttons_value_is_what_stands_for_its_command() -> None:
    _, actions = slack_blocks.slack_blocks(DIGEST, lambda command: f"sealed {len(command)}")
    assert [one["value"] for one in actions["elements"]] == ["sealed 11", "sealed 6"]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(
    "body",
    [
        "<h3>{}</h3>",
        "<p>{}</p>",
        "<ul><li><strong>{}</strong> {}</li></ul>",
        "<pre>{}</pre>",
        "<blockquote>{}</blockquote>",
        "<p><a href='https://lore.kernel.org/all/x/'>{}</a>x</p><button value='/help'>{}</button>",
    ],
)
def test_a_strangers_text_does_nothing(body: str, text: str) -> None:
    for part in filter(slack_blocks.slack_blocks, parts(body.replace("{}", escape(text)), fits)):
        made = message(part)
        check_message(made)
        found = effects(made)
        assert (found.mentions, found.emoji) == ((), ())
        assert set(found.links) <= {"https://lore.kernel.org/all/x/"}
        assert all(
            one["value"] == "/help"
            for block in made["blocks"]
            if block["type"] == "actions"
            for one in block["elements"]
        )


@pytest.mark.parametrize("link", ["https://a.example/x|y", "https://a.example/<!here>", 'https://a.example/"x y'])
def test_a_link_ends_where_it_should(link: str) -> None:
    ((url,), _) = (effects(message(f"<p><a href='{escape(link)}'>x</a></p>")).links, 0)
    assert not set(url) & set('|<>" ')


def test_what_nobody_sees_is_not_there_even_where_a_template_writes_it() -> None:
    made = message("<ul><li>&#8203;</li><li>a&#8238;b</li></ul><p>&#xad;</p><pre>c\x1b</pre>")
    check_message(made)
    rich = made["blocks"][0]["elements"]
    assert [[leaf["text"] for leaf in item["elements"]] for item in rich[0]["elements"]] == [["ab"]]
    assert rich[1]["elements"] == [{"type": "text", "text": "c"}]


def test_the_fallback_is_the_beginning_of_the_text_escaped() -> None:
    assert fallback(DIGEST).startswith("KVM\n12 mails\n\nNew series\n- One &lt;https:")
    assert fallback("<p>a &amp; b &lt;c&gt;</p>") == "a &amp; b &lt;c&gt;"
    for sign in ("x", "&amp;", "ü", "😀"):
        assert MOST_FALLBACK * 0.8 < len(fallback(f"<p>{sign * 9_000}</p>").encode()) <= MOST_FALLBACK


def test_what_slack_would_refuse_is_refused_by_us_with_the_reason() -> None:
    long = message("<p>x</p>")
    rich = long["blocks"]
    for bad, reason in (
        ({"blocks": []}, "no blocks"),
        ({"blocks": rich * 46}, "46 blocks"),
        ({"text": "x" * 3_801}, "3801 bytes"),
        ({"metadata": {"key": "x" * 1_000}}, "metadata"),
        ({"blocks": [{"type": "actions", "elements": [slack_blocks.button("x", "x", "")]}]}, "button"),
        ({"blocks": [{"type": "rich_text", "elements": [{"text": ""}]}]}, "an empty text"),
    ):
        with pytest.raises(Refused, match=reason):
            check(long | bad)
    with pytest.raises(Refused, match=r"\d+ characters"):
        message(f"<p>{'x' * 12_000}</p>")


def test_a_long_digest_is_cut_into_what_slack_takes() -> None:
    items = "".join(f"<li>series {number} {'x' * 400}</li>" for number in range(200))
    made = [message(part) for part in parts(f"<h3>KVM</h3><p>head</p><hr><h4>New</h4><ul>{items}</ul>", fits)]
    assert len(made) > 5
    for one in made:
        check_message(one)
    assert sum(one["text"].count("\n- ") + one["text"].startswith("- ") for one in made) > 0
    assert [len(one["blocks"]) for one in made] == [1] * len(made)


@pytest.mark.parametrize(
    "piece",
    [
        "<h3>a</h3>",
        "<p>a",
        "<ul><li>a</li></ul>",
        "a<br>",
        "<hr>",
        "<p>&lt;</p>",
        "<p>a</p><button value='/x'>b</button>",
        "<p><a href='https://lore.kernel.org/all/a%40b/?x=1&amp;y'>ü</a></p>",
        "<pre>\n</pre>",
        "<blockquote>&amp;</blockquote>",
    ],
)
def test_what_is_said_to_fit_without_a_look_does(piece: str) -> None:
    lengths = [number for number in (1, 5, 10, 20, 22, 40, 80, 200, 400, 700, 1_000) if fits(piece * number)]
    assert lengths
    for number in (lengths[0], lengths[-1]):
        check_message(message(piece * number))


def test_a_button_may_open_a_form_or_have_to_be_confirmed_and_a_room_is_shown_as_one() -> None:
    body = "<h4><room>C0KERNEL</room></h4><p><room>D0MIA</room> <room>!x:y &lt;!here&gt;</room></p>"
    body += (
        "<button value='/a\n\nb'>Edit</button><button value='C0 /b' title='It is &lt;!here&gt; :skull:'>End</button>"
    )
    made = message(body)
    check_message(made)
    assert effects(made) == Effects(mentions=("C0KERNEL",))
    leaves = made["blocks"][0]["elements"][0]["elements"]
    assert leaves[0] == {"type": "channel", "channel_id": "C0KERNEL", "style": {"bold": True}}
    assert [leaf["text"] for leaf in leaves[2:]] == ["Here, between you and me", " ", "!x:y <!here>"]
    form, end = made["blocks"][1]["elements"]
    assert (form["action_id"], form["value"], "confirm" in form) == ("form0", "/a\n\nb", False)
    assert (end["action_id"], end["confirm"]["text"]["text"]) == ("ask1", "It is <!here> :skull:")
    assert slack_blocks.slack_blocks(rich.write(rich.blocks(body))) == made["blocks"]
