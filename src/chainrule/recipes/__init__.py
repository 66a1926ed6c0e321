"""Recipes: what `chainrule train FILE.csv` decides, each decision with its reason; doing it; using what came of it.

>>> from chainrule.data import load
>>> from chainrule.recipes import Options, decide, prepare, run
>>> wine = load("wine")
>>> recipe = decide(wine, Options(layers=(8,), epochs=30))
>>> print(recipe.decisions["loss"].value, "-", recipe.decisions["loss"].reason)
categorical_cross_entropy - the usual one for classes
>>> run(wine, recipe, prepare(wine, recipe)).metrics["test"]["accuracy"] > 0.8
True
"""

from chainrule.recipes.decisions import GIVEN, Decision, where_of
from chainrule.recipes.options import TASKS, Options, find_formula, find_optimizer, parse_layers
from chainrule.recipes.recipe import Recipe, decide, with_class_names
from chainrule.recipes.running import PARTS, Baseline, Outcome, Prepared, finite, prepare, run, take
from chainrule.recipes.using import (
    CHOICES,
    Evaluation,
    Predictions,
    check_labels,
    choose_rows,
    encode,
    evaluate,
    fingerprint,
    ignored_columns,
    notes_on,
    predict,
)

__all__ = [
    "CHOICES",
    "GIVEN",
    "PARTS",
    "TASKS",
    "Baseline",
    "Decision",
    "Evaluation",
    "Options",
    "Outcome",
    "Predictions",
    "Prepared",
    "Recipe",
    "check_labels",
    "choose_rows",
    "decide",
    "encode",
    "evaluate",
    "find_formula",
    "find_optimizer",
    "fingerprint",
    "finite",
    "ignored_columns",
    "notes_on",
    "parse_layers",
    "predict",
    "prepare",
    "run",
    "take",
    "where_of",
    "with_class_names",
]
