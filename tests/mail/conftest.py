"""Whatever is said of a mail is said with the compiled code and without it."""

import pytest

from chatbot import scan
from tests.scanning import FUNCTIONS, UNCOMPILED, decline


@pytest.fixture(autouse=True, params=["compiled", "python"])
def compiled(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the compiled code, then with what does its work where there is none."""
    if request.param == "python":
        for name in FUNCTIONS:
            monkeypatch.setattr(scan, name, decline)
    elif not scan.COMPILED:
        pytest.skip(UNCOMPILED)
