"""What the tests of exports share: files that are run on their own, in other programs and languages."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule import export
from chainrule.model import Model

FLAGS = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O2")

# Nothing but the file itself, the standard library and, for NumPy's, NumPy. Rows come in as JSON, answers go out.
RUNNER = """
import importlib.util, json, sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] not in ALLOWED and name.split(".")[0] not in sys.stdlib_module_names:
            raise ImportError(name + " is not to be imported")
ALLOWED = json.loads(sys.argv[1])
sys.meta_path.insert(0, Refuse())
sys.dont_write_bytecode = True
sys.path[:0] = json.loads(sys.argv[3])
spec = importlib.util.spec_from_file_location("exported", sys.argv[2])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
given = json.load(sys.stdin)
answers = {}
for name in given["functions"]:
    answer = getattr(module, name)(given["rows"])
    answers[name] = answer.tolist() if hasattr(answer, "tolist") else answer
json.dump({"answers": answers, "good": bool(module.self_test())}, sys.stderr)
"""


def run_python(path: Path, rows: Any, functions: list[str], *, numpy: bool) -> dict[str, Any]:
    """Import an exported Python file in a bare interpreter and give what its functions answer."""
    paths = [str(Path(np.__file__).parent.parent)] if numpy else []
    flags = ["-I", "-S", "-W", "error"]
    command = [
        sys.executable,
        *flags,
        "-c",
        RUNNER,
        json.dumps(["numpy"] if numpy else []),
        str(path),
        json.dumps(paths),
    ]
    given = json.dumps({"rows": rows, "functions": functions})
    done = subprocess.run(command, input=given, capture_output=True, encoding="utf-8", timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stderr)
    assert found["good"], done.stdout
    return found["answers"]  # type: ignore[no-any-return]


def run_c(
    folder: Path, model: Model, rows: list[list[float]], code: str, *, compiler: str = "gcc"
) -> list[list[float]]:
    """Compile an exported header with a main function of one's own, and give the numbers that it prints a row.

    ``code`` fills ``double y[]`` of ``count`` numbers from ``x``; the header is ``net.h``.
    """
    single = model.dtype == np.float32 and "double x" not in code
    kind = "float" if single else "double"
    listed = ",\n".join("{" + ", ".join(repr(float(x)) for x in row) + "}" for row in rows)
    main = f"""#include "net.h"
#include <stdio.h>
static const double given[{len(rows)}][{len(rows[0])}] = {{{listed}}};
int main(void) {{
    for (int i = 0; i < {len(rows)}; i++) {{
        {kind} x[{len(rows[0])}];
        double y[4096]; int count = 0;
        for (int j = 0; j < {len(rows[0])}; j++) x[j] = ({kind})given[i][j];
        {code}
        for (int k = 0; k < count; k++) printf("%.17g ", y[k]);
        printf("\\n");
    }}
    return 0;
}}
"""
    (folder / "main.c").write_text(main, encoding="utf-8")
    build([compiler, *FLAGS, "main.c", "-o", "program", "-lm"], folder)
    done = subprocess.run([folder / "program"], capture_output=True, encoding="utf-8", timeout=60, check=True)
    return [[float(x) for x in line.split()] for line in done.stdout.splitlines()]


def build(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", timeout=120)
    assert done.returncode == 0, done.stderr


def self_test_of_c(folder: Path, name: str, *, compiler: str = "gcc", standard: str = "-std=c99") -> str:
    """Compile a header as the program that tests it, and give what it prints."""
    language = "c++" if "++" in compiler else "c"
    flags = [standard, *FLAGS[1:]]
    build([compiler, *flags, "-x", language, f"-D{name.upper()}_TEST", f"{name}.h", "-o", "self_test", "-lm"], folder)
    done = subprocess.run([folder / "self_test"], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stdout
    return done.stdout.decode("utf-8", "replace")


needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")


def run_onnx(path: Path, given: dict[str, Any]) -> dict[str, Any]:
    """Run an exported graph with ONNX Runtime."""
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, given), strict=True))


def write_all(model: Model, folder: Path, code: int | None = None) -> dict[str, Path]:
    """Export a model to every format."""
    names = {"onnx": "net.onnx", "numpy": "net_numpy.py", "python": "net_python.py", "c": "net.h"}
    return {to: export(model, folder / name, to, code=code) for to, name in names.items()}
