"""What a filter wants, and what it says to those who mistype one."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatbot.errors import Misunderstood
from chatbot.mail.person import Person
from chatbot.store.words import words
from chatbot.subscriptions.facts import TRAITS
from chatbot.subscriptions.filter import DEEPEST, LONGEST, MOST_TERMS, parse_filter
from chatbot.subscriptions.terms import PREFIXES, Words
from chatbot.subscriptions.tree import EVERYTHING
from tests.conftest import NOON

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Posting:
    """Facts; `opened` notes when its expensive parts were asked for."""

    subjects: Sequence[str] = ("[PATCH v2 0/2] KVM: TDX memory encryption", "[PATCH v2 1/2] KVM: VFIO_DEVICE cleanup")
    senders: Sequence[Person] = (
        Person.parse('"Zyngier, Marc" <Maz@Kernel.org>'),
        Person.parse("Ana <ana@linux.intel.com>"),
    )
    to: Sequence[Person] = (Person.parse("kvm@vger.kernel.org"),)
    cc: Sequence[Person] = (Person.parse("Sean C <sean@google.example>"),)
    lists: frozenset[str] = frozenset({"KVM", "linux-coco"})
    organisations: frozenset[str] = frozenset({"Google LLC"})
    traits: frozenset[str] = frozenset({"revised", "waiting"})
    received: datetime = NOON - 5 * DAY
    paths: Sequence[str] = ("arch/x86/kvm/vmx/tdx.c", "Documentation/Makefile", "rust/kvm.rs")
    texts: Sequence[str] = ("It uses struct kvm_vcpu here.", "Second text")
    opened: list[str] = field(default_factory=list)

    @property
    def files(self) -> Sequence[str]:
        self.opened.append("files")
        return self.paths

    @property
    def bodies(self) -> Sequence[str]:
        self.opened.append("bodies")
        return self.texts


# What one asks of the posting above that it is, and that it is not.
@pytest.mark.parametrize(
    ("law", "wanted", "unwanted"),
    [
        ("no text wants everything", ["", "  "], []),
        ("the examples of the issue", ["dfn:arch/x86/kvm/", "s:tdx -f:lkp@intel.com", 's:"memory encryption" AND (f:maz@kernel.org OR org:google)'], ["NOT is:bot age:>5d"]),
        ("words are whole, in any case", ["s:TDX", "s:kvm:"], ["s:TD", "s:encrypt"]),
        ("a star is the rest of a word", ["s:vfi*", "s:vfio*", 's:"memory enc*"'], ["s:fio*", "s:encrypt"]),
        ("a phrase stands in one subject, in a row", ['s:"tdx memory"'], ['s:"tdx encryption"', 's:"encryption patch"']),
        ("an identifier is words in a row", ["b:kvm_vcpu", "b:kvm", "s:vfio_device"], ["b:vcp", "b:vcpu_kvm"]),
        ("a phrase stands in one mail", ['b:"second text"', 'b:"kvm_vcpu *"'], ['b:"here second"']),
        ("words without a prefix are the subject's", ["tdx", '"memory encryption"', '"kvm: tdx"'], ["vcpu"]),
        ("an address is whole, as mails write it or not", ["f:MAZ@kernel.org", 'f:"Marc Z <maz@kernel.org>"'], ["f:az@kernel.org", "f:maz@kernel.or", 'f:"Marc <marc@kernel.org>"']),
        ("a domain has those below it", ["f:@intel.com", "f:@linux.intel.com", "f:@kernel.org"], ["f:@tel.com", "f:@com.intel", "f:@inux.intel.com"]),
        ("a part of a name, or of an address", ["f:ZYNG", "f:kernel.org", 'f:"zyngier, m"'], ['f:"marc <"', 'f:"marc maz"']),
        ("from, to and cc are three, or any", ["t:kvm", "c:sean", "a:sean", "a:kvm@vger.kernel.org", "a:maz"], ["t:sean", "c:kvm", "f:sean", "t:maz"]),
        ("all below a directory", ["dfn:arch/x86/", "dfn:arch/x86/kvm", "dfn:/arch", "dfn:documentation/"], ["dfn:x86/", "dfn:arch/x86/kv", "dfn:kvm"]),
        ("a file by its path or its name", ["dfn:rust/kvm.rs", "dfn:kvm.rs", "dfn:makefile"], ["dfn:vm.rs", "dfn:vmx/tdx.c", "dfn:kvm.r"]),
        ("a glob with a slash is about paths", ["dfn:arch/*/tdx.[ch]", "dfn:arch/*/vmx/*", "dfn:*/kvm/*.c"], ["dfn:kvm/*.c", "dfn:arch/x86/*.h"]),
        ("a glob without one is about names", ["dfn:*.rs", "dfn:td?.c", "dfn:make*"], ["dfn:arch*", "dfn:?.rs", "dfn:tdx.[!a-ch]"]),
        ("a list is whole", ["l:kvm", "l:linux-coco"], ["l:linux"]),
        ("an organisation by a part", ["org:google", 'org:"gle l"'], ["org:intel"]),
        ("traits are what it is", ["is:revised", "is:waiting"], ["is:new", "is:bot"]),
        ("ages count from when it came", ["age:>=5d", "age:<=5d", "age:<1w", "age:>119h", "age:>7199m", 'age:"> 4 days"'], ["age:>5d", "age:<5d", "age:>=121h"]),
        ("AND binds more tightly than OR", ["tdx OR no AND no", "no no OR tdx"], ["(tdx OR no) no"]),
        ("NOT binds more tightly than AND", ["NOT no AND tdx", "-no tdx", "-(no tdx)"], ["NOT (no OR tdx)", "-no no"]),
        ("operators are in upper case, and words of their own", ["NOT(or)AND tdx", "NOT NOTE"], ["tdx or memory", "tdx AND and"]),
        ("a hyphen inside a word is none", ["s:memory-encryption", "NOT memory-tdx"], ["memory -encryption"]),
        ("a plus changes nothing", ["+s:tdx +(memory)", "memory+encryption"], ["+s:no"]),
        ("quotes may come as chats change them", ["s:“memory encryption”"], ["s:“encryption memory”"]),
        ("prefixes in any case", ["S:tdx", "IS:Revised"], ["DFN:tdx"]),
    ],
)  # fmt: skip
def test_a_filter_wants_this_and_does_not_want_that(law: str, wanted: list[str], unwanted: list[str]) -> None:
    assert [one for one in wanted if not parse_filter(one).matches(Posting(), NOON)] == [], law
    assert [one for one in unwanted if parse_filter(one).matches(Posting(), NOON)] == [], law


@pytest.mark.parametrize(
    ("text", "words", "english"),
    [
        ("", "", "everything"),
        ("s:TDX -f:lkp@intel.com", "s:tdx AND NOT f:lkp@intel.com", 'subject has "tdx"; not from lkp@intel.com'),
        ("a OR b c", "s:a OR s:b AND s:c", 'subject has "a" or (subject has "b"; subject has "c")'),
        ("((a b)) (c OR (d OR e))", "s:a AND s:b AND (s:c OR s:d OR s:e)", 'subject has "a"; subject has "b"; subject has "c" or subject has "d" or subject has "e"'),
        ("-(l:kvm OR t:maz) b:x*", "NOT (l:kvm OR t:maz) AND b:x*", 'not (on the list kvm or to "maz"); body has "x*"'),
        ("NOT (org:arm is:rfc)", "NOT (org:arm AND is:rfc)", 'not (organisation has "arm"; is an RFC)'),
        ("-s:x -a:@arm.com -dfn:mm/ -org:arm -is:bot", "NOT s:x AND NOT a:@arm.com AND NOT dfn:mm/ AND NOT org:arm AND NOT is:bot", 'subject has no "x"; not from, to or with a copy to anybody at arm.com; does not touch mm/; organisation has no "arm"; is not from a bot'),
        ('dfn:"a (b)/" age:>14d -age:<=1d age:<90m', 'dfn:"a (b)/" AND age:>2w AND NOT age:<=1d AND age:<90m', "touches a (b)/; older than 2 weeks; not at most 1 day old; younger than 90 minutes"),
    ],
)  # fmt: skip
def test_an_answer_repeats_a_filter_as_it_was_understood(text: str, words: str, english: str) -> None:
    understood = parse_filter(text)
    assert (str(understood), understood.english()) == (words, english)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("subject:tdx", "'subject:': at column 1, there is no such prefix; write s:tdx"),
        ('x Author:"A B"', "'Author:': at column 3, there is no such prefix; write f:\"A B\""),
        ("dfm:mm/", "'dfm:': at column 1, there is no such prefix; write dfn:mm/"),
        ("KVM: x86", "'KVM:': at column 1, there is no such prefix; write one of s: f: t: c: a: dfn: b: l: org: is: age:, or put it in quotes"),
        ("dfb:kvm", "'dfb:': at column 1, there is no such prefix; leave it out: diffs are looked into for their files alone, with dfn:arch/x86/kvm/"),
        ("d:20250101..", "'d:': at column 1, there is no such prefix; write age:>5d"),
        ('s:"memory* enc"', "'memory* enc': at column 4, a star stands for the end of a word; write s:vfi*"),
        ("l:kvm@vger.kernel.org", "'kvm@vger.kernel.org': at column 3, this is no name of a list; write l:kvm"),
        ("dfn:[a-z", "'[a-z': at column 5, the [ is never closed; write dfn:[a-z]*.c"),
        ("s: tdx", "'s:': at column 1, nothing follows it; write, without a blank, s:tdx"),
        ("maz@kernel.org", "'maz@kernel.org': at column 1, it has no prefix; write f:maz@kernel.org, or a: for to and cc, too"),
        ("tdx is:reviewd", "'reviewd': at column 8, is: knows no such word; write is:reviewed"),
        ("is:blue", "'blue': at column 4, is: knows no such word; write is:new or is:revised or is:reviewed or is:applied or is:waiting or is:rfc or is:bot"),
        ("age:5", "'5': at column 5, an age has < or > before it; write age:>5d for what is older, age:<5d for what is younger"),
        ("age:=>x", "'=>x': at column 5, an age has < or > before it; write age:>5d for what is older, age:<5d for what is younger"),
        ("age:2w", "'2w': at column 5, an age has < or > before it; write age:>2w for what is older, age:<2w for what is younger"),
        ("age:<=5", "'<=5': at column 5, this is no span of time; write age:<=5d"),
        ("age:>0d", "'>0d': at column 5, this is no span of time; write age:>5d"),
        ("f:maz@", "'maz@': at column 3, this is neither an address nor a domain; write f:maz@kernel.org, or f:@kernel.org"),
        ("s:v*o", "'v*o': at column 3, a star stands for the end of a word; write s:vfi*"),
        ('b:"->"', "'->': at column 4, there is no word in it; write b:tdx"),
        ("dfn:a[bc", "'a[bc': at column 5, the [ is never closed; write dfn:[a-z]*.c"),
        ("dfn:/", "'/': at column 5, this is no file; write dfn:arch/x86/kvm/"),
        ('tdx s:"memory enc', "'\"memory enc': at column 7, this quote is never closed; write a \" at its end"),
        ("tdx (f:a OR (f:b)", "'(': at column 5, this bracket is never closed; write a ) at its end"),
        ("(tdx))", "')': at column 6, no bracket is open here; leave it out, or write a ( before"),
        ("s:kvm_init()", "')': at column 12, there is nothing in these brackets; leave them out, or put all in quotes: s:\"kvm_init()\""),
        ("tdx OR", "'OR': at column 5, nothing follows it; write a term behind it, or leave it out"),
        ("(tdx NOT)", "'NOT': at column 6, nothing follows it; write a term behind it, or leave it out"),
        ("(AND tdx)", "'AND': at column 2, nothing stands before it; write a term before it, or leave it out"),
        ("tdx AND OR kvm", "'OR': at column 9, it follows AND; leave out one of them"),
        ("tdx - kvm", "'-': at column 5, nothing follows it; write it right before what is not wanted: -is:bot"),
        ("x " * 600, f"'{'x ' * 29}x…': at column 1,001, it goes beyond 1,000 characters; make two filters of it"),
        (f"{'x' * 15} " * 49 + "x", "'xxxxxxxxxxxxxxx xxxxxxxxxxxxxxx xxxxxxxxxxxxxxx xxxxxxxxxxx…': at column 785, it goes beyond 1,000 characters when it is written in full; make two filters of it"),
        ("x " * 51, "'x': at column 101, these are more than 50 terms; make two filters of it"),
        ("(" * 21 + "x" + ")" * 21, "'(': at column 21, brackets go 20 deep at most; write it with fewer"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_column_and_what_to_write_instead(text: str, told: str) -> None:
    with pytest.raises(Misunderstood) as caught:
        parse_filter(text)
    assert str(caught.value) == told


VALUES = st.sampled_from(
    ["tdx", "kvm*", '"memory encryption"', "maz", "@intel.com", "arch/x86/kvm/", "*.[ch]", "google", '"a (b)"']
)
TERMS = st.one_of(
    st.builds("{}:{}".format, st.sampled_from(["f", "t", "c", "a", "dfn", "org"]), VALUES),
    st.sampled_from(["tdx", "google"]).map("l:{}".format),
    st.builds(
        "{}:{}".format, st.sampled_from(["s", "b"]), st.sampled_from(["tdx", "kvm*", '"memory encryption"', "ß", "İx"])
    ),
    st.sampled_from(list(TRAITS)).map("is:{}".format),
    st.builds(
        "age:{}{}{}".format, st.sampled_from(["<", ">", "<=", ">="]), st.integers(1, 9999), st.sampled_from("mhdw")
    ),
)
FILTERS = st.recursive(
    TERMS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda some: f"({' '.join(some)})"),
        st.lists(inner, min_size=2, max_size=3).map(lambda some: f"({' OR '.join(some)})"),
        inner.map("NOT {}".format),
    ),
    max_leaves=8,
)
POSTINGS = st.builds(
    Posting,
    subjects=st.lists(st.sampled_from(["[PATCH] KVM: TDX", "memory encryption", "SS İX"]), max_size=2),
    senders=st.lists(
        st.sampled_from([Person.parse("Maz <maz@kernel.org>"), Person.parse("x@a.intel.com")]), max_size=2
    ),
    lists=st.sets(st.sampled_from(["tdx", "google"])).map(frozenset),
    organisations=st.sets(st.sampled_from(["Google", "Maz Inc"])).map(frozenset),
    traits=st.sets(st.sampled_from(list(TRAITS))).map(frozenset),
    received=st.integers(0, 9999).map(lambda hours: NOON - timedelta(hours=hours)),
    paths=st.lists(st.sampled_from(["arch/x86/kvm/tdx.c", "maz", "google/tdx"]), max_size=2),
    texts=st.lists(st.sampled_from(["tdx", "kvms and memory encryption"]), max_size=2),
    opened=st.builds(list),
)


@settings(max_examples=150, deadline=None)
@given(one=FILTERS, other=FILTERS, posting=POSTINGS)
def test_operators_are_those_of_logic(one: str, other: str, posting: Posting) -> None:
    def wants(text: str) -> bool:
        return parse_filter(text).matches(posting, NOON)

    assert wants(f"NOT {one}") is wants(f"-{one}") is not wants(one)
    assert wants(f"{one} {other}") is wants(f"{one} AND {other}") is all([wants(one), wants(other)])
    assert wants(f"{one} OR {other}") is any([wants(one), wants(other)])
    assert wants(f"NOT ({one} OR {other})") is wants(f"NOT {one} AND NOT {other}")


@settings(max_examples=150, deadline=None)
@given(text=FILTERS)
def test_what_was_understood_is_understood_again(text: str) -> None:
    understood = parse_filter(text)
    assert parse_filter(str(understood)) == understood
    assert str(parse_filter(str(understood))) == str(understood)


ODDITIES = st.lists(
    st.sampled_from([*(f"{prefix}:" for prefix in PREFIXES), *' ()"-+*?[]!<>@:“”', "AND", "OR", "NOT", "tdx", "5d", "new", "\n", "\x00", "\x85", "\ud800", "ﬀ", "ͅ"]),
    max_size=30,
).map("".join)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(text=st.one_of(ODDITIES, st.text(max_size=40)))
@example("(" * LONGEST)
@example("-" * LONGEST)
@example("NOT " * (LONGEST // 4))
@example('"' * LONGEST)
@example("s:" * (LONGEST // 2))
@example("a OR " * (MOST_TERMS - 1) + "b")
@example("(a OR b c -" * DEEPEST + "d" + ")" * DEEPEST)
@example("x" * LONGEST)
def test_any_text_is_a_filter_or_a_mistake_at_a_column_of_it(text: str) -> None:
    begin = time.process_time()
    try:
        understood = parse_filter(text)
    except Misunderstood as mistake:
        column = re.search(r"^at column ([\d,]+), ", mistake.reason)
        assert column
        assert 1 <= int(column[1].replace(",", "")) <= len(text)
    else:
        assert parse_filter(str(understood)) == understood
        assert understood.matches(Posting(), NOON) in (True, False)
        assert bool(understood.english())
        assert (understood == EVERYTHING) is not text.strip()
    assert time.process_time() - begin < 1  # the slowest takes some milliseconds


def test_what_is_expensive_is_asked_last_and_only_where_it_decides() -> None:
    def opened(text: str) -> list[str]:
        posting = Posting()
        parse_filter(text).matches(posting, NOON)
        return posting.opened

    assert opened("b:kvm dfn:mm/ is:bot") == []
    assert opened("b:none OR dfn:mm/ OR tdx") == []
    assert opened("b:kvm (dfn:arch/ tdx)") == ["files", "bodies"]
    assert opened("(b:kvm tdx) NOT dfn:mm/") == ["files", "bodies"]
    assert opened("b:kvm OR (dfn:arch/ tdx)") == ["files"]


def test_a_hostile_glob_takes_no_longer_than_a_kind_one() -> None:
    begin = time.process_time()
    signs = "".join(map(chr, range(0x4E00, 0x4E00 + 900)))
    for star in ("*a" * 400 + "b", "*?" * 400 + "b", "*[ab]" * 190 + "c", "*" * 900 + "b", "[a-z]" * 190, "?" * 990):
        for path in ("a" * 4000, signs):
            assert not parse_filter(f"dfn:{star}").matches(Posting(paths=[path] * 10), NOON)
    assert time.process_time() - begin < 2  # 0.2 in truth


@settings(max_examples=300, deadline=None)
@given(
    pattern=st.text(st.sampled_from("ab/*?"), max_size=12) | st.sampled_from(["[a-b]*", "*[!a/]", "a[]]b", "[!]]", "[-a]?", "a[b-]"]),
    path=st.text(st.sampled_from("ab/]-"), max_size=12),
)  # fmt: skip
def test_a_glob_takes_what_a_shells_would(pattern: str, path: str) -> None:
    taken = parse_filter(f"dfn:x/{pattern}*").matches(Posting(paths=[f"x/{path}"]), NOON)
    assert taken is fnmatchcase(f"x/{path}", f"x/{pattern}*")
    assert taken is parse_filter(f"dfn:x/{pattern.replace('[!', '[^')}*").matches(Posting(paths=[f"x/{path}"]), NOON)


@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=30))
def test_a_filters_words_are_those_of_the_search(text: str) -> None:
    if words(text) and "*" not in text:
        assert Words.read("s", text) == Words("s", words(text))
