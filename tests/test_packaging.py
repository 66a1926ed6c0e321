"""What is installed is what was written: one version, honest dependencies, a whole wheel, recipes for all systems."""

from __future__ import annotations

import ast
import importlib.util
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest

from chainrule import lessons

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "chainrule"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")

# Libraries that are installed under another name than they are imported by.
DISTRIBUTIONS = {"sklearn": "scikit-learn"}
# What recipes may begin with: commands that exist on every system once Python does.
COMMANDS = (
    "$(BIN)/chainrule$(EXE) ",
    "$(PIP_INSTALL) ",
    "$(PYTHON) ",
    "$(REMOVE) ",
    "$(TOUCH) ",
    "$(VENV_PYTHON) ",
    "$(info ",
    "cd .",
)


def read_trees() -> Iterator[ast.Module]:
    for path in PACKAGE.rglob("*.py"):
        yield ast.parse(path.read_text(encoding="utf-8"))


def find_libraries() -> set[str]:
    """The distributions that the package's import statements name, at whatever depth."""
    names = set()
    for tree in read_trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                names.add(node.module.split(".")[0])
    return {DISTRIBUTIONS.get(name, name) for name in names - sys.stdlib_module_names - {"chainrule"}}


def names_of(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=!~ ]", requirement)[0] for requirement in requirements}


def load_script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_version_is_the_same_everywhere() -> None:
    from chainrule._version import __version__

    assert metadata.version("chainrule") == __version__
    assert f"\nversion: {__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "\n## [Unreleased]\n" in changelog
    assert __version__ in changelog


def test_python_versions_are_the_same_everywhere() -> None:
    minors = re.findall(r"Python :: 3\.(\d+)", " ".join(PROJECT["classifiers"]))
    matrix = re.search(r"python: \[(.*)\]", (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    assert matrix
    assert matrix[1] == ", ".join(f'"3.{minor}"' for minor in minors)
    assert PROJECT["requires-python"].removeprefix(">=3.") == minors[0]
    assert list(load_script("make_venv").OLDEST) == [3, int(minors[0])]


def test_every_library_used_is_declared() -> None:
    declared = names_of(PROJECT["dependencies"]).union(*map(names_of, EXTRAS.values()))
    assert find_libraries() <= declared


def test_every_library_that_all_users_get_is_used() -> None:
    assert names_of(PROJECT["dependencies"]) <= find_libraries()


@pytest.mark.parametrize("requirement", [*PROJECT["dependencies"], *(r for extra in EXTRAS.values() for r in extra)])
def test_requirements_have_a_lower_bound_and_no_upper_one(requirement: str) -> None:
    assert re.fullmatch(r"chainrule\[[\w,]+\]|[\w-]+(\[\w+\])?>=[\d.]+", requirement)


def test_all_holds_every_extra_for_users() -> None:
    (everything,) = EXTRAS["all"]
    assert set(re.findall(r"\w+", everything)) == {"chainrule"} | set(EXTRAS) - {"all", "dev", "docs", "test"}


def test_errors_name_extras_that_exist() -> None:
    calls = (node for tree in read_trees() for node in ast.walk(tree) if isinstance(node, ast.Call))
    missing = [call for call in calls if ast.unparse(call.func).endswith("MissingExtra.of")]
    given = ([*call.args, *(k.value for k in call.keywords)][2] for call in missing)
    extras = {each.value for each in given if isinstance(each, ast.Constant)}  # a lesson's own is in its record
    extras |= {lessons.find(name).extra for name in lessons.NAMES} - {""}
    assert extras <= set(EXTRAS)


def test_command_is_installed() -> None:
    (script,) = metadata.entry_points(group="console_scripts", name="chainrule")
    assert script.value == PROJECT["scripts"]["chainrule"]
    assert callable(script.load())


def test_wheel_holds_the_whole_package_and_nothing_else(tmp_path: Path) -> None:
    from hatchling.builders.wheel import WheelBuilder

    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
        notes = {name.partition(".dist-info/")[2] for name in archive.namelist()}
    files = (path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    assert packed == {path.relative_to(ROOT / "src").as_posix() for path in files}
    assert "chainrule/py.typed" in packed
    assert {"licenses/LICENSE", "entry_points.txt"} <= notes


def test_recipes_run_on_every_system() -> None:
    """No shell syntax and no command that only POSIX systems have."""
    recipes = [line.strip().lstrip("@") for line in MAKEFILE.split("\n") if line.startswith("\t")]
    assert len(recipes) > 20
    assert not [line for line in recipes if not line.startswith(COMMANDS)]
    bare = [re.sub(r'"[^"]*"', "", line) for line in recipes if not line.startswith("$(info")]
    assert not [line for line in bare if re.search(r"[&|;<>`'*?]|\$\$", line)]


def test_help_names_every_target() -> None:
    if shutil.which("make") is None:
        pytest.skip("make is not on PATH")
    run = subprocess.run(["make", "--no-print-directory"], cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    phony = re.search(r"^\.PHONY: help (.*)$", MAKEFILE, re.MULTILINE)
    assert phony
    assert re.findall(r"^make ([\w-]+)", run.stdout, re.MULTILINE) == phony[1].split()


def test_python_that_is_too_old_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    script = load_script("make_venv")
    monkeypatch.setattr(script, "OLDEST", (99, 0))
    monkeypatch.setattr(script.sys, "argv", ["make_venv.py", "nowhere", "--search"])
    with pytest.raises(SystemExit, match=r"needs Python 3\.11 or newer; .* is Python 3\.(.|\n)*PYTHON="):
        script.main()


def test_newer_python_is_searched_for_only_when_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    script = load_script("make_venv")
    monkeypatch.setattr(script, "TRIED", ["no-such-python", sys.executable])
    monkeypatch.setattr(script.sys, "version_info", (3, 9, 1))
    assert script.find_python(search=True) == sys.executable
    assert script.find_python(search=False) is None
