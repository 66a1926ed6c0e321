"""What the shell offers when one presses Tab."""

from __future__ import annotations

__all__ = [
    "activations",
    "data_sets",
    "dtypes",
    "engines",
    "formats",
    "initializers",
    "losses",
    "notations",
    "optimizers",
    "page_formats",
    "parts",
    "scalings",
    "schedules",
    "tasks",
]


def _beginning(names: object, incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]  # type: ignore[attr-defined]


def activations(incomplete: str) -> list[str]:
    """Offer the activations that gradient descent can train through."""
    from chainrule.formulas import ACTIVATIONS

    return _beginning((name for name, record in ACTIVATIONS.items() if record.trainable), incomplete)


def losses(incomplete: str) -> list[str]:
    """Offer the losses."""
    from chainrule.formulas import LOSSES

    return _beginning(LOSSES, incomplete)


def optimizers(incomplete: str) -> list[str]:
    """Offer the optimizers."""
    from chainrule.formulas import OPTIMIZERS

    return _beginning([*OPTIMIZERS, "lbfgs"], incomplete)


def schedules(incomplete: str) -> list[str]:
    """Offer the schedules."""
    from chainrule.formulas import SCHEDULES

    return _beginning(SCHEDULES, incomplete)


def initializers(incomplete: str) -> list[str]:
    """Offer the initializers."""
    from chainrule.formulas import INITIALIZERS

    return _beginning(INITIALIZERS, incomplete)


def engines(incomplete: str) -> list[str]:
    """Offer the engines."""
    from chainrule.engines import ENGINES

    return _beginning(["auto", *ENGINES], incomplete)


def formats(incomplete: str) -> list[str]:
    """Offer what a model can be exported to."""
    from chainrule.storage.exporting import FORMATS

    return _beginning(FORMATS, incomplete)


def scalings(incomplete: str) -> list[str]:
    """Offer the scalings."""
    from chainrule.data.encoder import SCALINGS

    return _beginning(SCALINGS, incomplete)


def tasks(incomplete: str) -> list[str]:
    """Offer the tasks."""
    from chainrule.recipes import TASKS

    return _beginning(TASKS, incomplete)


def parts(incomplete: str) -> list[str]:
    """Offer the parts of a data set."""
    from chainrule.recipes import CHOICES

    return _beginning(CHOICES, incomplete)


def dtypes(incomplete: str) -> list[str]:
    """Offer the number types."""
    return _beginning(("float32", "float64"), incomplete)


def data_sets(incomplete: str) -> list[str]:
    """Offer the built-in sets, and files."""
    from pathlib import Path

    from chainrule.data import names

    sets = _beginning((record.name for record in names()), incomplete)
    folder = Path(incomplete).parent if not incomplete.endswith("/") else Path(incomplete)
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    return sets + _beginning((f"{file.as_posix()}{'/' * file.is_dir()}" for file in files), incomplete)


def notations(incomplete: str) -> list[str]:
    """Offer the notations of explanations."""
    from chainrule.explain import NOTATIONS

    return _beginning(NOTATIONS, incomplete)


def page_formats(incomplete: str) -> list[str]:
    """Offer the formats of explanations."""
    from chainrule.explain import FORMATS

    return _beginning(FORMATS, incomplete)
