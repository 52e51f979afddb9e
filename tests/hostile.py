"""What a stranger may write where a chat client would obey: markup, links, mentions, and characters that nobody sees."""

from itertools import product

_TAGS = (
    "script", "style", "img", "a", "iframe", "object", "svg", "math", "details", "summary", "table", "font", "span",
    "div", "del", "u", "sup", "code", "pre", "blockquote", "h1", "h3", "hr", "button", "mx-reply", "ol", "li", "p",
)  # fmt: skip
_FORMS = (
    "<{tag}>x</{tag}>",
    "<{tag} onload=alert(1) href=javascript:alert(1) src=//evil.example/x data-mx-color=red>x",
    "</p></li></ul></{tag}><{tag}>x",
    "&lt;{tag}&gt;x&lt;/{tag}&gt;",
    '"><{tag} x="',
    "<{tag}",
)
_OTHERS = (
    "@room", "@room hello", "room @room: urgent", "@everyone @here <!channel> <!here> <@U123>", "mia", "mia:", "@mia",
    "@mia1:test.example", "<a href='https://matrix.to/#/@mia1:test.example'>mia</a>", "https://matrix.to/#/@mia:a",
    "matrix:u/mia:test.example", "[mia](https://matrix.to/#/@mia1:test.example)", "mxc://evil.example/x",
    '<span data-mx-pill="x">mia</span>', "![x](https://evil.example/x.png)", "<https://evil.example>",
    "https://evil.example", "javascript:alert(1)", "[evil](javascript:alert(1))", "data:text/html,<b>x</b>",
    "`code` **bold** __bold__ ~~gone~~ *it*", "# heading", "- item", "> quote", "| a | b |", "$x$ $$y$$",
    "&amp;lt;b&amp;gt;", "&#60;b&#62;", "&#x3c;script&#x3e;", "&nosuch;", "&", "<", ">", "<<<>>>", "<!-- x -->", "<![CDATA[x]]>",
    "<?php x ?>", "<!DOCTYPE html>", "{{ 7 * 7 }}{% include 'x' %}{# #}", "%s %d {0} ${x}", "\\", "ends in a backslash\\",
    "\x1b[31mred\x1b[0m \x1b]8;;https://evil.example\x1b\\link", "\x9b31mred", "\u202egnitset\u202c \u2066x\u2069",
    "zero\u200bwidth\ufeff", "bell\x07 null\x00 del\x7f", "tag\U000e0041", "sur\udc80rogate", "\ud83d", "line\u2028line\u2029x",
    "a\u0301\u0489" * 40, "very " * 900, "x" * 5_000, "<" * 2_000, "/help /series /me dances", "!help", "🤖" * 300,
)  # fmt: skip
HOSTILE = (*(form.format(tag=tag) for tag, form in product(_TAGS, _FORMS)), *_OTHERS)
