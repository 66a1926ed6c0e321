"""export: a model file becomes a file that works without chainrule."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Runner
from .test_train import read_json


@pytest.mark.parametrize(
    ("to", "name"), [("onnx", "people.onnx"), ("numpy", "people.py"), ("python", "people_plain.py"), ("c", "people.h")]
)
def test_a_model_is_exported_beside_the_user(
    to: str, name: str, chainrule: Runner, model: Path, tmp_path: Path
) -> None:
    run = chainrule("export", model, "--to", to)
    assert (run.code, run.err) == (0, "")
    assert run.out.startswith(f"Exported to {name} (")
    assert (tmp_path / name).stat().st_size > 500


def test_the_file_works(chainrule: Runner, model: Path, tmp_path: Path) -> None:
    found = read_json(chainrule("export", model, "--to", "numpy", "--out", "net.py", "--json").out)
    path = tmp_path / "net.py"
    assert found == {"model": str(model), "to": "numpy", "out": "net.py", "bytes": path.stat().st_size}
    done = subprocess.run([sys.executable, "-I", path], capture_output=True, encoding="utf-8")
    assert (done.returncode, "good" in done.stdout) == (0, True)


def test_the_suffix_says_the_format(chainrule: Runner, model: Path, tmp_path: Path) -> None:
    assert chainrule("export", model, "--out", "net.h").code == 0
    assert (tmp_path / "net.h").read_text(encoding="utf-8").startswith("/* net.h: ")


def test_a_layers_code(chainrule: Runner, model: Path, tmp_path: Path) -> None:
    assert chainrule("export", model, "--to", "python", "--code", "1").code == 0
    assert "def transform(X):" in (tmp_path / "people_plain.py").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        ((), 2, "name a format to export to: --to onnx, numpy, python or c"),
        (("--to", "onix"), 2, "did you mean 'onnx'"),
        (("--out", "net.py"), 2, "net.py does not say what to export to"),
        (("--to", "c", "--code", "9"), 2, "it must be the number of a layer"),
        (("--to", "c", "--out", "nowhere/net.h"), 1, "there is no folder"),
        (("--to", "c", "--out", "people.safetensors"), 2, "is read by this command"),
    ],
)
def test_what_is_refused(arguments: tuple[str, ...], code: int, text: str, chainrule: Runner, model: Path) -> None:
    run = chainrule("export", model.name, *arguments)
    assert (run.code, run.out) == (code, "")
    assert text in run.err


def test_a_file_of_the_users_own_stays(chainrule: Runner, model: Path, tmp_path: Path) -> None:
    own = tmp_path / "people_plain.py"
    own.write_text("import chainrule\n", encoding="utf-8")
    run = chainrule("export", model, "--to", "python")
    assert (run.code, own.read_text(encoding="utf-8")) == (2, "import chainrule\n")
    assert "was not exported by chainrule" in run.err
    own.unlink()
    for _ in range(2):  # an older export is replaced
        assert chainrule("export", model, "--to", "python").code == 0
        assert chainrule("export", model, "--to", "onnx").code == 0
