"""For whom people work."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.errors import BadConfig
from chatbot.mail.organisations import Basis, Organisation, Organisations
from chatbot.mail.rulefile import RULES_LIMIT
from tests.conftest import NOON, TESTS

EXAMPLE = (TESTS.parent / "config" / "organisations.example.toml").read_text()
RULES = """
providers = ["gmail.example", "mail.kernel.example"]
[domains]
"Northgate" = ["northgate.example", "old.example"]
"Kernelworks" = "kernelworks.example"
[[rules]]
organisation = "Kernelworks"
domain = "old.example"
from = 2025-07-01
[[rules]]
organisation = "Freehold"
address = ["ana@gmail.example", "Ana@Northgate.example"]
from = 2024-02-29
until = 2024-12-31
[[rules]]
organisation = "Labs"
domain = "labs.northgate.example"
"""


def of(address: str, when: datetime = NOON, text: str = RULES) -> tuple[str, str]:
    found = Organisations.parse(text, "o.toml").of(address, when)
    return found.name, found.basis.value


def day(text: str, hour: int = 12) -> datetime:
    return datetime.fromisoformat(text).replace(hour=hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("address", "name", "basis"),
    [
        ("bo@northgate.example", "Northgate", "rule"),
        ("BO@Linux.NORTHGATE.example", "Northgate", "rule"),
        ("bo@labs.northgate.example", "Labs", "rule"),
        ("bo@x.labs.northgate.example", "Labs", "rule"),
        ("bo@southnorthgate.example", "southnorthgate.example", "domain"),
        ("bo@kernelworks.example", "Kernelworks", "rule"),
        ("bo@Freehold.example", "freehold.example", "domain"),
        ("bo@gmail.example", "gmail.example", "provider"),
        ("bo@zeniv.gmail.example", "zeniv.gmail.example", "provider"),
        ("bo@kernel.example", "kernel.example", "domain"),
        ("", "", "domain"),
        ("bo", "bo", "domain"),
    ],
)
def test_the_mapping_says_and_where_it_does_not_the_domain(address: str, name: str, basis: str) -> None:
    assert of(address) == (name, basis)


@pytest.mark.parametrize(
    ("address", "when", "name"),
    [
        ("bo@old.example", "2025-06-30", "Northgate"),
        ("bo@old.example", "2025-07-01", "Kernelworks"),
        ("ana@gmail.example", "2024-02-28", "gmail.example"),
        ("ana@gmail.example", "2024-02-29", "Freehold"),
        ("ana@gmail.example", "2024-12-31", "Freehold"),
        ("ana@gmail.example", "2025-01-01", "gmail.example"),
        ("ana@northgate.example", "2024-06-01", "Freehold"),
        ("ana@northgate.example", "2025-06-01", "Northgate"),
        ("bo@gmail.example", "2024-06-01", "gmail.example"),
    ],
)
def test_a_dated_rule_holds_from_its_first_day_to_its_last(address: str, when: str, name: str) -> None:
    assert of(address, day(when, 0))[0] == of(address, day(when, 23))[0] == name


def test_days_are_days_in_utc() -> None:
    ahead = timezone(timedelta(hours=9))
    assert of("bo@old.example", datetime(2025, 7, 1, 8, tzinfo=ahead))[0] == "Northgate"
    assert of("bo@old.example", datetime(2025, 7, 1, 9, tzinfo=ahead))[0] == "Kernelworks"


def test_without_a_file_all_are_of_their_domain() -> None:
    assert Organisations().of("bo@gmail.com", NOON) == Organisation("gmail.com", Basis.DOMAIN)


@pytest.mark.parametrize(
    ("address", "name", "basis"),
    [
        ("a@intel.com", "Intel", "rule"),
        ("a@linux.intel.com", "Intel", "rule"),
        ("a@gmail.com", "gmail.com", "provider"),
        ("a@kernel.org", "kernel.org", "provider"),
        ("a@linux.dev", "linux.dev", "provider"),
        ("a@outlook.com", "outlook.com", "provider"),
        ("a@protonmail.com", "protonmail.com", "provider"),
        ("a@oss.qualcomm.com", "Qualcomm", "rule"),
        ("a@linux.ibm.com", "IBM", "rule"),
        ("a@xilinx.com", "AMD", "rule"),
        ("ana.brenner@mail.example", "Kernelworks", "rule"),
        ("a@lst.de", "lst.de", "domain"),
    ],
)
def test_the_example_knows_the_kernels_companies_and_who_is_none(address: str, name: str, basis: str) -> None:
    assert of(address, text=EXAMPLE) == (name, basis)


def test_the_example_shows_a_change_of_employer() -> None:
    dates = ("2022-02-13", "2022-02-14", "2024-06-30", "2024-07-01")
    found = [of(address, day(one), EXAMPLE)[0] for one in dates for address in ("a@xilinx.com", "ana@kernel.example")]
    assert found == ["Xilinx", "Northgate", "AMD", "Northgate", "AMD", "Northgate", "AMD", "Kernelworks"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("provider = []", "o: provider: there is no such key; write providers, or leave it out"),
        ("providers = 7", "o: providers: 7 is of the wrong type; write text in quotes"),
        ('providers = ["a@b.example"]', "o: providers: 'a@b.example' is no domain; write it as corp.example, which holds for all below it, too"),
        ('providers = ["example"]', "o: providers: 'example' is no domain"),
        ('[domains]\nA = "*.a.example"', "o: [domains] A: '*.a.example' is no domain"),
        ("[domains]\nA = 7", "o: [domains] A: 7 is of the wrong type"),
        ("domains = []", "o: domains: this is no table; write its name in brackets: [domains]"),
        ('[domains]\nA = "a.example"\nB = "A.example"', "o: [domains] B: 'A.example' is there twice, also for 'A'; keep one of the two"),
        ('providers = ["a.example"]\n[domains]\nB = "a.example"', "'a.example' is there twice, also for 'a.example'"),
        ("rules = 7", "o: rules: this is no list of tables; write its name in double brackets: [[rules]]"),
        ("[rules]", "o: rules: this is no list of tables"),
        ('[[rules]]\ndomain = "a.example"', "o: [[rules]] 1 organisation: this key is missing; add it"),
        ('[[rules]]\norganisation = "A"\naddress = 7', "o: [[rules]] 1 address: 7 is of the wrong type"),
        ('[[rules]]\norganisation = "A"\ndomain = []', "o: [[rules]] 1 domain: this is empty"),
        ('[[rules]]\norganisation = "A"', "o: [[rules]] 1 address: this key is missing, and so is domain; add one of them"),
        ('[[rules]]\norganisation = "A"\naddress = "a.example"', "o: [[rules]] 1 address: 'a.example' is no address; write it as ana@corp.example"),
        ('[[rules]]\norganisation = "A"\ndomain = "a.example"\nform = 2024-01-01', "o: [[rules]] 1 form: there is no such key; write from, or leave it out"),
        ('[[rules]]\norganisation = "A"\ndomain = "a.example"\nfrom = "2024-01-01"', "o: [[rules]] 1 from: '2024-01-01' is no date; write one as 2024-02-29, without quotes"),
        ('[[rules]]\norganisation = "A"\ndomain = "a.example"\nfrom = 2024-01-01T00:00:00', "is no date"),
        ('[[rules]]\norganisation = "A"\ndomain = "a.example"\nfrom = 2024-01-02\nuntil = 2024-01-01', "o: [[rules]] 1 until: 2024-01-01 is before 2024-01-02; until is the last day on which the rule holds"),
        ('[[rules]]\norganisation = "A"\ndomain = "a.example"\nuntil = 2024-01-01\n[[rules]]\norganisation = "B"\ndomain = "a.example"\nfrom = 2024-01-01', "o: [[rules]] 2 domain: 'a.example' is there twice on 2024-01-01, also for 'A'; keep one of the two"),
        (f"providers = [{'7,' * (RULES_LIMIT + 1)}]", "o: providers: these are 20,001; write 20,000 or less"),
        ("x = [", "o: this is no TOML: "),
        ("x = " + "9" * 5000, "o: this is no TOML: "),
        ("x = " + "[" * 5000, "o: this is no TOML: "),
    ],
)  # fmt: skip
def test_every_fault_has_one_line_with_the_thing_the_reason_and_the_remedy(text: str, fault: str) -> None:
    with pytest.raises(BadConfig) as caught:
        Organisations.parse(text, "o")
    (found,) = caught.value.faults
    assert fault in found
    assert "\n" not in found


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(BadConfig) as caught:
        Organisations.parse('providers = [7, "x"]\nfoo = 1\n[domains]\nA = ""\n[[rules]]\n[[rules]]\nbar = 2\n', "o")
    assert len(caught.value.faults) == 9


_LABELS = st.lists(st.sampled_from(["a", "b", "c"]), min_size=2, max_size=4).map(".".join)


@given(st.dictionaries(_LABELS, st.sampled_from(["X", "Y"])), _LABELS)
def test_the_nearest_domain_counts(rules: dict[str, str], domain: str) -> None:
    tables = "".join(f'[[rules]]\ndomain = "{one}"\norganisation = "{name}"\n' for one, name in rules.items())
    above = [one for one in rules if domain == one or domain.endswith("." + one)]
    expected = rules[max(above, key=len)] if above else domain
    assert of("ana@" + domain, text=tables)[0] == expected
