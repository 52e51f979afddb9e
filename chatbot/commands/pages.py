"""Answers that come in pages: `page 2` behind a question asks for the next one."""

import re

_PAGE = re.compile(r"\spage (\d{1,4})$", re.IGNORECASE)


def page_of(text: str) -> tuple[str, int]:
    """What is asked for, and which page of it."""
    page = _PAGE.search(text[-10:])
    return (text[: -len(page[0])].rstrip(), int(page[1])) if page else (text, 1)
