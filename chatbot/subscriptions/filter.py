"""Filters: which postings a room wants to hear of, in the words that kernel people know from lei.

    s:tdx -f:lkp@intel.com
    dfn:arch/x86/kvm/ (is:new OR is:revised) NOT is:bot
    s:"memory encryption" AND (f:maz@kernel.org OR org:google) age:<2w

Words without a prefix are looked for in subjects. Terms that follow one another all have to hold; NOT (or `-`) binds
more tightly than AND, and AND than OR, which are operators in upper case only. No text at all is everything.

Law of the file: strangers type filters. So there are limits, reading takes one pass without a way back, and whatever
makes no sense is told with its column.
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from functools import cache

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedToken

from chatbot.errors import Misunderstood
from chatbot.subscriptions.terms import PREFIXES, Words
from chatbot.subscriptions.tree import EVERYTHING, And, Filter, Not, Or

# What a chat shows without folding it, and more than anybody reads.
LONGEST = 1_000
# Each posting is asked all of them, for each room.
MOST_TERMS = 50
# Brackets in brackets; asking goes as deep.
DEEPEST = 20

# An operator is a word of its own. In lei, a plus asks for a term, as here all do. Quotes are plain ones: those that a
# chat's keyboard puts in their place are changed before.
_GRAMMAR = r"""
?start: either | -> everything
?either: both (_OR both)*
?both: negated (_AND? negated)*
?negated: (_NOT | _MINUS) negated -> inverse | _OPEN either _CLOSE | TERM -> term

