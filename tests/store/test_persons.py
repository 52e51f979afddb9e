"""What somebody did lately is found by few look-ups; tests/commands/test_contributor.py says what is found."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event

from chatbot.mail.mailmap import Mailmap
from chatbot.store.database import reading
from chatbot.store.index import Index
from chatbot.store.search import Search
from tests.conftest import NOON, add, compose, read_one

Asked = list[tuple[str, Any]]


@pytest.fixture
def asked(sqlite: Engine) -> Iterator[Asked]:
    """What the database is asked, from here on."""
    questions: Asked = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        questions.append((statement, values))

    event.listen(sqlite, "before_cursor_execute", note)
    yield questions
    event.remove(sqlite, "before_cursor_execute", note)


def test_no_table_is_read_through_for_what_one_person_did(sqlite: Engine, asked: Asked) -> None:
    ana = "Ana <ana@a.example>"
    mails = [compose(f"[PATCH] {number}", number) for number in range(50)]
    mails += [
        compose("Re: [PATCH] 1", 100 + one, f"Acked-by: {ana}\n", in_reply_to=f"<m{one}@sample.example>")
        for one in range(50)
    ]
    add(Index(sqlite), "kvm", *map(read_one, mails))
    (match,) = Search(sqlite).people("ana@a.example", Mailmap())
    asked.clear()
    Search(sqlite).work_of(match.ids)
    found = Search(sqlite).lately(match.ids, NOON - timedelta(days=90), NOON)
    assert (len(found.written), len(found.tagged), len(found.about), len(found.got)) == (50, 50, 50, 50)
    questions = [(statement, values) for statement, values in asked if not statement.startswith("BEGIN")]
    with reading(sqlite) as connection:
        plans = [
            row[3]
            for statement, values in questions
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        ]
    assert any("mail_by_author" in plan for plan in plans)
    assert [plan for plan in plans if re.match(r"SCAN (mail|reply|tag|body|person|seen)\b", plan)] == []
