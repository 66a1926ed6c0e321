"""docs/export.md shows the very file that its first example writes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[3] / "docs" / "export.md"


def test_the_file_that_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = PAGE.read_text(encoding="utf-8")
    example, shown = (re.findall(rf"```{kind}\n(.*?)```", page, re.DOTALL)[0] for kind in ("python", "text"))
    exec(example, {})
    written = (tmp_path / "xor.py").read_text(encoding="utf-8")

    def without_numbers(text: str) -> str:
        """What does not depend on the last digits of a machine's exp, or on the version."""
        text = re.sub(r"EXPECTED = \[\n.*?\n\]", "", text, flags=re.DOTALL)
        return re.sub(r"Written by chainrule [\w.]+;", "", text)

    assert without_numbers(shown) == without_numbers(written)
