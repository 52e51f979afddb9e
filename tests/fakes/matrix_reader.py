"""A person's client in a process of its own: python -m tests.fakes.matrix_reader URL USER DEVICE TOKEN FOLDER.

For each line on its standard input it syncs, and prints all that it has read so far: texts by their events' ids, as JSON.
"""

import asyncio
import json
import sys
from pathlib import Path

from tests.fakes.matrix import Reader
from tests.fakes.synapse import Person


async def main(url: str, user: str, device: str, token: str, folder: str) -> None:
    reader = Reader(Person(url, user, device, token), Path(folder))
    try:
        for _ in sys.stdin:
            await reader.sync()
            sys.stdout.write(json.dumps({event: body for event, (_, body) in reader.read.items()}) + "\n")
            sys.stdout.flush()
    finally:
        await reader.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
