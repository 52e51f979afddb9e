"""Processes of which coverage is not to count the lines: programs of others, and our own where they are killed before they
could tell. To be traced, they would take more than twice as long, for nothing.
"""

import os


def environment() -> dict[str, str]:
    """Ours, but for what has a Python trace itself."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
