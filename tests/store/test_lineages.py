"""A lineage out of the index is what it is out of all mails."""

import pytest
from sqlalchemy import Engine

from chatbot.mail.grouping import group
from chatbot.mail.lineage import lineages
from chatbot.mail.traits import address_of
from chatbot.store.index import Index
from chatbot.store.search import Search
from tests.conftest import TESTS, add, thread

SITUATIONS = sorted(
    path.stem
    for kind in ("lineage", "series", "state", "tags", "changed")
    for path in (TESTS / "mails").glob(f"{kind}-*.mbox")
)


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_lineage_is_found_from_each_of_its_versions(sqlite: Engine, name: str) -> None:
    mails = thread(name)
    add(Index(sqlite), "kvm", *mails)
    expected = lineages(group(mails))
    for lineage in expected:
        for series in lineage.series:
            for mail in series.everything:
                family = Search(sqlite).family_of(mail.message_id, address_of)
                assert family
                assert (family.lineage.series, family.lineage.links) == (lineage.series, lineage.links)
                assert {one.message_id for version in lineage.series for one in version.everything} <= {
                    one.message_id for one in family.mails
                }
