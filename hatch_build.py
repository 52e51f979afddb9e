"""Compiles chatbot/_scan.c where the bot is installed, or for a wheel that is handed on.

Law of the file: nothing fails for want of a compiler. Without one all is the same, and mails take longer to read.
"""

import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from setuptools import Distribution, Extension
from setuptools.command.build_ext import build_ext

SOURCE = "chatbot/_scan.c"


class CompiledScan(BuildHookInterface):  # type: ignore[type-arg]
    """What hatchling asks before it makes a wheel, or installs the tree as it lies here."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Compile; where that worked, the wheel is for one kind of machine, and for Python 3.11 or newer."""
        source = Path(self.root, SOURCE)
        compiled = source.with_suffix(".abi3.so")
        if not compiled.exists() or compiled.stat().st_mtime < source.stat().st_mtime:
            compiled.unlink(missing_ok=True)  # an older one would say what the Python beside it does not
            _compile()
        if not compiled.exists():
            self.app.display_warning("There is no C compiler, or no header files of Python: mails take longer to read.")
            return
        build_data["artifacts"].append(f"/{compiled.relative_to(self.root)}")
        build_data["pure_python"] = False
        build_data["tag"] = f"cp311-abi3-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"


def _compile() -> None:
    extension = Extension("chatbot._scan", [SOURCE], py_limited_api=True, optional=True)
    with tempfile.TemporaryDirectory() as scratch:
        command = build_ext(Distribution({"name": "scan", "ext_modules": [extension]}))
        command.inplace, command.build_lib, command.build_temp = True, scratch, scratch
        command.ensure_finalized()
        command.run()
