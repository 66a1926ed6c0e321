"""What is public is listed, exists and is documented with an example, and importing the package costs little."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "src" / "chainrule"

# Modules whose functions and classes need no example of their own, and why.
NO_EXAMPLES = {
    "chainrule.arrays": "what Model and train() do with the arrays they are given",
    "chainrule.cli": "commands are shown in use in docs/command-line.md",
    "chainrule.engines.compiled": "what writes machine code; docs/engine.md shows how",
    "chainrule.engines.protocol": "records that pass between an engine and its caller",
    "chainrule.errors": "errors are raised, not called",
    "chainrule.formulas.activations": "the docstring is the equation",
    "chainrule.formulas.initializers": "the docstring is the equation",
    "chainrule.formulas.losses": "the docstring is the equation",
    "chainrule.formulas.metrics": "the docstring is the equation",
    "chainrule.formulas.optimizers": "the docstring is the equation",
    "chainrule.formulas.penalties": "the docstring is the equation",
    "chainrule.formulas.records": "the catalogue is full of them",
    "chainrule.formulas.schedules": "the docstring is the equation",
    "chainrule.lessons": "people call lessons.run, whose module has an example",
}
# The same for single names.
NO_EXAMPLE = {
    "chainrule.data.files.load_file": "needs a file; docs/data.md has one",
    "chainrule.data.images.load_images": "needs four files; docs/data.md has them",
    "chainrule.model.measure": "people call Model.evaluate",
    "chainrule.network.Entry": "a network makes them",
    "chainrule.plots.descent.film_descent": "takes seconds; docs/descent.md has one",
    "chainrule.plots.watching.film_learning": "takes seconds",
    "chainrule.training.callbacks.Info": "train() makes them",
}

HEAVY = {
    "matplotlib",
    "llvmlite",
    "pandas",
    "platformdirs",
    "pyarrow",
    "rich",
    "safetensors",
    "scipy",
    "sklearn",
    "sympy",
    "tensorboardX",
    "typer",
}

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Public(NamedTuple):
    """A public function or class, where it is defined."""

    module: str
    name: str
    node: Definition

    @property
    def path(self) -> str:
        return f"{self.module}.{self.name}"


def find_modules() -> dict[str, ast.Module]:
    """Every public module's name and syntax tree; what begins with an underscore is private."""
    modules = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        if not any(part.startswith("_") for part in name.split(".")):
            modules[name] = ast.parse(path.read_text(encoding="utf-8"))
    return modules


def find_definitions(modules: dict[str, ast.Module]) -> list[Public]:
    """Every function and class at the top level of a module whose name does not begin with an underscore."""
    return [
        Public(module, node.name, node)
        for module, tree in modules.items()
        for node in tree.body
        if isinstance(node, Definition) and not node.name.startswith("_")
    ]


def find_offered(modules: dict[str, ast.Module]) -> set[str]:
    """What chainrule.plots and its like list in ``__all__``: the names that people use, as ``chainrule.plots.name``."""
    return {
        f"{module}.{name}"
        for module, tree in modules.items()
        for node in tree.body
        if module.count(".") == 1 and isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        for name in ast.literal_eval(node.value)
    }


def has_example(node: Definition) -> bool:
    """Whether the docstring shows an example; for a class, one of its methods' docstrings will do."""
    nodes = [node, *(child for child in node.body if isinstance(child, ast.FunctionDef))]
    return any(">>>" in (ast.get_docstring(each) or "") for each in nodes)


def is_record(node: Definition) -> bool:
    """Whether it is a class of fields only, or an interface: what functions give and take, with nothing to run."""
    methods = [child.name for child in node.body if isinstance(child, ast.FunctionDef)]
    interface = isinstance(node, ast.ClassDef) and "Protocol" in map(ast.unparse, node.bases)
    return interface or (isinstance(node, ast.ClassDef) and all(method.startswith("_") for method in methods))


