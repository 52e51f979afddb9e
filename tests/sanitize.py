"""The tests of the compiled code, compiled with gcc's sanitizers: whatever reads or writes beyond an end stops them."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
LIBRARIES = ("libasan.so", "libubsan.so")


def main() -> int:
    """Run them in a copy of the tree; their exit code."""
    with tempfile.TemporaryDirectory(prefix="chatbot-sanitize-") as folder:
        tree = Path(folder, "project")
        tree.mkdir()
        (tree.parent / "shared").symlink_to(ROOT.parent / "shared")  # the real archives, where there are some
        for name in ("chatbot", "templates", "tests", "pyproject.toml"):
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, tree / name)
        sanitize = ("-fsanitize=address,undefined", "-fno-sanitize-recover=undefined")
        include = f"-I{sysconfig.get_path('include')}"
        source, target = tree / "chatbot" / "_scan.c", tree / "chatbot" / "_scan.abi3.so"
        subprocess.run(("gcc", "-g", "-O1", "-shared", "-fPIC", *sanitize, include, source, "-o", target), check=True)
        environment = {
            "PYTHONPATH": os.fspath(tree),
            "PYTHONMALLOC": "malloc",  # else the interpreter's own memory would be no end to be beyond
            "ASAN_OPTIONS": "detect_leaks=0",  # the interpreter leaves to the system what it has at its end
            "LD_PRELOAD": " ".join(_file(name) for name in LIBRARIES),
        }
        tests = ("-m", "pytest", "--no-cov", "-p", "no:cacheprovider", "tests/test_scan.py", "-k", "not lost")
        return subprocess.run((sys.executable, *tests), cwd=tree, env=os.environ | environment, check=False).returncode


def _file(library: str) -> str:
    found = subprocess.run(("gcc", f"-print-file-name={library}"), check=True, capture_output=True, text=True)
    return found.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