_AND.1: /AND(?![^\s()"])/
_OR.1: /OR(?![^\s()"])/
_NOT.1: /NOT(?![^\s()"])/
_MINUS.1: /-(?=[^\s)])/
_OPEN: "("
_CLOSE: ")"
TERM: /([^\s():"]+:)?"[^"]*"|[^\s()"]+/
_PLUS.1: /\+(?=[^\s)])/
%ignore _PLUS
%ignore /\s+/
"""
# lei's prefixes for what stands in a diff.
_OF_DIFFS = frozenset({"dfa", "dfb", "dfctx", "dfhh", "dfpre", "dfpost", "dfblob", "patchid"})
_OPERATORS = ("_AND", "_OR", "_NOT", "_MINUS")
_PLAIN_QUOTES = str.maketrans("“”„‟", '""""')
# What people write instead: in English, or as lei has it, which knows more prefixes.
_MEANT = {
    "subject": "s",
    "title": "s",
    "bs": "s",
    "from": "f",
    "author": "f",
    "sender": "f",
    "to": "t",
    "cc": "c",
    "tc": "a",
    "tcf": "a",
    "any": "a",
    "file": "dfn",
    "path": "dfn",
    "dir": "dfn",
    "body": "b",
    "nq": "b",
    "list": "l",
    "organisation": "org",
    "organization": "org",
    "company": "org",
    "state": "is",
    "status": "is",
    "d": "age",
    "dt": "age",
    "rt": "age",
}


def parse_filter(text: str) -> Filter:
    """Raises Misunderstood, with the column of what makes no sense; the first has the number 1.

    A filter's `str` is such a text, too, and means the same.
    """
    if len(text) > LONGEST:
        raise _misunderstood(text, LONGEST, f"it goes beyond {LONGEST:,} characters", "make two filters of it")
    text = text.translate(_PLAIN_QUOTES)
    try:
        tokens = list(_parser().lex(text))
        unclosed = _unclosed(tokens)
        found: Filter = _parser().parse(text)  # type: ignore[assignment]  # the builder makes filters, and no trees
    except UnexpectedCharacters as error:  # all else begins some term
        at = error.pos_in_stream or 0
        raise _misunderstood(text[at:], at, "this quote is never closed", 'write a " at its end') from None
    except UnexpectedToken as error:
        raise _misplaced(error.token, tokens, unclosed) from None
    if len(str(found)) > LONGEST:
        reason = f"it goes beyond {LONGEST:,} characters when it is written in full"
        raise _misunderstood(text, len(text) - 1, reason, "make two filters of it")
    return found


class _Builder(Transformer[Token, Filter]):
    """Makes filters while the parser reads."""

    def everything(self, _: list[Filter]) -> Filter:
        return EVERYTHING

    def either(self, parts: list[Filter]) -> Filter:
        return Or.of(parts)

    def both(self, parts: list[Filter]) -> Filter:
        return And.of(parts)

    def inverse(self, parts: list[Filter]) -> Filter:
        (part,) = parts
        return Not.of(part)

    def term(self, tokens: list[Token]) -> Filter:
        (token,) = tokens
        return _read_term(token)


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", lexer="basic", transformer=_Builder())


def _read_term(token: Token) -> Filter:
    prefix, colon, behind = token.partition(":")
    if not colon or not (prefix.isascii() and prefix.isalpha()):
        prefix, behind = "", str(token)
    at = _place(token) + len(token) - len(behind) + behind.startswith('"')
    value = " ".join(behind.strip('"').split())
    kind = PREFIXES.get(prefix.lower()) if prefix else None
    try:
        if kind and value:
            return kind.read(prefix.lower(), value)
        if not prefix:
            return _read_bare(value, quoted=behind.startswith('"'))
    except Misunderstood as fault:
        raise _misunderstood(fault.thing, at, fault.reason, fault.remedy) from None
    if kind:
        raise _misunderstood(token, _place(token), "nothing follows it", f"write, without a blank, {kind.example}")
    raise _misunderstood(f"{prefix}:", _place(token), "there is no such prefix", _other_prefix(prefix.lower(), token))


def _read_bare(value: str, *, quoted: bool) -> Filter:
    """Without a prefix: words of the subject, unless it looks like something else."""
    if value == "-":
        raise Misunderstood(value, "nothing follows it", "write it right before what is not wanted: -is:bot")
    if "@" in value and not quoted:
        raise Misunderstood(value, "it has no prefix", f"write {_short(f'f:{value}')}, or a: for to and cc, too")
    return Words.read("s", value)


def _other_prefix(prefix: str, token: str) -> str:
    behind = token.partition(":")[2]
    near = _MEANT.get(prefix) or next(iter(get_close_matches(prefix, (*PREFIXES, *_MEANT), 1)), "")
    if prefix in _OF_DIFFS:
        return "leave it out: diffs are looked into for their files alone, with dfn:arch/x86/kvm/"
    if near := _MEANT.get(near, near):
        return f"write {_short(f'{near}:{behind}')}" if behind and near != "age" else f"write {PREFIXES[near].example}"
    return f"write one of {' '.join(f'{one}:' for one in PREFIXES)}, or put it in quotes"


def _unclosed(tokens: Iterable[Token]) -> list[Token]:
    """The brackets that nothing closes. Raises Misunderstood where there is more than the limits allow."""
    opened: list[Token] = []
    terms = 0
    for token in tokens:
        terms += token.type == "TERM"
        if terms > MOST_TERMS:
            raise _misunderstood(
                token, _place(token), f"these are more than {MOST_TERMS} terms", "make two filters of it"
            )
        if token.type == "_OPEN":
            opened.append(token)
        elif token.type == "_CLOSE" and opened:
            opened.pop()
        if len(opened) > DEEPEST:
            raise _misunderstood(token, _place(token), f"brackets go {DEEPEST} deep at most", "write it with fewer")
    return opened


def _misplaced(token: Token, tokens: Sequence[Token], unclosed: Sequence[Token]) -> Misunderstood:
    """What is wrong with a bracket or an operator, or with the end, where the parser could not go on."""
    ended = token.type == "$END"
    before = next((one for one in reversed(tokens) if ended or _place(one) < _place(token)), None)
    if before and before.type in _OPERATORS and (ended or token.type == "_CLOSE"):
        return _misunderstood(before, _place(before), "nothing follows it", "write a term behind it, or leave it out")
    if ended:
        bracket = unclosed[-1]
        return _misunderstood(bracket, _place(bracket), "this bracket is never closed", "write a ) at its end")
    if token.type == "_CLOSE" and before and before.type == "_OPEN":
        remedy = 'leave them out, or put all in quotes: s:"kvm_init()"'
        return _misunderstood(token, _place(token), "there is nothing in these brackets", remedy)
    if token.type == "_CLOSE":
        return _misunderstood(token, _place(token), "no bracket is open here", "leave it out, or write a ( before")
    if before and before.type in _OPERATORS:
        return _misunderstood(token, _place(token), f"it follows {before}", "leave out one of them")
    return _misunderstood(token, _place(token), "nothing stands before it", "write a term before it, or leave it out")


def _place(token: Token) -> int:
    return token.start_pos or 0


def _misunderstood(thing: str, at: int, reason: str, remedy: str) -> Misunderstood:
    """`at` counts from 0, as places in a text do; people count columns from 1."""
    return Misunderstood(repr(_short(str(thing))), f"at column {at + 1:,}, {reason}", remedy)


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"  # noqa: PLR2004
