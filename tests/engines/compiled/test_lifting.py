"""What is lifted gives what the function itself gives: compiled and run beside NumPy, for every formula there is."""

from __future__ import annotations

import ctypes
import dataclasses
import functools
import itertools
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from chainrule.engines.compiled import mathematics
from chainrule.engines.compiled.code import Code
from chainrule.engines.compiled.lifting import (
    NotLiftable,
    Program,
    lift_activation,
    lift_back,
    lift_loss,
    lift_optimizer,
    lift_penalty,
)
from chainrule.engines.compiled.machine import this_machine
from chainrule.formulas import ACTIVATIONS, LOSSES, OPTIMIZERS, PENALTIES, Activation, Loss, Optimizer, Penalty

TYPES = [np.float32, np.float64]
WIDTHS = (1, 2, 7, 16, 33, 100)
LONG = 301  # goes over a row in a loop, whatever the processor
FUNCTIONS_BEFORE = dict(mathematics.FUNCTIONS)
TOLERANCE = {np.float32: 1e-6, np.float64: 1e-13}


def pointer(array: np.ndarray) -> Any:
    return ctypes.c_void_p(array.ctypes.data)


def write_rows(c: Code, name: str, program: Program, N: int, alias: str | None) -> None:
    """A function of (input, …, numbers, result, rows) that runs a program row by row."""
    inputs = program.inputs
    with c.function(name, [c.pointer] * (len(inputs) + 2) + [c.whole], public=True) as arguments:
        *places, numbers, out, m = arguments
        prepared = program.prepare(c, read_numbers(c, program, numbers))
        with c.loop(m) as i:
            starts = {name: c.at(place, c.times(i, N)) for name, place in zip(inputs, places, strict=True)}
            if program.outputs == ("column",):
                c.store(program.emit_row(c, starts, N, prepared), c.at(out, i))
            else:
                into = c.at(out, c.times(i, N)) if alias is None else starts[alias]
                program.emit_row(c, starts, N, prepared, into)


def write_entries(c: Code, name: str, program: Program, lanes: int) -> None:
    """A function of (input, …, numbers, result, …, n) that runs an elementwise program over n numbers."""
    inputs, outputs = program.inputs, program.outputs
    with c.function(name, [c.pointer] * (len(inputs) + 1 + len(outputs)) + [c.whole], public=True) as arguments:
        places, numbers = arguments[: len(inputs)], arguments[len(inputs)]
        *results, n = arguments[len(inputs) + 1 :]
        prepared = program.prepare(c, read_numbers(c, program, numbers))
        with c.loop(n, 0, lanes) as i:
            values = {name: c.load(c.at(p, i), lanes) for name, p in zip(inputs, places, strict=True)}
            for value, result in zip(program.emit(c, values, prepared), results, strict=True):
                c.store(value, c.at(result, i))


def read_numbers(c: Code, program: Program, place: Any) -> dict[str, Any]:
    return {
        name: c.builder.load(c.builder.gep(place, [c.index(k)], source_etype=c.double), typ=c.double)
        for k, name in enumerate(program.numbers)
    }


def briefly(write: Callable[..., None], *given: Any) -> None:
    """Keep what llvmlite's values look like out of a failure: pytest would take for ever to show them."""
    try:
        write(*given)
    except Exception:
        problem = traceback.format_exc()
    else:
        return
    raise AssertionError(problem)