def is_exempt(public: Public, offered: set[str]) -> bool:
    """Whether nobody expects an example: listed above, a helper inside a package, or a record."""
    package = ".".join(public.module.split(".")[:2])
    helper = f"{package}.{public.name}" not in offered
    listed = any(f"{public.module}.".startswith(f"{module}.") for module in NO_EXAMPLES)
    return helper or is_record(public.node) or listed or public.path in NO_EXAMPLE


MODULES = find_modules()
DEFINITIONS = find_definitions(MODULES)
OFFERED = find_offered(MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_all_lists_what_exists(module: str) -> None:
    loaded = importlib.import_module(module)
    assert len(set(loaded.__all__)) == len(loaded.__all__)
    assert not [name for name in loaded.__all__ if not hasattr(loaded, name)]


@pytest.mark.parametrize("module", MODULES)
def test_all_lists_every_public_definition(module: str) -> None:
    listed = importlib.import_module(module).__all__
    if hasattr(importlib.import_module(module), "LESSON"):
        listed = [*listed, "tell"]  # a lesson is told through its record
    assert not [public.name for public in DEFINITIONS if public.module == module and public.name not in listed]


@pytest.mark.parametrize("public", DEFINITIONS, ids=lambda p: p.path)
def test_docstring_begins_with_a_sentence(public: Public) -> None:
    docstring = ast.get_docstring(public.node)
    assert docstring, "it has no docstring"
    assert docstring.split("\n\n")[0].rstrip().endswith((".", "?", ":")), "its first paragraph is not a sentence"


@pytest.mark.parametrize(
    "public", [p for p in DEFINITIONS if not is_exempt(p, OFFERED)], ids=lambda public: public.path
)
def test_docstring_has_an_example(public: Public) -> None:
    assert has_example(public.node), "show it in use (>>>), or list it in NO_EXAMPLE with the reason"


def test_exemptions_are_still_needed() -> None:
    paths = {public.path: public for public in DEFINITIONS}
    assert not [name for name in NO_EXAMPLE if name not in paths or has_example(paths[name].node)]
    assert not [module for module in NO_EXAMPLES if module not in MODULES]


def test_package_lists_its_names_without_loading_them() -> None:
    import chainrule

    assert set(chainrule.__all__) <= set(dir(chainrule))
    with pytest.raises(AttributeError, match="no_such_name"):
        chainrule.no_such_name  # noqa: B018


@pytest.mark.parametrize("statement", ["import chainrule", "from chainrule import Network, train, save, load"])
def test_import_loads_no_heavy_library(statement: str) -> None:
    script = f"{statement}; import sys; print(*sorted(sys.modules))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True)
    loaded = run.stdout.split()
    assert "numpy" in loaded or statement == "import chainrule"
    assert not HEAVY & set(loaded)


def test_checker_tells_examples_and_exemptions() -> None:
    tree = ast.parse(
        '__all__ = ["bare", "shown", "Shown", "Silent", "Record", "Interface"]\n'
        'def bare(): "A sentence."\n'
        'def shown(): "A sentence.\\n\\n>>> shown()"\n'
        'class Shown:\n    "A sentence."\n    def method(self): ">>> Shown().method()"\n'
        'class Silent:\n    "A sentence."\n    def method(self): "A sentence."\n'
        'class Record:\n    "A sentence."\n    field: int\n'
        'class Interface(Protocol):\n    "A sentence."\n    def method(self): "A sentence."\n'
        'def helper(): "A sentence."\n'
        "def _private(): pass\n"
    )
    modules = {"chainrule.made_up": tree}
    found = {public.name: public for public in find_definitions(modules)}
    assert set(found) == {"bare", "shown", "Shown", "Silent", "Record", "Interface", "helper"}
    assert {name for name, public in found.items() if has_example(public.node)} == {"shown", "Shown"}
    exempt = {name for name, public in found.items() if is_exempt(public, find_offered(modules))}
    assert exempt == {"Record", "Interface", "helper"}
