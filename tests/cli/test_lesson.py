"""`chainrule lesson`: the list, running a lesson, its settings as options, pictures, and what can go wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from chainrule import lessons
from chainrule.cli import viewer
from chainrule.errors import ChainruleError
from chainrule.language import Message
from chainrule.lessons import Lesson, Setting, Story
from chainrule.text import text_width

from .conftest import Runner
from .test_bad_input import check

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX only")


def tell(
    story: Story,
    n: int,
    b: float,
    W: tuple[Any, ...],
    test_share: float,
    bent: bool,
    how: str,
    data_dir: str | None,
) -> None:
    story.say("It begins, with {name}.", name="\x1b[31mred")
    story.heading("A part")
    story.formula("z = w·x", r"z = w \cdot x")
    story.table((Message("name"), "z"), [("神经元", 1.5), ("bias", -10.25)])
    story.line("Epoch {j}", j=1)
    story.try_next("A smaller b.", command="made-up --b -3")
    if bent:
        from chainrule import SGD, train
        from chainrule.network import Network

        network = Network.from_sizes([1, 1])
        train(network, [[0.0], [1.0]], [0.0, 1.0], epochs=n, optimizer=SGD(0.1), callbacks=story.callbacks)
        story.say("trained")
    story.value("sum", n + b, expected=7.0, within=0.5)
    story.value("bad", float("nan"))
    story.series("path", [1.0, 2.0])
    story.check("b is not 13", b != 13)
    story.picture(draw)
    story.animation(lambda path: Path(path).write_bytes(b"GIF89a"))


def draw() -> Any:
    from chainrule.plots import first_layer_weights

    return first_layer_weights([[0.5, -0.5]], (1, 2))


MADE_UP = Lesson(
    name="made-up",
    title=Message("Made up"),
    summary=Message("a lesson with every kind of setting"),
    tell=tell,
    settings=(
        Setting("n", 3, "how many", least=1),
        Setting("b", 4.0, "the bias", above=-20, most=20),
        Setting("W", ((1.0, 2.0), (3.0, 4.0)), "a matrix"),
        Setting("test_share", 0.25, "a share in [0, 1)"),
        Setting("bent", False, "whether it bends"),
        Setting("how", "sgd", "by what", choices=("sgd", "adam")),
        Setting("data_dir", None, "where [bold]files[/bold] are", kind=str),
    ),
    animated=True,
)


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A course of three lessons, one of them made up."""
    module = ModuleType("chainrule.lessons.made_up")
    module.LESSON = MADE_UP  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(lessons, "NAMES", ("mp-neuron", "neuron", "made-up"))


# The list


def test_list_has_every_lesson_in_order_on_a_line(chainrule: Runner) -> None:
    run = chainrule("lesson")
    assert run.code == 0, run.err
    lines = run.out.splitlines()[: len(lessons.NAMES)]
    assert [line.split()[:2] for line in lines] == [[str(k), name] for k, name in enumerate(lessons.NAMES, start=1)]
    assert max(text_width(line.rstrip()) for line in lines) <= 80
    assert "Run one with: chainrule lesson mp-neuron" in run.out


def test_list_as_json(chainrule: Runner, made_up: None) -> None:
    run = chainrule("lesson", "--json")
    listed = json.loads(run.out)["lessons"]
    assert [each["name"] for each in listed] == list(lessons.NAMES)
    assert listed[2] == {"name": "made-up", "title": "Made up", "summary": "a lesson with every kind of setting"}
    check(chainrule("lesson", "--json", "neuron"), 2, "--json belongs behind the name")


def test_help_lists_the_lessons(chainrule: Runner, made_up: None) -> None:
    run = chainrule("lesson", "--help")
    assert run.code == 0
    assert "made-up" in run.out
    assert "a lesson with every kind" in run.out


def test_only_the_lesson_that_runs_is_imported() -> None:
    code = (
        "import sys; from chainrule.cli import main; main(['lesson', 'neuron', '--help']);"
        "print(sorted(n for n in sys.modules if n.startswith('chainrule.lessons.')), 'matplotlib' in sys.modules,"
        " file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8")
    assert "mp_neuron" not in run.stderr
    assert run.stderr.strip().endswith("False")


