"""What is begun before the index is open, and when."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from chatbot.gather import ingest_archives
from chatbot.readers import Readers
from chatbot.sources.source import Chunk
from tests.conftest import compose


def test_mails_are_read_before_the_index_is_open_where_there_was_none(
    archive: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, file = archive([compose(f"[PATCH] {number}", number) for number in range(3)]), tmp_path / "index.sqlite3"
    early: list[tuple[int, bool]] = []
    kept: list[int] = []
    ask_early = Readers.ask_early

    def noted(readers: Readers, chunks: Iterable[Chunk]) -> None:
        asked = list(chunks)
        early.append((sum(len(chunk.commits) for chunk in asked), bool(readers._running)))
        ask_early(readers, asked)

    monkeypatch.setattr(Readers, "ask_early", noted)
    # What is for a process that ends with the ingest.
    monkeypatch.setattr("chatbot.readers.work_long", lambda: None)
    monkeypatch.setattr("chatbot.gather.gc.set_threshold", lambda _: None)
    for _ in range(2):
        ingest_archives(
            {"list": folder},
            f"sqlite:///{file}",
            jobs=1,
            accept_shrink=False,
            done=lambda _name, came, _took: kept.append(came.added.kept),
            failed=lambda problem: pytest.fail(str(problem)),
        )
    assert early == [(3, True)]
    assert kept == [3, 0]
