"""`chainrule.explain` is a package and a function, whatever was imported before."""

from __future__ import annotations

import inspect
import pickle
import subprocess
import sys

import pytest

import chainrule
from chainrule.explain.derivation import explain
from chainrule.explain.trace import trace

# Ways to come by the package, the function, and what else is in it.
WAYS = (
    "import chainrule as cr; works(cr.explain, cr.trace)",
    "from chainrule import explain; works(explain)",
    "from chainrule.explain import explain, trace; works(explain, trace)",
    "import chainrule.explain; works(chainrule.explain, chainrule.explain.trace)",
    "import chainrule.explain.trace; works(chainrule.explain, chainrule.explain.trace, chainrule.trace)",
    "from chainrule.explain.trace import trace; import chainrule as cr; works(cr.explain, trace)",
)
START = """
def works(explain, trace=None, again=None):
    from chainrule import Network
    model = Network.from_sizes([1, 1], output="identity").init()
    model["W1"], model["b1"] = 2.0, 1.0
    assert explain(model, [[3.0]], of="z1[0]").value == 7.0
    assert all(made is None or made(model, [[3.0]]).Z[1][0, 0] == 7.0 for made in (trace, again))
"""


@pytest.mark.parametrize("first", range(len(WAYS)))
def test_each_way_works_first_and_behind_each_other(first: int) -> None:
    """One fresh interpreter each, which forgets the package before every other way."""
    forget = "import sys\nfor name in [name for name in sys.modules if name.split('.')[0] == 'chainrule']:"
    lines = [START]
    for second in range(len(WAYS)):
        lines += [f"{forget} del sys.modules[name]", WAYS[first], WAYS[second]]
    subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True, encoding="utf-8", capture_output=True)


def test_looking_at_the_package_loads_it_once_and_importing_chainrule_does_not() -> None:
    script = "import chainrule, sys; assert 'chainrule.explain' not in sys.modules; chainrule.explain"
    script += "; assert chainrule.explain is sys.modules['chainrule.explain']"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_package_has_the_functions_signature_and_travels_by_name() -> None:
    assert inspect.signature(chainrule.explain) == inspect.signature(explain)
    assert pickle.loads(pickle.dumps(chainrule.explain)) is chainrule.explain
    assert inspect.ismodule(chainrule.explain)
    assert chainrule.trace is trace
