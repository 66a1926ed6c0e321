"""Imports point down only, and each heavy library has one door: every import in the package is held to that."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import chainrule

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "chainrule"

# The one drawing of the layers; CONTRIBUTING.md shows the same.
DRAWING = """
cli  playground
  lessons  bench
    estimators  plots
      recipes  explain  descent
        training
          storage
            model  arrays  history
              engines
                network  layers  descriptions  parameters  sparse
                  formulas   data
                    errors  streams  language  table  text
"""
ROW = {unit: row for row, line in enumerate(reversed(DRAWING.split("\n"))) for unit in line.split()}

# Above the drawing, free to import anything; nothing imports them.
TOP = {"__init__", "__main__"}
# Below the drawing, free to be imported by anything; imports nothing.
BOTTOM = {"_version"}
# Neighbours in one row, of which one may import the other.
SIDEWAYS = {
    ("model", "arrays"),
    ("model", "history"),
    ("parameters", "network"),
    ("network", "descriptions"),
    ("network", "layers"),
    ("descriptions", "layers"),
    ("streams", "errors"),
    ("table", "errors"),
    ("table", "language"),
    ("table", "text"),
    ("errors", "language"),
    ("language", "errors"),
}

# (module, function, what it imports): why it may, although that lies above.
EXCEPTIONS = {
    ("network", "Network.init", "model"): "network.init(seed) gives the model that people expect to get from it",
    ("network", "TYPE_CHECKING", "model"): "the type of what it gives",
}
# Lessons are written as their readers would write them, with the public names; each counts as what it is.
READERS = ("lessons",)
# The modules that import by a name that only the running program knows.
BY_NAME = {"lessons"}

# Library: the modules or packages that may import it, inside a function. Besides these there is only NumPy.
DOORS = {
    "jax": ("bench",),
    "jaxlib": ("bench",),
    "joblib": ("estimators",),
    "llvmlite": ("bench", "engines.compiled"),
    "matplotlib": ("plots",),
    "onnx": ("bench", "storage"),
    "onnxruntime": ("bench",),
    "pandas": ("data",),
    "platformdirs": ("data", "engines.compiled"),
    "pyarrow": ("data",),
    "rich": ("cli", "explain.writing.terminal", "training.progress"),
    "safetensors": ("storage",),
    "scipy.optimize": ("training",),
    "scipy.sparse": ("sparse",),
    "scipy.special": ("engines.compiled", "formulas"),
    "sklearn": ("bench", "data", "estimators"),
    "sympy": ("descent",),
    "tensorboardX": ("training.tensorboard",),
    "threadpoolctl": ("bench", "engines.blas"),
    "torch": ("bench",),
    "typer": ("cli",),
}
# The target of an import whose name only the running program knows.
COMPUTED = "?"
# What may be imported when a module is loaded, besides NumPy and the standard library.
# The classes of the estimators are made of scikit-learn's; chainrule loads them when one is first touched.
AT_LOAD = {"sklearn": ("estimators",), "typer": ("cli",)}


class Import(NamedTuple):
    """One imported name: ``from a import b`` has the target ``a.b``."""

    target: str
    line: int
    scope: str  # the function, such as Network.init, or TYPE_CHECKING; empty for what runs as the module is loaded


def read_imports(tree: ast.Module, module: str, is_package: bool) -> Iterator[Import]:
    """Find every import in a module, wherever it stands, ``importlib.import_module`` with a literal name included."""

    def base(node: ast.ImportFrom) -> str:
        parts = module.split(".") if is_package else module.split(".")[:-1]
        above = parts[: len(parts) - node.level + 1] if node.level else []
        return ".".join([*above, *([node.module] if node.module else [])])

    def visit(node: ast.AST, names: tuple[str, ...], scope: str) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno, scope) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (Import(f"{base(node)}.{alias.name}", node.lineno, scope) for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("import_module", "__import__"):
            name = node.args[0] if node.args else None
            known = isinstance(name, ast.Constant) and isinstance(name.value, str)
            yield Import(name.value if known else COMPUTED, node.lineno, scope)
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names = (*names, node.name)
            scope = scope if isinstance(node, ast.ClassDef) else ".".join(names)
        guards = isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
        for child in ast.iter_child_nodes(node):
            yield from visit(child, names, "TYPE_CHECKING" if guards and child in node.body else scope)

    yield from visit(tree, (), "")


def is_within(name: str, prefixes: tuple[str, ...]) -> bool:
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)


def judge_inside(module: str, found: Import) -> str | None:
    """What is wrong with one part of the package importing another, if anything."""
    unit, other = module.split(".")[0], [*found.target.split("."), ""][1]
    if unit in READERS:
        other = chainrule._HOMES.get(other, other).split(".")[0]
    if unit in TOP or other in BOTTOM or other == unit:
        return None
    if other not in ROW:
        return f"chainrule{other and '.' + other} is not a part of the package that the drawing shows"
    if unit not in ROW:
        return "the drawing does not show where this module stands"
    if (unit, other) in SIDEWAYS or (module, found.scope, other) in EXCEPTIONS:
        return None
    if ROW[other] == ROW[unit]:
        return f"{other} stands beside {unit}, not below it"
    return f"{other} stands above {unit}" if ROW[other] > ROW[unit] else None


def judge_outside(module: str, found: Import) -> str | None:
    """What is wrong with importing another library here, if anything."""
    library = found.target.split(".")[0]
    if found.target == COMPUTED:
        return None if module in TOP or module in BY_NAME else "an import by a name that is computed"
    if library in sys.stdlib_module_names or library == "numpy":
        return None
    doors = next((doors for name, doors in DOORS.items() if is_within(found.target, (name,))), ())
    if not is_within(module, doors):
        return f"{found.target} comes in through {' or '.join(doors) or 'no door'} only"
    late = found.scope or is_within(module, AT_LOAD.get(library, ()))
    return None if late else f"{found.target} is heavy: import it inside the function that uses it"


def find_violations(package: Path) -> list[str]:
    """Every import of the package in a folder that breaks a rule, as path:line and reason."""
    violations = []
    for path in sorted(package.rglob("*.py")):
        module = ".".join(path.relative_to(package).with_suffix("").parts).removesuffix(".__init__")
        inside = "chainrule" if module == "__init__" else f"chainrule.{module}"
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for found in read_imports(tree, inside, is_package=path.stem == "__init__"):
            judge = judge_inside if found.target.split(".")[0] == "chainrule" else judge_outside
            if reason := judge(module, found):
                violations.append(f"{path.relative_to(package).as_posix()}:{found.line}: {reason}")
    return violations


def test_imports_point_down_and_use_the_doors() -> None:
    assert not find_violations(PACKAGE)


def test_drawing_is_the_one_that_contributors_see() -> None:
    assert DRAWING in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("module", "scope", "other"), EXCEPTIONS)
def test_exceptions_are_still_needed(module: str, scope: str, other: str) -> None:
    tree = ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))
    imports = read_imports(tree, f"chainrule.{module}", is_package=False)
    assert any(found.scope == scope and found.target.split(".")[1] == other for found in imports)


@pytest.mark.parametrize(
    ("path", "source", "reason"),
    [
        ("network.py", "from chainrule.model import Model", "network.py:1: model stands above network"),
        ("network.py", "def f():\n    import chainrule.model", "network.py:2: model stands above network"),
        ("network.py", "class Network:\n    def other(self):\n        from chainrule.model import Model", "above"),
        ("network.py", "from .model import Model", "model stands above network"),
        ("network.py", "from . import model", "model stands above network"),
        ("network.py", "from chainrule import train", "chainrule.train is not a part"),
        ("network.py", "import chainrule", "chainrule is not a part"),
        ("data/x.py", "if TYPE_CHECKING:\n    from chainrule.model import Model", "data/x.py:2: model stands above"),
        ("network.py", "import importlib\nimportlib.import_module('chainrule.model')", "py:2: model stands above"),
        (
            "network.py",
            "import importlib\nname = 'x'\nimportlib.import_module(name)",
            "py:3: an import by a name that is computed",
        ),
        ("data/tables.py", "from chainrule.formulas import catalogue", "formulas stands beside data"),
        ("data/tables.py", "from ..formulas import catalogue", "formulas stands beside data"),
        ("data/__init__.py", "from ..formulas import catalogue", "data/__init__.py:1: formulas stands beside data"),
        ("errors.py", "from chainrule.streams import normals", "streams stands beside errors"),
        ("streams.py", "from chainrule.network import Network", "network stands above streams"),
        ("helpers.py", "from chainrule.errors import DataError", "does not show where this module stands"),
        ("model.py", "from chainrule.helpers import helper", "chainrule.helpers is not a part"),
        ("model.py", "import tensorflow", "tensorflow comes in through no door only"),
        ("model.py", "import pandas", "pandas comes in through data only"),
        ("model.py", "def f():\n    import pandas as pd", "pandas comes in through data only"),
        ("data/tables.py", "import pandas as pd", "pandas is heavy"),
        ("data/tables.py", "class Table:\n    import pandas as pd", "pandas is heavy"),
        ("data/tables.py", "try:\n    import pyarrow\nexcept ImportError:\n    pass", "pyarrow is heavy"),
        ("data/tables.py", "if TYPE_CHECKING:\n    pass\nelse:\n    import pandas", "pandas is heavy"),
        ("formulas/losses.py", "from scipy import optimize", "scipy.optimize comes in through training only"),
        ("formulas/losses.py", "from scipy.special import erf", "scipy.special.erf is heavy"),
        (
            "engines/reference.py",
            "def f():\n    import llvmlite",
            "llvmlite comes in through bench or engines.compiled",
        ),
        ("cli/train.py", "import rich", "rich is heavy"),
        ("recipes.py", "import typer", "typer comes in through cli only"),
    ],
)
def test_checker_finds(tmp_path: Path, path: str, source: str, reason: str) -> None:
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).write_text(source, encoding="utf-8")
    (violation,) = find_violations(tmp_path)
    assert reason in violation


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("network.py", "class Network:\n    def init(self):\n        from chainrule.model import Model"),
        ("network.py", "import math\nimport numpy as np\nfrom chainrule import errors, formulas\nfrom .data import f"),
        ("streams.py", "from chainrule.errors import UsageError"),
        ("storage/files.py", "from chainrule._version import __version__\nfrom .atomic import write"),
        ("training/loop.py", "from . import callbacks\nfrom ..engines import reference"),
        ("data/tables.py", "def f():\n    import pandas as pd\nif TYPE_CHECKING:\n    import pandas as pd"),
        ("formulas/losses.py", "def f():\n    from scipy.special import erf"),
        ("cli/train.py", "import typer\nfrom chainrule.recipes import prepare"),
        ("__init__.py", "import importlib\nimportlib.import_module('chainrule.cli')"),
        ("__init__.py", "import importlib\ndef __getattr__(name):\n    importlib.import_module(PLACES[name])"),
        ("__main__.py", "from chainrule.cli import main"),
    ],
)
def test_checker_allows(tmp_path: Path, path: str, source: str) -> None:
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).write_text(source, encoding="utf-8")
    assert not find_violations(tmp_path)