# Running one


def test_lesson_is_told(chainrule: Runner, made_up: None) -> None:
    run = chainrule("lesson", "made-up")
    assert run.code == 0, run.err
    assert run.err == ""
    assert run.out.splitlines() == [
        *("Lesson 3: Made up", "a lesson with every kind of setting", ""),
        *("It begins, with \\x1b[31mred.", "", "A part", "", "    z = w·x", ""),
        *("name         z", "──────────────", "神经元    1.5 ", "bias    -10.25")[:2],
        *("神经元    1.5", "bias    -10.25", "", "Epoch 1", ""),
        *("✓ sum = 7, expected 7 ± 0.5", "✓ b is not 13", "", "Try next", "  A smaller b."),
        *("    chainrule lesson made-up --b -3", "  See it as a picture:"),
        "    chainrule lesson made-up --plot made-up.png",
    ]


def test_settings_are_options(chainrule: Runner, made_up: None) -> None:
    options = "--n 4 --b -3.5 --W -1,2;3,-4e1 --test-share 0.5 --bent --how adam --data-dir somewhere"
    run = chainrule("lesson", "made-up", *options.split(), "--json")
    assert run.code == 0, run.err
    assert json.loads(run.out)["settings"] == {
        "n": 4,
        "b": -3.5,
        "W": [[-1.0, 2.0], [3.0, -40.0]],
        "test_share": 0.5,
        "bent": True,
        "how": "adam",
        "data_dir": "somewhere",
    }
    again = "--n 4 --b -3.5 --W '-1,2;3,-40' --test-share 0.5 --bent --how adam --data-dir somewhere"
    assert f"chainrule lesson made-up {again} --plot made-up.png" in run.err.replace('"', "'")


def test_matrix_with_blanks_and_a_flag_that_is_off(chainrule: Runner, made_up: None) -> None:
    found = json.loads(chainrule("lesson", "made-up", "--W", "1 2; 3 4", "--no-bent", "--json").out)
    assert found["settings"]["W"] == [[1.0, 2.0], [3.0, 4.0]]
    assert found["settings"]["bent"] is False


def test_help_shows_settings_with_defaults_and_bounds(chainrule: Runner, made_up: None) -> None:
    run = chainrule("lesson", "made-up", "--help")
    assert run.code == 0
    text = " ".join(run.out.replace("│", " ").split())
    for words in (
        "Made up: a lesson with every kind of setting",
        "how many (default: 3; >= 1)",
        "the bias (default: 4; > -20; <= 20)",
        "a matrix (default: 1,2;3,4)",
        "a share in [0, 1) (default: 0.25)",
        "--bent",
        "--no-bent",
        "whether it bends (default: no)",
        "by what (default: sgd; sgd, adam)",
        "where [bold]files[/bold] are",
        "Draw the lesson's picture",
    ):
        assert words in text


def test_json_is_one_object_and_all_else_aside(chainrule: Runner, made_up: None) -> None:
    run = chainrule("lesson", "made-up", "--json")
    found = json.loads(run.out)
    assert list(found) == ["name", "settings", "values", "series", "checks"]
    assert found["values"] == {"sum": 7.0, "bad": None}
    assert found["series"] == {"path": [1.0, 2.0]}
    assert found["checks"] == [
        {"name": "sum", "passed": True, "value": 7.0, "expected": 7.0, "within": 0.5},
        {"name": "b is not 13", "passed": True},
    ]
    assert "It begins" in run.err


