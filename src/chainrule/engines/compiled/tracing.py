"""Tracers: what a formula is called with so that it writes down what it does, instead of doing it.

A tracer stands for an array, for a number in each row of one, or for a single number. How many rows there are it does
not know, so a formula that asks cannot be lifted; nor can one that asks whether a tracer is true.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from chainrule.engines.compiled.graph import BIT, COLUMN, COMPARISONS, ENTRY, NUMBER, Graph, NotLiftable
from chainrule.engines.compiled.mathematics import FUNCTIONS
from chainrule.engines.compiled.shapes import WIDE, Shape, Unknown, joined, same

__all__ = ["Tracer", "as_tracer", "call", "node_of"]


ARITHMETIC = {"add", "subtract", "multiply", "divide", "power", "maximum", "minimum"}
LOGICAL = {
    "logical_and": "logical_and",
    "logical_or": "logical_or",
    "logical_not": "logical_not",
    "logical_xor": "logical_xor",
    "bitwise_and": "logical_and",
    "bitwise_or": "logical_or",
    "bitwise_xor": "logical_xor",
    "invert": "logical_not",
}
# np.add.reduce is np.sum, and so on.
REDUCED = {"add": "sum", "maximum": "max", "minimum": "min"}


class Tracer(NDArrayOperatorsMixin):
    """An array, or a number, that records what is done with it.

    Args:
        graph: where it records.
        node: its place in the graph.
        shape: as an array's, with MANY rows; WIDE where the number of columns is not known either.
    """

    __slots__ = ("graph", "node", "shape")

    def __init__(self, graph: Graph, node: int, shape: Shape) -> None:
        self.graph, self.node, self.shape = graph, node, shape

    @property
    def ndim(self) -> int:
        """How many dimensions it has."""
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Its number type."""
        type = self.graph.nodes[self.node].type
        if type == NUMBER:
            return np.dtype(np.float32 if self.graph.single else np.float64)
        return np.dtype(bool if type == BIT else np.float64)

    @property
    def real(self) -> Tracer:
        """Itself: no tracer is complex."""
        return self

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        """Give an array around the tracer itself, on which NumPy's operators find it again."""
        if dtype is not None and np.dtype(dtype) not in (np.dtype(object), self.dtype):
            raise NotLiftable(f"a change of the number type to {np.dtype(dtype)}")
        around = np.empty((), dtype=object)
        # Truth values are asked for as an array in order to become numbers.
        around[()] = self.astype(object)
        return around

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **settings: Any) -> Any:
        if settings.get("out") is not None:
            raise NotLiftable("writes into an array")
        if method == "reduce" and ufunc.__name__ in REDUCED:
            return _reduce(REDUCED[ufunc.__name__], *inputs, **settings)
        if method != "__call__" or settings:
            raise NotLiftable(f"np.{ufunc.__name__}{'' if method == '__call__' else '.' + method} with {settings}")
        return call(ufunc.__name__, [as_tracer(self.graph, x) for x in inputs])

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function not in ARRAY_FUNCTIONS:
            raise NotLiftable(f"np.{getattr(function, '__name__', function)}")
        return ARRAY_FUNCTIONS[function](*args, **kwargs)

    def __getitem__(self, key: Any) -> Tracer:
        return _item(self, key if isinstance(key, tuple) else (key,))

    def astype(self, dtype: Any, **_: Any) -> Tracer:
        """Turn it into an array of numbers of the arrays' own type."""
        wanted = np.dtype(dtype)
        if wanted == np.dtype(bool):
            return self if self.dtype == wanted else _not_liftable("a change of the number type to bool")
        own = np.dtype(np.float32 if self.graph.single else np.float64)
        # `object` is the type of an array around a tracer, which stands for its own.
        if wanted not in (own, np.dtype(object)):
            raise NotLiftable(f"a change of the number type to {wanted}")
        return Tracer(self.graph, self.graph.number(self.node), self.shape)

    def sum(self, axis: Any = None, **settings: Any) -> Tracer:
        """Give np.sum of it."""
        return _reduce("sum", self, axis, **settings)

    def max(self, axis: Any = None, **settings: Any) -> Tracer:
        """Give np.max of it."""
        return _reduce("max", self, axis, **settings)

    def min(self, axis: Any = None, **settings: Any) -> Tracer:
        """Give np.min of it."""
        return _reduce("min", self, axis, **settings)

    def mean(self, axis: Any = None, **settings: Any) -> Tracer:
        """Give np.mean of it."""
        return _mean(self, axis, **settings)

    def clip(self, min: Any = None, max: Any = None) -> Tracer:
        """Give np.clip of it."""
        return _clip(self, min, max)

    def copy(self) -> Tracer:
        """Itself: nothing writes into a tracer."""
        return self

    def _asked(self, *_: object) -> NoReturn:
        raise NotLiftable("asks for numbers while it is traced, as `if` and `while` do")

    def _written(self, *_: object) -> NoReturn:
        raise NotLiftable("writes into an array")

    def _counted(self, *_: object) -> NoReturn:
        raise NotLiftable("goes over the rows, or counts them")

    __bool__ = __float__ = __int__ = __index__ = __complex__ = _asked
    __setitem__ = _written
    __len__ = __iter__ = _counted


