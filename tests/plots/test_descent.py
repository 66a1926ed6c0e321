"""Pictures of descents: what is drawn, in which limits, and that no words overlap."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from PIL import Image

from chainrule.descent import Descent, descend
from chainrule.errors import ShapeError, UsageError
from chainrule.plots.contours import paths_on_contours
from chainrule.plots.descent import descent_on_curve, descent_on_surface, film_descent
from chainrule.plots.walking import limits


def parabola(rate: float, steps: int = 4) -> Descent:
    return descend("theta**2", 1.0, rate=rate, steps=steps)


def bowl(rate: float = 0.1, steps: int = 8) -> Descent:
    return descend("theta1**2 + theta2**2", (2, 3), rate=rate, steps=steps)


def drawn(axes: Axes, marker: str) -> np.ndarray:
    """The points of all lines with this marker."""
    lines = [line for line in axes.lines if line.get_marker() == marker]
    return np.concatenate([np.column_stack(line.get_data()) for line in lines]) if lines else np.empty((0, 2))


def numbers(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts if text.get_text()]


@pytest.mark.parametrize("rate", [0.02, 0.4, 0.9, 1.1, 40.0])
@pytest.mark.parametrize("steps", [1, 4, 60])
def test_curve_texts_do_not_overlap(check_texts, rate, steps):
    check_texts(descent_on_curve(parabola(rate, steps)))


def test_panels_side_by_side(check_texts):
    figure = descent_on_curve([parabola(0.02), parabola(0.4), parabola(1.1)], titles=["small", "right", "large"])
    check_texts(figure)
    small, right, large = figure.axes
    assert small.get_xlim() == right.get_xlim() != large.get_xlim()
    assert small.get_ylim() == right.get_ylim() != large.get_ylim()
    assert [axes.get_title().split("\n") for axes in figure.axes] == [
        ["small", "sgd, η = 0.02", "4 steps"],
        ["right", "sgd, η = 0.4", "4 steps"],
        ["large", "sgd, η = 1.1", "4 steps: diverges"],
    ]
    assert figure.get_suptitle() == "Gradient descent on J(θ) = θ²"


def test_path_on_the_curve():
    descent = parabola(0.9)
    (axes,) = descent_on_curve(descent).axes
    expected = np.column_stack([descent.path[:, 0], descent.values])
    np.testing.assert_allclose(drawn(axes, "o")[:5], expected)
    np.testing.assert_allclose(drawn(axes, "D"), expected[-1:])
    assert numbers(axes)[:3] == ["0", "1", "2"]
    (low, high), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    assert low < expected[:, 0].min() < expected[:, 0].max() < high
    assert bottom < 0 < 1 < top


def test_numbers_only_where_there_is_room():
    (axes,) = descent_on_curve(parabola(0.01, 50)).axes
    assert len(numbers(axes)) < 9
    assert numbers(axes)[0] == "0"


def test_a_path_that_diverges_is_cut_off_and_said_so(check_texts):
    descent = parabola(1.5, 100)
    assert descent.diverged
    figure = descent_on_curve(descent)
    check_texts(figure)
    (axes,) = figure.axes
    shown = len(drawn(axes, "o")) - 1  # the start has a mark of its own as well
    assert f"diverges: {len(descent.path) - shown} of {descent.steps} steps lead out" in axes.get_title()
    assert max(np.abs(axes.get_xlim())) < 50
    assert not len(drawn(axes, "D"))
    assert any(line.get_linestyle() == "--" for line in axes.lines)


@pytest.mark.parametrize(
    ("function", "start", "rate"),
    [
        ("log(x)", 1.0, 0.4),
        ("x**3", -1.0, 0.4),
        ("exp(x**2)", 3.0, 1.0),
        ("1/x + x", 0.2, 0.01),
        ("tan(x)", 0.5, 0.01),
        ("abs(x)", 1.0, 0.3),
        ("x**2", 0.0, 0.1),
        ("1e-9*x**2", 1e6, 0.1),
        ("x**2 + 1e12", 1.0, 0.1),
        ("(x - 1e9)**2", 1e9 + 1, 0.1),
        ("sqrt(x)", 1e-3, 1e-6),
    ],
)
def test_any_curve_can_be_drawn(check_texts, function, start, rate):
    check_texts(descent_on_curve(descend(function, start, rate=rate, steps=5)))


def test_a_python_function_can_be_drawn(check_texts):
    descent = descend(lambda w: np.maximum(w, -w / 2), 1.0, rate=0.3, steps=3)
    figure = descent_on_curve(descent, title="A kink")
    check_texts(figure)
    assert figure.get_suptitle() == "A kink\nJ(w) = f"


def test_surface_beside_contours(check_texts):
    figure = descent_on_surface([bowl(), bowl(1.2, 30)])
    for axis in (axis for axes in figure.axes if axes.name == "3d" for axis in (axes.xaxis, axes.yaxis, axes.zaxis)):
        assert axis.get_label_text() in ("θ₁", "θ₂", "J")
    flat = figure.axes[0]
    assert figure.axes[1].name == "3d"
    assert (flat.get_xlabel(), flat.get_ylabel()) == ("θ₁", "θ₂")
    assert np.ptp(flat.get_xlim()) == pytest.approx(np.ptp(flat.get_ylim()))
    assert "diverges" in figure.axes[2].get_title()
    for axes in figure.axes[1::2]:
        axes.remove()  # its labels lie aslant, so that boxes say little about them
    check_texts(figure)


@pytest.mark.parametrize("function", ["log(x) + y**2", "x*y", "x**2 + 1e4*y**2", "x + y", "sqrt(x**2 + y**2)"])
def test_any_surface_can_be_drawn(function):
    figure = descent_on_surface(descend(function, (1.0, 0.5), rate=0.05, steps=20))
    assert len(figure.axes) == 2


def test_wrong_numbers_of_variables_and_titles():
    with pytest.raises(ShapeError, match="2 variable"):
        descent_on_curve(bowl())
    with pytest.raises(ShapeError, match="1 variable"):
        descent_on_surface(parabola(0.4))
    with pytest.raises(ShapeError, match="1 titles for 2 descents"):
        descent_on_curve([parabola(0.4), parabola(0.1)], titles=["one"])
    with pytest.raises(UsageError, match="descents is empty"):
        descent_on_curve([])


def test_paths_on_contours(check_texts):
    def cost(points):
        return (points**2).sum(axis=-1)

    figure = paths_on_contours(cost, {"a": [(1, 2), (0, 1)], "b": [(3, 3)]}, names=("w", "b"), best=(0, 0), title="T")
    check_texts(figure)
    assert [axes.get_title() for axes in figure.axes] == ["a", "b"]
    assert figure.axes[0].get_xlim() == figure.axes[1].get_xlim()
    assert len(drawn(figure.axes[0], "*")) == 1
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["start", "end", "lowest cost"]


def test_paths_that_cannot_be():
    with pytest.raises(UsageError, match="paths is empty"):
        paths_on_contours(lambda points: points[..., 0], {})
    with pytest.raises(ShapeError, match=r"\(1, 3\); expected \(k, 2\)"):
        paths_on_contours(lambda points: points[..., 0], {"a": [(1, 2, 3)]})
    with pytest.raises(UsageError, match="path 'a' has nan"):
        paths_on_contours(lambda points: points[..., 0], {"a": [(1, float("nan"))]})


def test_limits_are_square_where_coordinates_are_alike():
    low, high = limits(np.array([[0.0, 0.0], [2.0, 1.0]]))
    assert np.allclose(high - low, (high - low)[0])
    low, high = limits(np.array([[0.0, 0.0], [1000.0, 1.0]]))
    assert (high - low)[0] > 100 * (high - low)[1]
    low, high = limits(np.array([[5.0, 5.0]]))
    assert (low < 5).all()
    assert (high > 5).all()


@pytest.mark.parametrize("descent", [parabola(0.4), bowl(steps=3), parabola(2.0, 30)])
def test_films(tmp_path: Path, descent: Descent):
    path = film_descent(descent, tmp_path / "film.gif", seconds=1.0)
    with Image.open(path) as image:
        assert 2 <= getattr(image, "n_frames", 1) <= descent.steps + 1
