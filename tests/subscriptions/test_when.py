"""When a subscription is due, in words, and how what is typed behind /subscribe is taken apart."""

import time
from contextlib import suppress
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatbot.chat.post import Manner
from chatbot.errors import Misunderstood
from chatbot.rhythm import parse_rhythm
from chatbot.subscriptions.when import DEFAULT, Asked, When, parse_when, split, zone_named

BERLIN = ZoneInfo("Europe/Berlin")
BOTH = Manner(aloud=True, badge=True)


@pytest.mark.parametrize(
    ("typed", "topic", "filter_text", "when"),
    [
        ("kvm daily at 9:00 Europe/Berlin", "kvm", "", "daily at 9:00 Europe/Berlin"),
        ("kvm dfn:arch/x86/kvm/ weekdays 08:30", "kvm", "dfn:arch/x86/kvm/", "weekdays 08:30"),
        ('"KVM X86" s:tdx -f:lkp@intel.com every monday', "KVM X86", "s:tdx -f:lkp@intel.com", "every monday"),
        ("linux-pci every 200 mails", "linux-pci", "", "every 200 mails"),
        ("kvm as it happens", "kvm", "", "as it happens"),
        ("kvm s:tdx Daily  AT 9:00 europe/BERLIN", "kvm", "s:tdx", "daily at 9:00 Europe/Berlin"),
        ("kvm 0 9 * * 1 UTC", "kvm", "", "0 9 * * 1 UTC"),
        ("kvm (s:tdx OR s:sev) every monday at 9:00 UTC", "kvm", "(s:tdx OR s:sev)", "every monday at 9:00 UTC"),
        ('kvm s:"every monday" hourly', "kvm", 's:"every monday"', "hourly"),
        ('kvm "it happens" as it happens', "kvm", '"it happens"', "as it happens"),
        ('kvm s:"every monday"', "kvm", 's:"every monday"', None),
        ("kvm", "kvm", "", None),
    ],
)
def test_topic_filter_and_when_are_told_apart(typed: str, topic: str, filter_text: str, when: str | None) -> None:
    asked = split(typed)
    assert (asked.topic, asked.filter.strip(), asked.when and str(asked.when)) == (topic, filter_text, when)
    if filter_text:  # columns count in what was typed
        assert f"/subscribe {typed}".find(filter_text) == asked.filter.find(filter_text)


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("kvm daily aloud", Asked("kvm", "", parse_when("daily"), Manner(aloud=True))),
        ("kvm s:x Badge ALOUD every monday", Asked("kvm", " " * 15 + "s:x", parse_when("every monday"), BOTH)),
        ("kvm aloud every monday badge", Asked("kvm", "", parse_when("every monday"), BOTH)),
        ("kvm s:x badge", Asked("kvm", " " * 15 + "s:x", None, Manner(badge=True))),
        ("badge aloud s:badge", Asked("badge", " " * 17 + "aloud s:badge", None)),
        ('kvm "aloud" daily', Asked("kvm", " " * 15 + '"aloud"', parse_when("daily"))),
    ],
)
def test_how_it_is_shown_stands_beside_the_when(typed: str, asked: Asked) -> None:
    assert split(typed) == asked


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "/subscribe: it needs a list or a subsystem"),
        ('"kvm x86', "column 12, this quote is never closed"),
        ('"" daily', "column 12, there is nothing between the quotes"),
        ("kvm daily at 9:00 Europe/Berlinn", "'Europe/Berlinn': at column 30, there is no such time zone; write Europe/Berlin"),
        ("kvm daily s:tdx", "'s:tdx': at column 22, something follows the schedule; write \"daily\" at the end"),
        ("kvm dayly at 9:00", "'9:00': at column 25, this time is of no schedule"),
        ("kvm daily at 25:00", "'25:00': at column 25, there is no such time of day"),
        ("kvm every 45 minutes", "every 45 minutes: this does not divide 60 minutes; write every 30 minutes"),
        ("kvm every 0 mails", "'every 0 mails': this is no number of mails; write 1 to 100000"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_pointed_at(typed: str, said: str) -> None:
    with pytest.raises(Misunderstood, match=said):
        split(typed)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("daily at 9:00 Europe/Berln", "'Europe/Berln': there is no such time zone; write Europe/Berlin"),
        ("every 0 mails", "no number of mails"),
        ("sometimes", "'sometimes': this schedule says nothing that ever comes; .*every 200 mails"),
        ("", "says nothing that ever comes"),
        ("UTC", "says nothing that ever comes"),
    ],
)
def test_words_that_say_no_time_are_refused(words: str, said: str) -> None:
    with pytest.raises(Misunderstood, match=said):
        parse_when(words)


@given(
    st.one_of(
        st.just(When()),
        st.integers(1, 100_000).map(lambda count: When(mails=count)),
        st.builds(
            When,
            st.sampled_from(["daily at 09:00", "weekdays 8:30", "every monday", "0 9 * * 1", "hourly"]).map(
                parse_rhythm
            ),
            zone=st.sampled_from([None, BERLIN, ZoneInfo("America/Argentina/Buenos_Aires"), ZoneInfo("UTC")]),
        ),
    )
)
@example(DEFAULT)
def test_a_when_is_said_in_words_that_mean_the_same(when: When) -> None:
    assert parse_when(str(when)) == when
    assert split(f"kvm s:tdx {when}") == Asked("kvm", " " * 15 + "s:tdx", when)


@example("\n\n")
@given(st.text(st.sampled_from(' "x:/*059dailyevr months\n'), max_size=80))
def test_whatever_is_typed_is_taken_apart_or_refused(typed: str) -> None:
    try:
        asked = split(typed)
    except Misunderstood:
        return
    assert asked.topic
    assert asked.filter.strip() in typed


def test_a_stranger_cannot_keep_it_busy() -> None:
    begun = time.perf_counter()
    for typed in ("kvm " + "x " * 4000, 'kvm "' + '"' * 8000, "kvm " + "9 " * 4000):
        with suppress(Misunderstood):
            split(typed)
    assert time.perf_counter() - begun < 1


def test_zones_are_known_in_any_case() -> None:
    assert zone_named("EUROPE/berlin") == BERLIN
    assert zone_named("../etc") is None