def _not_liftable(why: str) -> NoReturn:
    raise NotLiftable(why)


def as_tracer(graph: Graph, x: Any) -> Tracer:
    """Turn what a formula calls NumPy with into a tracer."""
    if isinstance(x, np.ndarray) and x.shape == ():
        x = x.item() if x.dtype == object else x[()]
    if isinstance(x, Tracer):
        return x
    if isinstance(x, Unknown):
        x.asked()
    if isinstance(x, (bool, np.bool_)):
        return Tracer(graph, graph.bit(graph.constant(float(x))), ())
    if isinstance(x, (np.float32, np.float16)):
        return Tracer(graph, graph.constant(float(x), NUMBER), ())
    if isinstance(x, np.generic) and isinstance(x, (np.floating, np.integer)):
        kept = graph.constant(float(x))
        return Tracer(graph, graph.node("strong", (kept,), "strong") if graph.single else kept, ())
    if isinstance(x, (int, float)):
        return Tracer(graph, graph.constant(float(x)), ())
    raise NotLiftable(f"a {type(x).__name__} of its own")


def node_of(graph: Graph, x: Any, shape: Shape) -> int:
    """Give the node of a result that has, or can be spread to, a shape, as a number."""
    tracer = as_tracer(graph, x)
    if graph.nodes[tracer.node].type == "strong":
        raise NotLiftable("a result in float64 where arrays are of float32")
    if not same(tracer.shape, shape):
        raise NotLiftable(f"a result with {tracer.ndim} dimensions instead of {len(shape)}, or of another width")
    return graph.number(tracer.node)


def call(name: str, tracers: list[Tracer]) -> Tracer:
    """Record one of NumPy's functions."""
    graph = tracers[0].graph
    if name in COMPOSED:
        return COMPOSED[name](*tracers)
    name = LOGICAL.get(name, name)
    if name == "power" and (shorter := _power(*tracers)) is not None:
        return shorter
    if name not in ARITHMETIC and name not in COMPARISONS and name not in FUNCTIONS and name not in LOGICAL:
        raise NotLiftable(f"np.{name}")
    if name == "positive":
        return tracers[0]
    return Tracer(graph, graph.apply(name, *(t.node for t in tracers)), joined(*(t.shape for t in tracers)))


def _power(x: Tracer, y: Tracer) -> Tracer | None:
    """Write a small whole power as products, a square root as such."""
    node = x.graph.nodes[y.node]
    n = node.value
    if node.op != "constant":
        return None
    if n == 0.5 and x.ndim > 0:
        return call("sqrt", [x])
    if n not in (-2, -1, 1, 2, 3, 4):
        return None
    product = x
    if n in (2, -2, 3, 4):
        product = x * x
    if n == 3:
        product = product * x
    elif n == 4:
        product = product * product
    return 1 / product if n in (-1, -2) else product


def _item(x: Tracer, key: tuple[Any, ...]) -> Tracer:
    """Record indexing: a new last axis, the only or a certain entry of each row, or all of it."""
    if key in ((Ellipsis,), (slice(None),), (Ellipsis, slice(None)), (slice(None), slice(None))):
        return x
    if len(key) == 2 and (key[0] is Ellipsis or key[0] == slice(None)):
        if key[1] is None and x.ndim == 1:
            return Tracer(x.graph, x.node, (*x.shape, 1))
        if isinstance(key[1], int) and x.ndim == 2 and isinstance(x.shape[1], int):
            return _pick(x, range(x.shape[1])[key[1]], x.shape[:1])
        if isinstance(key[1], slice) and x.ndim == 2 and isinstance(x.shape[1], int):
            chosen = range(x.shape[1])[key[1]]
            if len(chosen) == 1:
                return _pick(x, chosen[0], (x.shape[0], 1))
    raise NotLiftable(f"indexing with {key}")