class Module:
    """Programs compiled together, since that is quicker than one by one."""

    def __init__(self, dtype: type) -> None:
        self.dtype, self.c = np.dtype(dtype), this_machine().code(dtype is np.float32)
        self._names = (f"f{k}" for k in itertools.count())
        self._waiting: list[Callable[[], None]] = []

    def rows(self, program: Program, N: int, alias: str | None = None) -> Callable[..., np.ndarray]:
        name = next(self._names)
        briefly(write_rows, self.c, name, program, N, alias)

        def call(arrays: Mapping[str, np.ndarray], numbers: Mapping[str, float]) -> np.ndarray:
            given = self._given(program, arrays)
            m = len(given[0])
            # What lies beyond the last row must stay as it is.
            out = np.full(m * N + 64, 7, dtype=self.dtype)
            self._call(name, given, program, numbers, [out], m)
            if alias is not None:
                return given[program.inputs.index(alias)]
            size = m if program.outputs == ("column",) else m * N
            assert np.all(out[size:] == 7)
            return out[:size] if program.outputs == ("column",) else out[:size].reshape(m, N)

        return call

    def entries(self, program: Program, lanes: int) -> Callable[..., list[np.ndarray]]:
        name = next(self._names)
        briefly(write_entries, self.c, name, program, lanes)

        def call(arrays: Mapping[str, np.ndarray], numbers: Mapping[str, float]) -> list[np.ndarray]:
            given = self._given(program, arrays)
            results = [np.empty_like(given[0]) for _ in program.outputs]
            assert given[0].size % lanes == 0
            self._call(name, given, program, numbers, results, given[0].size)
            return results

        return call

    def _given(self, program: Program, arrays: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        return [np.array(arrays[name], dtype=self.dtype, order="C") for name in program.inputs]

    def _call(
        self,
        name: str,
        given: list[np.ndarray],
        program: Program,
        numbers: Mapping[str, float],
        results: list[np.ndarray],
        count: int,
    ) -> None:
        values = np.array([numbers[each] for each in program.numbers] or [0.0])
        places = [*map(pointer, given), pointer(values), *map(pointer, results)]
        kind = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * len(places), ctypes.c_longlong)
        kind(self.loaded.address(name))(*places, count)

    @functools.cached_property
    def loaded(self) -> Any:
        machine = this_machine()
        return machine.load(machine.compile(self.c))


def assert_close(got: np.ndarray, wanted: Any, dtype: type) -> None:
    wanted = np.asarray(wanted)
    assert got.shape == wanted.shape
    assert wanted.dtype == dtype
    assert np.array_equal(np.isnan(got), np.isnan(wanted))
    infinite = np.isinf(wanted)
    assert np.array_equal(got[infinite], wanted[infinite])
    rest = np.isfinite(wanted)
    scale = np.max(np.abs(wanted[rest]), initial=np.finfo(dtype).tiny)
    assert np.isfinite(got[rest]).all()
    assert np.max(np.abs(got[rest] - wanted[rest]), initial=0) <= TOLERANCE[dtype] * scale