def test_narrow_and_wide_terminals(chainrule: Runner, made_up: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    lines = chainrule("lesson", "neuron").out.splitlines()
    words = [line for line in lines if not line.startswith("    ")]  # formulas and commands are not broken
    assert max(map(text_width, words)) <= 30
    monkeypatch.setenv("COLUMNS", "300")
    assert 80 < max(map(text_width, chainrule("lesson", "neuron").out.splitlines())) <= 100


def test_lesson_in_chinese(chainrule: Runner, made_up: None) -> None:
    run = chainrule("lesson", "neuron", "--lang", "zh", "--json")
    assert run.code == 0
    assert json.loads(run.out)["checks"][0]["name"] == "output"


# Pictures


@pytest.mark.parametrize(("name", "head"), [("a.png", b"\x89PNG"), ("a.svg", b"<?xml")])
def test_plot(name: str, head: bytes, chainrule: Runner, made_up: None) -> None:
    run = chainrule("lesson", "made-up", "--plot", name)
    assert run.code == 0, run.err
    assert Path(name).read_bytes().startswith(head)
    assert f"picture  {name}" in run.out
    assert "See it as a picture" not in run.out


def test_animate(chainrule: Runner, made_up: None) -> None:
    run = chainrule("lesson", "made-up", "--animate", "a.gif")
    assert run.code == 0, run.err
    assert Path("a.gif").read_bytes() == b"GIF89a"
    assert "animation  a.gif" in run.out


def test_show(chainrule: Runner, made_up: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shown: list[Path] = []
    monkeypatch.setattr(viewer, "find_viewer", lambda: shown.append)
    monkeypatch.setattr("tempfile.mkdtemp", lambda prefix: str(tmp_path))
    assert chainrule("lesson", "made-up", "--show").code == 0
    assert shown == [tmp_path / "made-up.png"]
    assert shown[0].exists()


@posix
@pytest.mark.skipif(sys.platform == "darwin", reason="of the X Window System and Wayland")
def test_show_where_there_is_no_display_or_program(
    chainrule: Runner, made_up: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    run = chainrule("lesson", "made-up", "--show")
    check(run, 1, "no display", "--plot")
    assert "It begins" not in run.out
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("PATH", "")
    check(chainrule("lesson", "made-up", "--show"), 1, "xdg-open", "--plot")


@posix
@pytest.mark.parametrize(("body", "works"), [("exit 0", True), ("exit 3", False), ("sleep 3", True)])
def test_viewers(body: str, works: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "open" if sys.platform == "darwin" else "xdg-open"
    (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n", encoding="ascii")
    (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path) + os.pathsep + os.environ["PATH"])
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(viewer, "_PATIENCE", 1.0)
    monkeypatch.setattr(subprocess.Popen, "__del__", lambda self: None, raising=False)  # the viewer outlives us
    show = viewer.find_viewer()
    if works:
        show(tmp_path / "a.png")
    else:
        with pytest.raises(ChainruleError, match=r"exit code 3.*a\.png"):
            show(tmp_path / "a.png")


# What can go wrong


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["made"], ["unknown lesson 'made'", "made-up"]),
        (["neron"], ["did you mean 'neuron'"]),
        (["made-up", "--n", "0"], ["n is '0'", ">= 1", "such as 3"]),
        (["made-up", "--n", "many"], ["n is 'many'", "a whole number"]),
        (["made-up", "--b", "nan"], ["b is 'nan'", "a number"]),
        (["made-up", "--b"], ["--b", "--help"]),
        (["made-up", "--W", "1 2"], ["W is '1 2'", "2 rows of 2 numbers, such as 1,2;3,4"]),
        (["made-up", "--how", "adma"], ["unknown how 'adma'", "did you mean 'adam'"]),
        (["made-up", "--m", "3"], ["--m", "chainrule lesson made-up --help"]),
        (["made-up", "extra"], ["extra"]),
        (["made-up", "--plot", "a.txt"], ["a.txt", ".svg"]),
        (["made-up", "--animate", "a.png"], ["a.png", ".gif, .mp4"]),
        (["neuron", "--animate", "a.gif"], ["neuron has no animation", "made-up"]),
        (["neuron", "--lang", "de"], ["unknown language 'de'"]),
    ],
)
def test_wrong_usage(arguments: list[str], words: list[str], chainrule: Runner, made_up: None) -> None:
    run = chainrule("lesson", *arguments)
    check(run, 2, *words)
    assert run.out == ""


@pytest.mark.parametrize("option", ["--plot", "--animate"])
def test_places_are_seen_before_the_work(option: str, chainrule: Runner, made_up: None) -> None:
    name = "none/a.png" if option == "--plot" else "none/a.gif"
    run = chainrule("lesson", "made-up", option, name)
    check(run, 1, "no folder none")
    assert run.out == ""
    Path(Path(name).name).mkdir()
    check(chainrule("lesson", "made-up", option, Path(name).name), 1, "is a folder")


def test_failed_checks(chainrule: Runner, made_up: None, monkeypatch: pytest.MonkeyPatch) -> None:
    run = chainrule("lesson", "made-up", "--b", "13")
    assert run.code == 0  # nobody knows what comes out with other settings
    assert "✗ does not hold: b is not 13" in run.out
    monkeypatch.setattr(lessons.story.Story, "value", lambda self, key, *_, **__: self.check("{key}", False, key=key))
    run = chainrule("lesson", "made-up", "--json")
    check(run, 1, "a check failed", "report")
    assert json.loads(run.out)["checks"][0] == {"name": "sum", "passed": False}
    assert "Try next" in run.err


def test_lesson_without_its_extra(chainrule: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sympy", None)
    check(chainrule("lesson", "descent-1d"), 1, "sympy", 'pip install "chainrule[lessons]"')


# Terminals

SLOW = """
import sys, types
from pathlib import Path
sys.path.insert(0, {folder!r})
from chainrule import lessons
from chainrule.cli import main
made_up = types.ModuleType("chainrule.lessons.made_up")
{setup}
sys.modules["chainrule.lessons.made_up"] = made_up
lessons.NAMES = (*lessons.NAMES, "made-up")
sys.exit(main(["lesson", "made-up", "--n", "1000000", "--bent"]))
"""

SETUP = """
from chainrule import SGD, Network, train
from chainrule.language import Message
from chainrule.lessons import Lesson, Setting
def tell(story, n, bent):
    story.say("It begins.")
    train(Network.from_sizes([1, 1]), [[0.0], [1.0]], [0.0, 1.0], epochs=n, optimizer=SGD(0.1),
          callbacks=story.callbacks)
    story.say("trained")
made_up.LESSON = Lesson("made-up", Message("Made up"), Message("slow"), tell,
                        (Setting("n", 3, "n"), Setting("bent", False, "bent")))
"""


@posix
def test_ctrl_c_ends_a_lesson_in_training(tmp_path: Path) -> None:
    code = SLOW.format(folder=str(tmp_path), setup=SETUP)
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("It begins"):
            break
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "the lesson was stopped before its end" in err
    assert "trained" not in out


@posix
def test_lines_are_printed_above_a_progress_bar(tmp_path: Path) -> None:
    """On a terminal, what a lesson tells while it trains stands on lines of its own."""
    import pty

    code = SLOW.replace("1000000", "400").format(folder=str(tmp_path), setup=TELLING)
    process, terminal = pty.fork()
    if process == 0:
        os.environ.update(TERM="xterm", COLUMNS="80", LINES="24")
        os.execv(sys.executable, [sys.executable, "-c", code])
    shown = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0, shown
    assert b"epoch 400/400" in shown
    # Before each line the cursor is at the left edge of an empty line.
    before = [shown[: shown.index(line)][-4:] for line in (b"Told 1", b"Told 2")]
    assert all(each.endswith((b"\n", b"\x1b[2K", b"\r")) for each in before), shown


TELLING = """
import time
from chainrule import SGD, Callback, Network, train
from chainrule.language import Message
from chainrule.lessons import Lesson, Setting
def tell(story, n, bent):
    story.say("It begins.")
    class Teller(Callback):
        def epoch(self, info):
            time.sleep(0.002)
            if info.epoch % 100 == 0:
                story.line("Told {j}", j=info.epoch // 100)
    train(Network.from_sizes([1, 1]), [[0.0], [1.0]], [0.0, 1.0], epochs=n, optimizer=SGD(0.1),
          callbacks=[*story.callbacks, Teller()])
made_up.LESSON = Lesson("made-up", Message("Made up"), Message("slow"), tell,
                        (Setting("n", 3, "n"), Setting("bent", False, "bent")))
"""
