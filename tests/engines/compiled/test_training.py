"""Training on the compiled engine from end to end: choice of engine, histories, failures, interrupts, fall-backs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.engines import Carry, Job, Objective, choose, compiling, effort, reference
from chainrule.errors import DivergenceError
from chainrule.formulas import LOSSES, SGD
from chainrule.parameters import draw_parameters

compiled = pytest.importorskip("chainrule.engines.compiled")
if not compiled.works():
    pytest.skip("LLVM cannot run here", allow_module_level=True)

from chainrule.engines.compiled import epochs, kernels, pace  # noqa: E402

RNG = np.random.default_rng(0)


def digits() -> tuple[Any, Any]:
    found = cr.data.load("digits")
    return found.X[:300] / 16, found.y[:300]


def test_engines_train_alike() -> None:
    X, y = digits()
    network = cr.Network.from_sizes([64, 20, 10], hidden="relu", output="softmax")
    settings: dict[str, Any] = {"epochs": 4, "optimizer": cr.Adam(0.01), "validation": 0.2, "seed": 1, "batch_size": 32}
    ours = cr.train(network, X, y, engine="compiled", **settings)
    theirs = cr.train(network, X, y, engine="reference", **settings)
    assert (ours.history.engine, theirs.history.engine) == ("compiled", "reference")
    for name in theirs.history:
        if name != "seconds":
            assert ours.history[name] == pytest.approx(theirs.history[name], rel=1e-6), name


def test_many_full_batches_at_once_are_the_same_as_one_by_one() -> None:
    X, y = digits()
    network = cr.Network.from_sizes([64, 5, 10], hidden="tanh", output="softmax")
    given: dict[str, Any] = {
        "epochs": 30, "batch_size": 10_000, "metrics": (), "penalties": [cr.L2(0.01)], "engine": "compiled",
        "optimizer": cr.SGD(0.5), "schedule": "inverse_scaling",
    }  # fmt: skip
    at_once = cr.train(network, X, y, **given)
    losses: list[float] = []

    class Look(cr.Callback):
        def epoch(self, info: cr.Info) -> None:
            losses.append(info.values["loss"])

    one_by_one = cr.train(network, X, y, callbacks=Look(), **given)
    assert at_once.theta.tobytes() == one_by_one.theta.tobytes()
    assert one_by_one.history["loss"] == losses == pytest.approx(at_once.history["loss"], rel=1e-15)
    assert at_once.history["penalty"] == pytest.approx(one_by_one.history["penalty"], rel=1e-15)
    assert at_once.history["rate"] == one_by_one.history["rate"]
    assert at_once.history.updates == one_by_one.history.updates == 30


def test_auto_goes_by_the_amount_of_work() -> None:
    small, large = cr.Network.from_sizes([2, 2, 2]), cr.Network.from_sizes([784, 30, 10])
    assert choose("auto", effort(small, 4, 4, 100)).name == "reference"
    assert choose("auto", effort(large, 50_000, 10, 30)).name == "compiled"
    assert choose("compiled").name == "compiled"


def test_auto_knows_that_more_kinds_of_layers_take_longer_to_compile() -> None:
    alike = cr.Network.from_sizes([20, *[12] * 20, 1])
    unlike = cr.Network.from_sizes([20, *range(23, 3, -1), 1])
    assert compiling(alike) == compiling(cr.Network.from_sizes([20, 12, 1]))
    assert compiling(unlike) > 10
    for network, expected in ((alike, "compiled"), (unlike, "reference")):
        seconds = effort(network, 2000, 100, 3000)
        assert 2 < seconds < 10
        assert choose("auto", seconds, compiling(network)).name == expected


@pytest.mark.parametrize("batch_size", [10, 1000])
@pytest.mark.parametrize("rate", [1e3, 1e30])
def test_divergence_is_named_alike(rate: float, batch_size: int) -> None:
    X, y = digits()
    network = cr.Network.from_sizes([64, 20, 20, 10], hidden="relu", output="identity")
    Y = np.eye(10)[y]
    found = []
    for engine in ("compiled", "reference"):
        with pytest.raises(DivergenceError) as caught:
            cr.train(
                network, X, Y, optimizer=cr.SGD(rate), loss="half_squared_error", epochs=60, seed=2, engine=engine,
                batch_size=batch_size, metrics=(),
            )  # fmt: skip
        found.append(caught.value)
    ours, theirs = found
    assert str(ours) == str(theirs)
    assert np.isfinite(ours.model.theta).all()
    np.testing.assert_allclose(ours.model.theta, theirs.model.theta, rtol=1e-6)


@pytest.mark.parametrize("clip", [None, 1e9])
@pytest.mark.parametrize("bad", [1, 2, 64, 65, 66, 128, 129, 1500, 1999, 2000])
def test_the_bad_update_of_a_long_stretch_is_found_soon(
    bad: int, clip: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stood before it is known without the whole epoch made anew, so that Ctrl-C need not wait for it."""
    monkeypatch.setattr(pace, "_STRETCH", 1e9)  # stretches of 1, 64 and then all batches but the last
    network = cr.Network.from_sizes([2, 2, 1], hidden="tanh", output="identity")
    X, Y = RNG.normal(size=(2000, 2)), RNG.normal(size=(2000, 1))
    job = Job(
        Objective(network, LOSSES["half_squared_error"]), X, Y, None, SGD(0.1), lambda t: 1e300 if t == bad else 1e-3,
        1, clip, 0,
    )  # fmt: skip
    carry = Carry(draw_parameters(network, 0, np.float64), np.zeros(0))
    made: list[int] = []
    go = epochs.Epochs._go

    def counting(self: Any, now: Any, order: Any, start: int, stop: int, check: Any = None) -> int:
        made.append(stop - start)
        return go(self, now, order, start, stop, check)

    monkeypatch.setattr(epochs.Epochs, "_go", counting)
    order = RNG.permutation(len(X))
    ours, theirs = compiled.epoch(job, carry, order, each=False), reference.epoch(job, carry, order)
    assert ours.batches == theirs.batches
    np.testing.assert_array_equal(ours.failed, theirs.failed)
    assert ours.loss == pytest.approx(theirs.loss)
    for found, right in ((ours.carry, theirs.carry), (ours.sound, theirs.sound)):
        if right is None:
            assert found is None
            continue
        assert found.updates == right.updates
        np.testing.assert_allclose(found.theta, right.theta, rtol=1e-9)
    assert len(made) < 200
    assert sum(made) < 3 * len(X)