def sample(name: str, N: int, dtype: type) -> np.ndarray:
    """Rows of a normal kind, with ties, large, tiny and zero entries, and what is not finite."""
    rng = np.random.default_rng([N, *map(ord, name)])
    x = rng.normal(size=(12, N)) * np.array([1, 3, 10, 0.1, 1, 1, 1, 1, 1, 1, 1, 1])[:, None]
    if name == "y":
        x = rng.dirichlet(np.ones(N), 12)
    if name in ("z", "a", "g", "w"):
        x[4] = np.round(x[4])  # ties
        x[5] = 0
        x[6] *= 100
        x[7] *= 1e-30
        x[8] -= 60
        x[9, :: max(1, N // 3)] = np.nan
        x[10, -1] = np.inf
        x[11, 0] = -np.inf
    return x.astype(dtype)


def compare_rows(
    programs: Mapping[int, tuple[Program, Callable[..., Any]]], parameters: Mapping[str, float], dtype: type
) -> None:
    """Run a program for each width, and the function that it came from."""
    programs = {N: pair for N, pair in programs.items() if N != LONG or not pair[0].elementwise}
    module, calls = Module(dtype), {}
    for N, (program, _) in programs.items():
        calls[N] = module.rows(program, N)
    for N, (program, function) in programs.items():
        arrays = {name: sample(name, N, dtype) for name in program.inputs}
        with np.errstate(all="ignore"):
            wanted = function(*arrays.values(), **parameters)
        assert_close(calls[N](arrays, parameters), wanted, dtype)


def each(*kinds: Any) -> Any:
    """Every record of some catalogues, in both number types."""
    records = [record for kind in kinds for record in kind.values()]

    def mark(test: Callable[..., None]) -> Any:
        test = pytest.mark.parametrize("dtype", TYPES, ids=lambda dtype: dtype.__name__)(test)
        return pytest.mark.parametrize("record", records, ids=lambda record: record.name)(test)

    return mark


@each(ACTIVATIONS)
def test_activation(record: Activation, dtype: type) -> None:
    compare_rows({N: (lift_activation(record, N), record.value) for N in (*WIDTHS, LONG)}, record.parameters, dtype)


@each({name: record for name, record in ACTIVATIONS.items() if record.trainable})
def test_back(record: Activation, dtype: type) -> None:
    def back(z: np.ndarray, a: np.ndarray, g: np.ndarray, **numbers: float) -> np.ndarray:
        if record.pullback is not None:
            return record.pullback(z, a, g, **numbers)
        assert record.slope is not None
        return g * record.slope(z, a, **numbers)

    compare_rows({N: (lift_back(record, N), back) for N in (*WIDTHS, LONG)}, record.parameters, dtype)


@each(LOSSES)
def test_loss(record: Loss, dtype: type) -> None:
    outputs = [ACTIVATIONS[name] for name in record.pairs] or [ACTIVATIONS["tanh"]]
    for output in outputs:
        whole = record.pair_for(output) or record
        lifted = {N: lift_loss(record, output, N) for N in (*WIDTHS, LONG)}
        compare_rows({N: (value, whole.value) for N, (value, _) in lifted.items()}, record.parameters, dtype)
        compare_rows({N: (slope, whole.slope) for N, (_, slope) in lifted.items()}, record.parameters, dtype)


@each(PENALTIES)
def test_penalty(record: Penalty, dtype: type) -> None:
    functions = (record.value if record.slope else None, record.slope, record.project)
    for program, function in zip(lift_penalty(record), functions, strict=True):
        assert (program is None) == (function is None)
        if program is not None and function is not None:
            compare_rows(dict.fromkeys((*WIDTHS, LONG), (program, function)), record.parameters, dtype)


@each(OPTIMIZERS)
def test_optimizer(record: Optimizer, dtype: type) -> None:
    program, module = lift_optimizer(record), Module(dtype)
    assert program.inputs[: 2 + len(record.slots)] == ("theta", "g", *(f"slot{k}" for k in range(len(record.slots))))
    calls = [module.entries(program, lanes) for lanes in (1, 2, module.c.lanes)]
    rng = np.random.default_rng(0)
    arrays = {name: rng.normal(size=64).astype(dtype) for name in program.inputs}
    arrays |= {name: np.abs(array) for name, array in arrays.items() if name.startswith("slot")}
    parameters = dict(record.parameters)
    if record.decays:
        arrays["decay"] = np.where(np.arange(64) % 3, 0, parameters["decay"]).astype(dtype)
        parameters["decay"] = arrays["decay"]
    for t in (1, 2, 1000):
        state = tuple(arrays[f"slot{k}"] for k in range(len(record.slots)))
        change, slots = record.value(arrays["theta"], arrays["g"], state, t, 0.02, **parameters)
        numbers = {**record.parameters, "t": t, "rate": 0.02}
        first, *others = [call(arrays, numbers) for call in calls]
        for got, wanted in zip(first, (change, *slots), strict=True):
            assert_close(got, wanted, dtype)
        # A number alone, or in a vector: the same bits.
        assert all(np.array_equal(one, other) for result in others for one, other in zip(first, result, strict=True))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("N", [3, 16, LONG])
def test_result_may_take_the_place_of_an_input(N: int, dtype: type) -> None:
    module, back = Module(dtype), lift_back(ACTIVATIONS["softmax"], N)
    limit = lift_penalty(PENALTIES["max_norm"])[2]
    assert limit is not None
    calls = {
        program: [module.rows(program, N, alias) for alias in (None, *aliases)]
        for program, aliases in ((back, ("a", "g")), (limit, ("w",)))
    }
    for program, (apart, *over) in calls.items():
        arrays = {name: sample(name, N, dtype) for name in program.inputs}
        for call in over:
            assert np.array_equal(call(arrays, {"limit": 1.5}), apart(arrays, {"limit": 1.5}), equal_nan=True)


@pytest.mark.parametrize("dtype", TYPES)
def test_entry_alone_has_the_bits_that_it_has_in_a_vector(dtype: type) -> None:
    for record in ACTIVATIONS.values():
        program, module = lift_activation(record, 8), Module(dtype)
        if program.elementwise:
            calls = [module.entries(program, lanes) for lanes in (1, 4, module.c.lanes)]
            arrays = {"z": sample("z", 16, dtype)}
            alone, *others = [call(arrays, record.parameters)[0] for call in calls]
            assert all(np.array_equal(alone, other, equal_nan=True) for other in others)


def activation(value: Callable[..., Any], **more: Any) -> Activation:
    return Activation(name="own", value=value, latex="", use="", **more)


OWN: dict[str, Callable[..., Any]] = {
    "where with types": lambda z: np.where(z > 0, 1.0, 0.25).astype(z.dtype),
    "bits": lambda z: z * ((z > -1) & ~(z > 1)),
    "bits multiplied": lambda z: (z > -1) * (z < 1) * z,
    "asarray": lambda z: np.asarray(z) * 2 - np.asarray(z > 0).astype(np.asarray(z).dtype),
    "first entry": lambda z: z - z[..., :1] + z[:, -1][:, None],
    "centred": lambda z: z - z.mean(axis=-1, keepdims=True),
    "clipped": lambda z: np.clip(z, -1, None).clip(max=2),
    "spread": lambda z: z.max(axis=1, keepdims=True) - np.min(z, axis=-1)[:, None] + np.zeros_like(z),
    "logaddexp": lambda z: np.logaddexp(0, z),
    "powers": lambda z: z**3 + z**-2 - abs(z) ** 0.5 + z**4 + z**1,
    "float32": lambda z: z * np.float32(0.1),
    "reduced twice": lambda z: (
        z / np.sqrt(np.sum((z - np.sum(z, axis=-1, keepdims=True) / z.shape[-1]) ** 2, -1))[:, None]
    ),
    "finite": lambda z: np.where(np.isfinite(z) & ~np.isnan(z), z, np.full_like(z, 3)),
}


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("value", OWN.values(), ids=OWN.keys())
def test_formula_of_ones_own(value: Callable[..., Any], dtype: type) -> None:
    compare_rows({N: (lift_activation(activation(value), N), value) for N in (2, 7, LONG)}, {}, dtype)


def test_parameters_are_numbers_that_may_change() -> None:
    record = ACTIVATIONS["leaky_relu"]
    program, module = lift_activation(record, 4), Module(np.float64)
    assert program.numbers == ("alpha",)
    assert program.text == lift_activation(record.with_parameters(alpha=0.3), 4).text
    call, z = module.rows(program, 4), sample("z", 4, np.float64)[:3]
    for alpha in (0.1, 0.7):
        assert_close(call({"z": z}, {"alpha": alpha}), record.value(z, alpha=alpha), np.float64)


def test_parameter_that_is_asked_for_becomes_part_of_the_program() -> None:
    record = activation(lambda z, alpha: z * alpha if alpha > 0 else -z, parameters={"alpha": 0.5})
    program = lift_activation(record, 4)
    assert program.numbers == ()
    assert program.text != lift_activation(record.with_parameters(alpha=0.25), 4).text
    assert program.text != lift_activation(record.with_parameters(alpha=-1), 4).text


def test_single_numbers_are_computed_in_float64_and_rounded_where_they_meet_an_array() -> None:
    record = activation(lambda z, alpha: (1 - alpha) * z, parameters={"alpha": 1 - 1e-9})
    call = Module(np.float32)
    f = call.rows(lift_activation(record, 1), 1)
    assert f({"z": np.ones((1, 1))}, record.parameters)[0, 0] == np.float32(1 - record.parameters["alpha"]) != 0


def counting(z: Any) -> Any:
    return z * len(z)


def in_place(z: Any) -> Any:
    z[z < 0] = 0
    return z


def added_in_place(z: Any) -> Any:
    z += 1
    return z


uses = itertools.count()

REFUSED: dict[str, tuple[Callable[..., Any], str]] = {
    "branch": (lambda z: z if z.sum(axis=-1) > 0 else -z, "`if`"),
    "sum of all": (lambda z: z * (1 if z.sum() > 0 else 2), "across rows"),
    "across rows": (lambda z: z - z.mean(axis=0), "across rows"),
    "sort": (lambda z: np.sort(z, axis=-1), "sort"),
    "cumulated": (lambda z: np.cumsum(z, axis=-1), "cumsum"),
    "matrix product": (lambda z: z @ z.T, "T"),
    "unknown function": (np.arctan2, "arctan2"),
    "loop": (counting, "rows"),
    "shape": (lambda z: z / z.shape[0], "number of rows"),
    "in place": (in_place, "writes"),
    "added in place": (added_in_place, "writes"),
    "written out": (lambda z: np.exp(z, out=z), "writes"),
    "flattened": (lambda z: z.ravel(), "ravel"),
    "float64": (lambda z: z * np.float64(0.1), "float64"),
    "float64 by where": (lambda z: z * np.where(z > 0, 1.0, 0.1), "float64"),
    "float64 by astype": (lambda z: z.astype(np.float64), "float64"),
    "own array": (lambda z: z + np.arange(4.0), "ndarray of its own"),
    "complex": (lambda z: z * 1j, "complex"),
    "wrong shape": (lambda z: z[..., 0], "dimensions"),
    "shifted": (lambda z: z[:, ::-1], "indexing"),
    "rows by rows": (lambda z: z + z.sum(axis=-1), "shapes"),
    "truth": (lambda z: (z > 0) + (z > 1), "truth values"),
    "what it does not show": (lambda z: z * (2 if isinstance(z, np.ndarray) else 1), "other results"),
    "type": (lambda z: z * (1 if z.dtype == np.float32 else 2), "float32 than for float64"),
    "failure": (lambda z: z.nothing, "AttributeError"),
    "state": (lambda z: z + next(uses), "other results"),
}


@pytest.mark.parametrize(("value", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_lifted_says_why(value: Callable[..., Any], why: str) -> None:
    with pytest.raises(NotLiftable, match=why):
        lift_activation(activation(value), 4)


def test_float64_alone_may_use_what_float32_must_not() -> None:
    record = activation(lambda z: z * np.sqrt(2.0) + np.where(z > 0, 1.0, 0.1))
    compare_rows({5: (lift_activation(record, 5, single=False), record.value)}, {}, np.float64)
    with pytest.raises(NotLiftable, match="float64"):
        lift_activation(record, 5, single=True)


def test_optimizer_of_ones_own() -> None:
    def clipped(theta: Any, g: Any, state: Any, t: Any, rate: Any, most: float) -> Any:
        (s,) = state
        s = np.maximum(s, np.abs(g))
        return np.clip(-rate / t**0.5 * g / (s + most), -most, most), (s,)

    record = Optimizer(name="own", value=clipped, slots=("s",), parameters={"most": 0.1}, latex="", use="")
    test_optimizer(record, np.float64)
    norm = dataclasses.replace(record, value=lambda theta, g, state, t, rate, most: (-g / np.sum(g * g), state))
    with pytest.raises(NotLiftable, match="across rows"):
        lift_optimizer(norm)


def test_same_function_same_text() -> None:
    one = lift_activation(activation(lambda z: z / (1 + np.exp(-z))), 3)
    same = lift_activation(activation(lambda z: np.divide(z, np.add(np.exp(np.negative(z)), 1.0))), 9)
    assert one.text == same.text
    assert one.text != lift_activation(activation(lambda z: z / (2 + np.exp(-z))), 3).text
    zeros = lift_activation(activation(lambda z: np.maximum(z * 0.0, z * -0.0)), 3)
    assert [repr(node.value) for node in zeros.nodes if node.op == "constant"] == ["0.0", "-0.0"]


def test_what_is_computed_twice_is_one_node() -> None:
    program = lift_back(ACTIVATIONS["mish"], 3)
    operations = [node.op for node in program.nodes]
    assert operations.count("log1p") == operations.count("tanh") == 1
    assert lift_back(ACTIVATIONS["sigmoid"], 3).reads == {"a", "g"}
    assert lift_back(ACTIVATIONS["identity"], 3).nodes[-1].op == "input"


def test_elementwise() -> None:
    assert lift_activation(ACTIVATIONS["gelu"], 3).elementwise
    assert not lift_activation(ACTIVATIONS["softmax"], 3).elementwise
    value, slope = lift_loss(LOSSES["half_squared_error"], ACTIVATIONS["tanh"], 3)
    assert (value.outputs, value.elementwise) == (("column",), False)
    assert (slope.outputs, slope.elementwise) == (("rows",), True)


def test_costly_entries_of_a_long_row_are_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    written = []

    def exp(c: Code, x: Any) -> Any:
        written.append(c.lanes_of(x))
        return FUNCTIONS_BEFORE["exp"](c, x)

    monkeypatch.setitem(mathematics.FUNCTIONS, "exp", exp)
    Module(np.float64).rows(lift_activation(ACTIVATIONS["softmax"], LONG), LONG)
    assert len(written) == 2  # in the loop, and for the rest


def test_division_by_a_number_is_a_multiplication() -> None:
    module = Module(np.float64)
    module.entries(lift_optimizer(OPTIMIZERS["adam"]), module.c.lanes)
    assert str(module.c.module).count("fdiv <") == 1
