from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest
from matplotlib.colors import to_hex

import chainrule.plots
from chainrule.plots import confusion_matrix, learning_curves
from chainrule.plots.style import drawing, heading, shorten, text_width

DRAW_ALL = """
import sys
from types import SimpleNamespace as N
import chainrule.plots as plots
assert "matplotlib" not in sys.modules, "importing the package loads matplotlib"
model = N(network=N(depth=1, inputs=2, dense=[N(activation=N(name="relu"))]), W={1: [[1.0, -1.0]]}, b={1: None})
figures = [
    plots.learning_curves(N(series={"loss": [1.0]})),
    plots.confusion_matrix([0], [0], [0, 1]),
    plots.decision_regions(lambda X: (X[:, 0] > 0).astype(int), [[0, 0], [1, 1]], [0, 1]),
    plots.network_diagram(model),
    plots.first_layer_weights([[1.0, 2.0]], (1, 2)),
    plots.digits([[1.0, 2.0, 3.0, 4.0]], [1]),
    plots.predictions_beside_truth([1.0, 2.0], [1.0, 2.5]),
]
for number, figure in enumerate(figures):
    plots.save_figure(figure, f"{sys.argv[1]}/{number}.svg")
    figure._repr_png_()
assert "matplotlib.pyplot" not in sys.modules, "something imports pyplot"
"""


def test_no_picture_needs_pyplot(tmp_path):
    source = Path(chainrule.plots.__file__).parents[2]
    code = f"import sys; sys.path.insert(0, {str(source)!r})\n" + DRAW_ALL
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.iterdir())) == 7


def test_settings_are_left_as_they_were(make_history):
    before = dict(matplotlib.rcParams)
    learning_curves(make_history(3))
    with pytest.raises(ZeroDivisionError), drawing(3, 3):
        _ = 1 / 0
    assert dict(matplotlib.rcParams) == before


def test_a_users_own_style_stays_out():
    with matplotlib.rc_context({"figure.facecolor": "black", "font.size": 30, "axes.edgecolor": "white"}):
        figure = confusion_matrix([0], [0], [0, 1])
    assert to_hex(figure.get_facecolor()) == "#ffffff"
    assert figure.axes[0].get_xticklabels()[0].get_fontsize() <= 10


def test_notebooks_get_an_image(make_history):
    assert learning_curves(make_history(2))._repr_png_().startswith(b"\x89PNG")


def test_figures_can_be_pickled(make_history):
    import pickle

    figure = pickle.loads(pickle.dumps(learning_curves(make_history(2))))
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_long_headings_are_wrapped():
    with drawing(4, 3) as figure:
        heading(figure, "word " * 30, "detail")
    lines = figure.get_suptitle().split("\n")
    assert len(lines) > 2
    assert lines[-1] == "detail"


@pytest.mark.parametrize("longest", [3, 4, 12, 24])
def test_shortened_names_have_both_ends(longest):
    short = shorten("Married-spouse-absent" * 2, longest)
    assert len(short) == longest
    assert "Married"[: longest // 2].startswith(short[:1])
    assert short.endswith("t")
    assert shorten("two\nlines  here") == "two lines here"


def test_chinese_is_wider():
    assert text_width("中文", 10.0) == 20.0 > text_width("ab", 10.0)