def test_nan_in_a_row_is_found() -> None:
    X, y = digits()
    X[123, 4] = np.nan
    network = cr.Network.from_sizes([64, 5, 10], hidden="relu", output="softmax")
    with pytest.raises(cr.ChainruleError, match="row 123"):
        cr.train(network, X, y, epochs=3, engine="compiled")


def test_a_users_formula_is_compiled_or_falls_back(capsys: pytest.CaptureFixture[str]) -> None:
    from chainrule.formulas import Activation

    X, y = digits()
    bent = Activation(
        name="bent",
        value=lambda z: 0.5 * z + np.sqrt(z * z + 1),
        slope=lambda z, a: 0.5 + z / np.sqrt(z * z + 1),
        latex="",
        use="",
    )
    looking = Activation(
        name="looking",
        value=lambda z: np.tanh(z) if np.ndim(z) > 7 or bool(np.all(np.isfinite(z))) else z,
        slope=lambda z, a: 1 - a * a,
        latex="",
        use="",
    )
    for activation, fell_back in ((bent, False), (looking, True)):
        network = cr.Network([cr.Dense(6, activation), cr.Dense(10, "softmax")], inputs=64)
        ours = cr.train(network, X, y, epochs=2, engine="compiled")
        theirs = cr.train(network, X, y, epochs=2, engine="reference")
        assert ours.history["loss"] == pytest.approx(theirs.history["loss"], rel=1e-9)
        assert ("cannot take" in capsys.readouterr().err) == fell_back
        assert ours.history is not None
        assert (ours.history.engine == "reference") == fell_back
        assert ours.history.engine_reason.startswith("the compiled engine cannot take" if fell_back else "asked for")
        assert not fell_back or "looking" in ours.history.engine_reason