def _pick(x: Tracer, k: int, shape: Shape) -> Tracer:
    if x.graph.nodes[x.node].extent < ENTRY:
        return Tracer(x.graph, x.node, shape)
    return Tracer(x.graph, x.graph.node("pick", (x.node,), x.graph.nodes[x.node].type, COLUMN, k), shape)


def _reduce(op: str, x: Any, axis: Any = 0, *, keepdims: bool = False, initial: Any = None, **more: Any) -> Tracer:
    """Record a reduction along the rows of an array."""
    if more or not isinstance(x, Tracer):
        raise NotLiftable(f"np.{op} with {more or type(x).__name__}")
    if axis not in (-1, 1) or x.ndim != 2:
        raise NotLiftable(f"np.{op} across rows")
    graph, shape = x.graph, (x.shape[0], 1) if keepdims else x.shape[:1]
    if graph.nodes[x.node].type != NUMBER:
        raise NotLiftable(f"np.{op} of what are no numbers of the arrays' type")
    node = x.node
    if graph.nodes[node].extent == ENTRY or x.shape[1] is WIDE or x.shape[1] != 1:
        node = graph.node(op, (node,), NUMBER, COLUMN)
    result = Tracer(graph, node, shape)
    if initial is None:
        return result
    joins = {"sum": "add", "max": "maximum", "min": "minimum"}
    return call(joins[op], [result, as_tracer(graph, initial)])


def _mean(x: Tracer, axis: Any = None, **settings: Any) -> Tracer:
    total = _reduce("sum", x, axis, **settings)
    return total / x.shape[-1]


def _where(condition: Any, a: Any = None, b: Any = None) -> Tracer:
    graph = next(x.graph for x in map(_inside, (condition, a, b)) if isinstance(x, Tracer))
    if a is None or b is None:
        raise NotLiftable("np.where with nothing but a condition")
    c, x, y = (as_tracer(graph, each) for each in (condition, a, b))
    return Tracer(graph, graph.apply("where", c.node, x.node, y.node), joined(c.shape, x.shape, y.shape))


def _inside(x: Any) -> Any:
    return x.item() if isinstance(x, np.ndarray) and x.shape == () and x.dtype == object else x


def _clip(x: Any, a_min: Any = None, a_max: Any = None, **settings: Any) -> Any:
    low, high = settings.pop("min", a_min), settings.pop("max", a_max)
    if settings:
        raise NotLiftable(f"np.clip with {settings}")
    if low is not None:
        x = np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


def _full(x: Tracer, value: Any, dtype: Any = None) -> Tracer:
    """An array like x that holds the same number everywhere."""
    if x.dtype == np.dtype(bool) or np.dtype(dtype or x.dtype) not in (x.dtype, np.dtype(object)):
        raise NotLiftable("an array of another number type")
    if x.ndim == 0:
        raise NotLiftable("an array out of a number")
    return Tracer(x.graph, x.graph.number(as_tracer(x.graph, value).node), x.shape)


def _logaddexp(x: Tracer, y: Tracer) -> Any:
    apart = np.minimum(x - y, y - x)
    return np.maximum(x, y) + np.log1p(np.exp(_where(x == y, 0, apart)))


# NumPy's functions made of others.
COMPOSED: dict[str, Callable[..., Any]] = {
    "isnan": lambda x: x != x,
    "isinf": lambda x: np.absolute(x) == math.inf,
    "isfinite": lambda x: np.absolute(x) < math.inf,
    "logaddexp": _logaddexp,
    "expit": lambda x: 1 / (1 + np.exp(-x)),
}

ARRAY_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.where: _where,
    np.sum: lambda x, axis=None, **settings: _reduce("sum", x, axis, **settings),
    np.max: lambda x, axis=None, **settings: _reduce("max", x, axis, **settings),
    np.min: lambda x, axis=None, **settings: _reduce("min", x, axis, **settings),
    np.mean: _mean,
    np.clip: _clip,
    np.ones_like: lambda x, dtype=None: _full(x, 1, dtype),
    np.zeros_like: lambda x, dtype=None: _full(x, 0, dtype),
    np.full_like: _full,
    np.iscomplexobj: lambda x: False,
    np.isrealobj: lambda x: True,
    np.real: lambda x: x,
    np.copy: lambda x, **_: x,
    np.shape: lambda x: x.shape,
    np.ndim: lambda x: x.ndim,
}
