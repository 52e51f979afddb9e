"""An installed bot has all it needs: the wheel, unpacked somewhere, works without the checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.conftest import TESTS


def test_an_installed_bot_finds_its_templates_and_its_sample(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path]
    subprocess.run(build, check=True, capture_output=True, cwd=TESTS.parent)
    (wheel,) = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    for file in ("store/migrations/env.py", "bots.example.toml"):
        assert (tmp_path / "site" / "chatbot" / file).is_file()
    (tmp_path / "elsewhere").mkdir()
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "PYTHONSAFEPATH": "1"}
    script = "import chatbot, runpy, sys; print(chatbot.__file__, file=sys.stderr); runpy.run_module('chatbot', run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", script, "run"],
        input="/help\n",
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path / "elsewhere",
        env=environment,
    )
    assert done.stderr.startswith(str(tmp_path / "site"))
    assert done.stdout.startswith("KVM mailing list")
    assert "/series WORDS" in done.stdout
    assert done.returncode == 0