def test_threads_may_train_at_the_same_time() -> None:
    X, y = digits()
    network = cr.Network.from_sizes([64, 20, 10], hidden="relu", output="softmax")
    found: list[bytes] = []

    def work() -> None:
        found.append(cr.train(network, X, y, epochs=3, seed=4, engine="compiled", metrics=()).theta.tobytes())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_trains() -> None:
    program = (
        "import os, numpy as np, chainrule as cr\n"
        "d = cr.data.load('digits'); n = cr.Network.from_sizes([64, 300, 10], hidden='relu', output='softmax')\n"
        "go = lambda: cr.train(n, d.X / 16, d.y, epochs=1, engine='compiled', metrics=()).theta.tobytes()\n"
        "a = go(); pid = os.fork()\n"
        "same = go() == a\n"
        "os._exit(0 if same else 1) if pid == 0 else None\n"
        "assert same and os.waitpid(pid, 0)[1] == 0\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True, timeout=120)


@pytest.mark.skipif(os.name == "nt", reason="signals work otherwise there")
def test_an_interrupt_keeps_what_was_learnt() -> None:
    program = (
        "import numpy as np, chainrule as cr, time\n"
        "X = np.random.default_rng(0).random((20000, 50)); y = (X[:, 0] > 0.5).astype(int)\n"
        "n = cr.Network.from_sizes([50, 20, 2], hidden='relu', output='softmax')\n"
        "cr.train(n, X[:100], y[:100], epochs=1, batch_size=4, engine='compiled', metrics=())\n"
        "print('ready', flush=True)\n"
        "m = cr.train(n, X, y, epochs=100000, batch_size=4, engine='compiled', metrics=())\n"
        "print(m.history.stopped, np.isfinite(m.theta).all())\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    threading.Event().wait(0.7)
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert rest.strip() == "interrupted True"


def test_an_interrupt_just_before_threads_work_together_leaves_none_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(epochs, "_BATCH_WORTH_SHARING", 1)
    monkeypatch.setenv("CHAINRULE_THREADS", "3")
    network = cr.Network.from_sizes([20, 30, 3], hidden="relu", output="softmax")
    X, y = RNG.random((64, 20)), RNG.integers(0, 3, 64)
    before, pressed, run = set(threading.enumerate()), [], kernels.Kernel.__call__

    def press(self: Any, table: Any) -> int:
        if threading.current_thread() is threading.main_thread() and not pressed:
            pressed.append(set(threading.enumerate()) - before)
            raise KeyboardInterrupt
        return run(self, table)

    monkeypatch.setattr(kernels.Kernel, "__call__", press)
    with pytest.raises(KeyboardInterrupt):
        cr.train(network, X, y, epochs=1, engine="compiled", metrics=())
    (others,) = pressed
    assert len(others) == 2
    for thread in others:
        thread.join(timeout=60)
        assert not thread.is_alive()


def test_without_llvm_the_reference_engine_works(capsys: pytest.CaptureFixture[str]) -> None:
    program = (
        "import sys; sys.modules['llvmlite'] = None\n"
        "import chainrule as cr\n"
        "d = cr.data.load('digits'); n = cr.Network.from_sizes([64, 5, 10], hidden='relu', output='softmax')\n"
        "print(cr.train(n, d.X / 16, d.y, epochs=1, engine='compiled').history.engine)\n"
        "print(cr.train(n, d.X / 16, d.y, epochs=1, engine='compiled').history.engine)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["reference", "reference"]
    assert done.stderr.count("\n") == 1
    assert "llvmlite" in done.stderr
