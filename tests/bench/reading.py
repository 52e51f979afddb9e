"""How fast mails are read and parsed, beside git alone and the standard library; run by `make bench`.

Machines are noisy: the rounds are interleaved, medians are shown, and the ratios are what counts.
"""

import argparse
import email
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from chatbot.read import read
from chatbot.sources.public_inbox import PublicInbox
from chatbot.sources.sample import write_sample
from chatbot.sources.source import RawMail

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus" / "nvdimm.bundle"


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(archive: Path, rounds: int) -> dict[str, float]:
    """Median seconds of each way, over the whole archive."""
    bare = archive / "git" / "0.git"
    pipe = f"git --git-dir '{bare}' rev-list HEAD | sed 's/$/:m/' | git --git-dir '{bare}' cat-file --batch > /dev/null"
    with PublicInbox("bench", archive) as inbox:
        raws: list[RawMail] = list(inbox.mails(inbox.everything()))
        ways: dict[str, Callable[[], object]] = {
            "git rev-list | git cat-file": lambda: subprocess.run(["bash", "-c", pipe], check=True),
            "read": lambda: sum(1 for _ in inbox.mails(inbox.everything())),
            "read and parse": lambda: sum(bool(read(raw)) for raw in inbox.mails(inbox.everything())),
            "parse": lambda: [read(raw) for raw in raws],
            "parse, standard library, structure only": lambda: [email.message_from_bytes(raw.data) for raw in raws],
        }
        found: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, way in ways.items():
                found[name].append(timed(way))
    digest = [sys.executable, "-m", "chatbot", "digest", "--archive", str(archive), "--face", "classic"]
    for name, arguments in {
        "chatbot --help, cold": [*digest[:3], "--help"],
        "chatbot digest of the last 50 mails, cold": [*digest, "--last", "50"],
        "chatbot digest of the last week, cold": [*digest, "--since", _week_before(raws)],
    }.items():
        run = lambda arguments=arguments: subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL)  # noqa: E731
        found[name] = [timed(run) for _ in range(rounds)]
    return {"mails": float(len(raws))} | {name: statistics.median(times) for name, times in found.items()}


def _week_before(raws: list[RawMail]) -> str:
    newest = max(read(raw)[1].received for raw in raws[-200:])
    return (newest - timedelta(days=7)).isoformat()


# What a process of its own does, to be asked for its memory afterwards.
PEAKS = {
    "every mail read and let go": "for raw in inbox.mails(inbox.everything()): read(raw)",
    "the digest of the whole archive": "build(MailingList('a', 'a', ''), Window(), (read(raw)[1] for raw in inbox.mails(inbox.everything())))",
}


def _peak(work: str, archive: Path) -> tuple[float, float]:
    """Peak memory of such a process and of the largest git it started, in MiB."""
    script = (
        "import resource, sys\nfrom pathlib import Path\nfrom chatbot.read import read\n"
        "from chatbot.report.digest import MailingList, build\nfrom chatbot.report.window import Window\n"
        "from chatbot.sources.public_inbox import PublicInbox\n"
        f"with PublicInbox('bench', Path(sys.argv[1])) as inbox:\n    {work}\n"
        # Not ru_maxrss: a new process inherits it from the one that started it.
        "own = int(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])\n"
        "print(own / 1024, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(archive)], check=True, capture_output=True, text=True)
    ours, gits = map(float, done.stdout.split())
    return ours, gits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "nvdimm"
        if CORPUS.is_file():
            subprocess.run(["git", "clone", "--quiet", "--bare", CORPUS, archive / "git" / "0.git"], check=True)
        else:
            archive = write_sample(Path(folder))["kvm"]
        found = measure(archive, rounds)
        peaks = [(name, *_peak(script, archive)) for name, script in PEAKS.items()]
    mails, git_alone = found.pop("mails"), found["git rev-list | git cat-file"]
    print(f"{mails:,.0f} mails of {archive.name}, median of {rounds} rounds")
    for name, seconds in found.items():
        rate = f"{mails / seconds:>9,.0f}/s {1e6 * seconds / mails:>6.0f} µs a mail" if "cold" not in name else ""
        print(f"  {name:45} {seconds:7.3f} s {seconds / git_alone:6.2f} x git {rate}")
    for name, ours, gits in peaks:
        print(f"  peak memory, {name:32} {ours:5.0f} MiB, and git's largest process {gits:.0f} MiB")
    print(json.dumps({"mails": mails, "seconds": found}))


if __name__ == "__main__":
    main()
