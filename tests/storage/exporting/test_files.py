"""What files are called, say and refuse; tables, labels of all kinds, activations of one's own, and large networks."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from chainrule import Dense, MLPClassifier, Network, TableEncoder, TargetEncoder, export, register, train
from chainrule.errors import MissingExtra, SaveError, UnknownName, UsageError
from chainrule.formulas import Activation
from chainrule.model import Model
from chainrule.storage.exporting import FORMATS, format_of

from .conftest import needs_gcc, run_c, run_onnx, run_python, self_test_of_c, write_all

NASTY = ('q"uote', "back\\slash", "new\nline", "是非", "int", "*/", "??=", "%s", "'''", '"""', "{0}", " ")


def small(**options: Any) -> Model:
    return Network.from_sizes([2, 3, 2], **options).init(seed=4)


def run(path: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-W", "error", str(path)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60)


@needs_gcc
def test_labels_of_any_kind(tmp_path: Path) -> None:
    model = Network.from_sizes([2, len(NASTY)], output="softmax").init(seed=1)
    model.target = TargetEncoder("classes", classes=NASTY)
    rows = [[8.0, k - 6.0] for k in range(13)] + [[-8.0, k - 6.0] for k in range(13)]
    wanted = model.predict(rows).tolist()
    assert len(set(wanted)) > 2
    paths = write_all(model, tmp_path)
    for to in ("numpy", "python"):
        assert run_python(paths[to], rows, ["predict"], numpy=to == "numpy")["predict"] == wanted
    printed = self_test_of_c(tmp_path, "net")
    assert "good" in printed
    numbers = run_c(tmp_path, model, rows, "y[count++] = net_predict(x);")
    assert [NASTY[int(k)] for (k,) in numbers] == wanted


@needs_gcc
@pytest.mark.parametrize("classes", [(False, True), (-(2**63), 2**63 - 1), (0.25, 1e300), ("否", "是")])
def test_two_labels_from_one_output(classes: tuple[Any, Any], tmp_path: Path) -> None:
    model = Network.from_sizes([1, 1], output="sigmoid").init(seed=1)
    model.target = TargetEncoder("classes", classes=classes)
    rows = [[-2.0], [3.0]]
    wanted = model.predict(rows).tolist()
    assert set(wanted) == set(classes)
    paths = write_all(model, tmp_path)
    for to in ("numpy", "python"):
        assert run_python(paths[to], rows, ["predict"], numpy=to == "numpy")["predict"] == wanted
    assert run_onnx(paths["onnx"], {"X": np.array(rows)})["label"].tolist() == wanted
    self_test_of_c(tmp_path, "net")
    self_test_of_c(tmp_path, "net", compiler="g++", standard="-std=c++11")


@needs_gcc
@pytest.mark.parametrize("stem", ["class", "int", "3 nets", "鸢尾", "a-b.c", "_", "main", "numpy", "q\"u'ote", "*"])
def test_any_name_of_a_file(stem: str, tmp_path: Path) -> None:
    model = small(hidden="gelu", output="softmax")
    header = export(model, tmp_path / f"{stem}.h")
    prefix = header.read_text(encoding="utf-8").split("#ifndef ")[1].split("_H\n")[0]
    header.rename(tmp_path / "plain.h")
    command = [
        "gcc",
        "-std=c99",
        "-Wall",
        "-Wextra",
        "-Wpedantic",
        "-Werror",
        "-x",
        "c",
        f"-D{prefix}_TEST",
        "plain.h",
        "-lm",
    ]
    done = subprocess.run([*command, "-o", "test"], cwd=tmp_path, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    if stem == "numpy":  # refused, since it would hide NumPy
        return
    for to in ("numpy", "python"):
        done_python = run(export(model, tmp_path / f"{stem}.py", to))
        assert done_python.returncode == 0, done_python.stderr


def test_a_file_that_was_changed_says_so(tmp_path: Path) -> None:
    for to in ("numpy", "python"):
        path = export(small(), tmp_path / "net.py", to)
        assert "good" in run(path).stdout
        text = path.read_text(encoding="utf-8")
        place = text.index("W1 = ") + text[text.index("W1 = ") :].index("0.")
        path.write_text(f"{text[:place]}7{text[place + 1 :]}", encoding="utf-8")
        done = run(path)
        assert (done.returncode, "WRONG" in done.stdout) == (1, True)


def test_rows_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    for to in ("numpy", "python"):
        export(small(), tmp_path / "net.py", to)
        for rows in ("[[1.0, 2.0, 3.0]]", "[[1.0, float('nan')]]", "[[float('inf'), 1.0]]"):
            command = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import net; net.predict({rows})"
            done = subprocess.run([sys.executable, "-B", "-c", command], capture_output=True, encoding="utf-8")
            assert "ValueError" in done.stderr


def imported(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def plain(answer: Any) -> Any:
    return answer.tolist() if isinstance(answer, np.ndarray) else answer


@pytest.mark.parametrize("to", ["numpy", "python"])
@pytest.mark.parametrize("columns", [["age", "in come"], ["age", "pet"], ["age", "gaps"], None])
def test_rows_in_every_form(columns: list[str] | None, to: str, tmp_path: Path) -> None:
    frame = table()
    frame["gaps"] = frame["age"]
    frame["age"] = frame["age"].fillna(40.0)
    frame = frame[columns or ["age", "in come"]]
    model = Network.from_sizes([2, 3, 2], output="softmax").init(seed=3)
    if columns:
        encoder = TableEncoder.fit(frame)
        model = Network.from_sizes([len(encoder.outputs), 3, 2], output="softmax").init(seed=3)
        model.encoder = encoder
    net = imported(export(model, tmp_path / "net.py", to))
    rows = cells_of(frame)
    forms: dict[str, Any] = {
        "lists": rows,
        "tuples": tuple(map(tuple, rows)),
        "texts": [["" if cell is None else str(cell) for cell in row] for row in rows],
        "an array": frame.to_numpy(),
        "arrays": list(frame.to_numpy()),
        "a frame": frame,
    }
    if columns:
        forms["dictionaries"] = frame.to_dict("records")
        forms["a frame in another order"] = frame[frame.columns[::-1]]
    wanted = model.predict_proba(frame if columns else frame.to_numpy())
    for form, given in forms.items():
        assert np.allclose(net.predict_proba(given), wanted, rtol=1e-12, atol=0), form
    for function in (net.predict, net.predict_proba, net.outputs):
        assert plain(function([])) == []
    alone: list[Any] = [["12"], "12", [b"12"], rows[0], [3.0, 4.0], np.array([3.0, 4.0]), 3.0]
    for wrong in alone + [{"age": 1, "pet": 2}] * (columns is not None):
        with pytest.raises(ValueError, match=r"\[row\] for one"):
            net.predict(wrong)
    for wrong in ([rows[0], [1.0, 2.0, 3.0]], [[1.0]]):
        with pytest.raises(ValueError, match=r"has 1|has 3|shape"):
            net.predict(wrong)


def table(rows: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "age": rng.normal(40, 10, rows).round(1),
            "in come": rng.normal(2000, 300, rows).round(),
            "pet": rng.choice(["cat", "dog", 'a"b\\', "鱼"], rows),
            "code": rng.choice(["1", "2", "30"], rows),
            "same": np.full(rows, 3.0),
            "town": rng.choice([*"abcdefgh", *"xxxxxx"], rows),
            "yes": rng.random(rows) > 0.5,
        }
    )
    frame.loc[::7, "age"] = np.nan
    frame.loc[::9, "pet"] = None
    frame.loc[::11, "town"] = None
    return frame


def cells_of(frame: pd.DataFrame) -> list[list[Any]]:
    rows = frame.astype(object).where(frame.notna(), None).to_numpy(dtype=object).tolist()
    return [[cell.item() if isinstance(cell, np.generic) else cell for cell in row] for row in rows]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_table_goes_in_raw(dtype: str, tmp_path: Path) -> None:
    frame = table()
    encoder = TableEncoder.fit(frame, max_categories=6)
    network = Network.from_sizes([len(encoder.outputs), 5, 2], output="softmax")
    y = np.where(frame["in come"] > 2000, "rich", "poor")
    model = train(network, frame, y, encoder=encoder, epochs=20, dtype=dtype)
    strange = frame.copy()
    strange.loc[1, ["pet", "town"]] = ["wolf", "nowhere"]
    strange.loc[2, ["in come", "town", "code"]] = [np.nan, None, None]
    wanted = model.predict_proba(strange)
    within = 1e-6 if dtype == "float32" else 1e-12
    paths = write_all(model, tmp_path)
    rows = cells_of(strange)
    dictionaries = [dict(zip(frame.columns, row, strict=True)) for row in rows]
    for to, given in (("numpy", rows), ("python", dictionaries)):
        answers = run_python(paths[to], given, ["predict_proba", "predict"], numpy=to == "numpy")
        assert np.allclose(answers["predict_proba"], wanted, rtol=0, atol=within)
        assert answers["predict"] == model.predict(strange).tolist()
    columns = {
        name: np.array([[np.nan if cell is None else cell] for cell in cells], dtype=np.float64)
        if name in ("age", "in come", "same")
        else np.array([["" if cell is None else str(cell)] for cell in cells], dtype=object)
        for name, cells in zip(frame.columns, zip(*rows, strict=True), strict=True)
    }
    found = run_onnx(paths["onnx"], columns)
    assert np.allclose(found["probabilities"], wanted, rtol=0, atol=within)
    assert found["label"].tolist() == model.predict(strange).tolist()
    header = paths["c"].read_text(encoding="utf-8")
    assert "Raw columns are not encoded here" in header
    made = inputs_by_the_comment(header, dictionaries)
    assert np.allclose(made, encoder.transform(strange), rtol=1e-15, atol=0)


def inputs_by_the_comment(header: str, rows: list[dict[str, Any]]) -> list[list[float]]:
    """Make inputs of raw rows by nothing but what the header's comment says of each."""
    number, name = r"(-?[\d.e+-]+)", r'(\w+|"(?:\\.|[^"\\])*")'
    made: list[list[float]] = [[] for _ in rows]
    for j, said in re.findall(r"^ \*     x\[(\d+)\] = (.*)$", header, re.MULTILINE):
        assert int(j) == len(made[0])
        for row, inputs in zip(rows, made, strict=True):
            if found := re.fullmatch(
                rf"\({name} - {number}\) / {number}; where \1 is missing, it counts as {number}", said
            ):
                cell = row[text_in_c(found[1])]
                x = float(found[4]) if cell is None or cell != cell else cell
                inputs.append((x - float(found[2])) / float(found[3]))
            elif found := re.fullmatch(
                rf"1 if {name} is (missing|anything else|anything else or missing|{name}), else 0", said
            ):
                cell = row[text_in_c(found[1])]
                missing = cell is None or cell != cell
                known = set(re.findall(rf"= 1 if {re.escape(found[1])} is (\".*\"), else 0", header))
                if found[2].startswith('"'):
                    inputs.append(float(not missing and str(cell) == text_in_c(found[2])))
                else:
                    other = not missing and str(cell) not in map(text_in_c, known)
                    inputs.append(float(missing * ("missing" in found[2]) + other * ("else" in found[2])))
            else:
                assert re.fullmatch(rf"0, since {name} never changed in training", said), said
                inputs.append(0.0)
    return made


def text_in_c(literal: str) -> str:
    """Read a literal of C, or a plain name."""
    if not literal.startswith('"'):
        return literal
    pieces = re.findall(r"\\([0-7]{3})|\\(.)|(.)", literal[1:-1])
    parts = [bytes([int(octal, 8)]) if octal else (escaped or plain).encode() for octal, escaped, plain in pieces]
    return b"".join(parts).decode()


@needs_gcc
def test_a_header_says_how_every_input_is_made(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({text: rng.choice([*NASTY[:-1], "/*/", "x"], 200) for text in ("a", "*/ b ??/", "int")})
    frame["?\n"] = rng.normal(1e-7, 1e-9, 200)
    encoder = TableEncoder.fit(frame)
    model = Network.from_sizes([len(encoder.outputs), 2], output="softmax").init(seed=1)
    model.encoder = encoder
    header = export(model, tmp_path / "net.h").read_text(encoding="utf-8")
    rows = [dict(zip(frame.columns, row, strict=True)) for row in cells_of(frame)]
    made = np.array(inputs_by_the_comment(header, rows))
    assert made.shape == (200, len(encoder.outputs))
    assert np.allclose(made, encoder.transform(frame), rtol=1e-15, atol=0)
    self_test_of_c(tmp_path, "net")
    self_test_of_c(tmp_path, "net", compiler="g++", standard="-std=c++11")


@needs_gcc
def test_a_table_of_numbers_goes_in_raw_everywhere(tmp_path: Path) -> None:
    frame = table()[["in come", "same", "age"]].fillna(40.0)
    target = TargetEncoder.fit(frame["age"] * 3, kind="values")
    network = Network.from_sizes([3, 4, 1], hidden="tanh")
    model = train(
        network, frame, frame["age"] * 3, encoder=TableEncoder.fit(frame), target=target, epochs=5, dtype="f4"
    )
    X = frame.to_numpy(copy=True)
    X[3, 0] = np.nan
    wanted = model.predict(X)
    paths = write_all(model, tmp_path)
    rows = [[None if x != x else x for x in row] for row in X.tolist()]
    assert np.allclose(run_python(paths["python"], rows, ["predict"], numpy=False)["predict"], wanted, rtol=1e-6)
    nan_rows = [[float(x) for x in row] for row in X.tolist()]
    assert np.allclose(run_python(paths["numpy"], nan_rows, ["predict"], numpy=True)["predict"], wanted, rtol=1e-6)
    assert np.allclose(run_onnx(paths["onnx"], {"X": X})["values"], wanted, rtol=1e-6)
    code = "(void)x; double raw[3]; for (int j = 0; j < 3; j++) raw[j] = given[i][j]; y[count++] = net_predict(raw);"
    X[3, 0] = 1900.0
    got = np.array(run_c(tmp_path, model, X.tolist(), code))[:, 0]
    assert np.allclose(got, model.predict(X), rtol=1e-6)
    assert "row 0" not in self_test_of_c(tmp_path, "net")


@needs_gcc
def test_an_activation_of_ones_own(tmp_path: Path) -> None:
    bent = Activation(
        name="bent",
        value=lambda z, long=0.5: (np.sqrt(z * z + 1) - 1) / 2 + long * z,
        slope=lambda z, a, long=0.5: z / (2 * np.sqrt(z * z + 1)) + long,
        parameters={"long": 0.5},
        latex="",
        use="A test: its parameter is a word of C.",
    )
    steep = Activation(
        name="log",
        value=lambda z: 1 / (1 + np.exp(-3 * z)),
        slope=lambda z, a: 3 * a * (1 - a),
        latex="",
        use="A test: its name is another function's, and exp overflows for large z.",
    )
    centred = Activation(
        name="centred",
        value=lambda z: z - np.mean(z, axis=-1, keepdims=True),
        pullback=lambda z, a, g: g - np.mean(g, axis=-1, keepdims=True),
        latex="",
        use="A test: a neuron's output depends on the others.",
    )
    for record in (bent, steep, centred):
        register(record)
    layers = [Dense(4, bent.with_parameters(long=0.25)), Dense(5, "centred"), Dense(3, "bent"), Dense(2, "log")]
    model = Network(layers, inputs=2).init(seed=2)
    paths = write_all(model, tmp_path)
    rows = [[0.5, -1.5], [300.0, 400.0], [-300.0, 2.0]]
    with np.errstate(over="ignore"):
        wanted = model.outputs(rows)
    # NumPy warns of the overflow, as it does in the model; plain Python has a guard.
    assert np.allclose(run_python(paths["python"], rows, ["outputs"], numpy=False)["outputs"], wanted, atol=1e-12)
    assert np.allclose(run_onnx(paths["onnx"], {"X": np.array(rows)})["outputs"], wanted, atol=1e-12)
    code = "double a[2]; net_outputs(x, a); y[count++] = a[0]; y[count++] = a[1];"
    assert np.allclose(run_c(tmp_path, model, rows, code), wanted, atol=1e-12)
    text = paths["numpy"].read_text(encoding="utf-8")
    assert "def log_activation(z):" in text
    assert "bent(A2 @ W3.T + b3, long_=0.5)" in text


@needs_gcc
@pytest.mark.parametrize("inputs", [1, 3])
def test_one_neuron(inputs: int, tmp_path: Path) -> None:
    model = Network([Dense(1, "step", bias="fixed")], inputs).init(seed=0)
    paths = write_all(model, tmp_path)
    rows = np.random.default_rng(0).normal(size=(6, inputs)).tolist()
    for to in ("numpy", "python"):
        assert run_python(paths[to], rows, ["outputs"], numpy=to == "numpy")["outputs"] == model.outputs(rows).tolist()
    self_test_of_c(tmp_path, "net")


def test_a_large_network_is_written_compactly(tmp_path: Path) -> None:
    model = Network.from_sizes([784, 200, 10], output="softmax").init(dtype="float32")
    weights = 4 * model.theta.size
    for to, most in (("onnx", 1.1), ("numpy", 1.6), ("python", 1.6), ("c", 4.5)):
        path = export(model, tmp_path / f"big{FORMATS[to]}", to)
        assert path.stat().st_size < most * weights
        if to in ("numpy", "python"):
            assert max(map(len, path.read_text(encoding="utf-8").splitlines())) <= 120
            assert "good" in run(path).stdout


def test_an_autoencoders_code(tmp_path: Path) -> None:
    model = Network.from_sizes([4, 2, 4], hidden="tanh").init(seed=1)
    X = np.random.default_rng(0).normal(size=(5, 4))
    paths = write_all(model, tmp_path, code=1)
    for to in ("numpy", "python"):
        found = run_python(paths[to], X.tolist(), ["transform"], numpy=to == "numpy")
        assert np.allclose(found["transform"], model.forward(X).A[1], atol=1e-14)
    assert np.allclose(run_onnx(paths["onnx"], {"X": X})["code"], model.forward(X).A[1], atol=1e-14)


def test_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    for to, suffix in FORMATS.items():
        first = export(small(output="softmax"), tmp_path / f"net{suffix}", to).read_bytes()
        assert export(small(output="softmax"), tmp_path / f"net{suffix}", to).read_bytes() == first


def test_an_onnx_file_says_what_it_is(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    model = small(output="softmax")
    model.target = TargetEncoder("classes", classes=("cat", "dog"))
    found = onnx.load(export(model, tmp_path / "net.onnx"))
    assert (found.producer_name, found.ir_version, found.opset_import[0].version) == ("chainrule", 8, 17)
    facts = {entry.key: entry.value for entry in found.metadata_props}
    assert facts["classes"] == '["cat", "dog"]'
    assert [output.name for output in found.graph.output] == ["label", "probabilities"]
    names = [node.output[0] for node in found.graph.node]
    assert len(set(names)) == len(names)


# What is refused


def test_formats() -> None:
    assert format_of(None, Path("x.ONNX")) == ("onnx", ".onnx")
    with pytest.raises(
        UsageError, match=r"net\.py does not say what to export to; give one of: onnx, numpy, python, c"
    ):
        export(small(), "net.py")
    with pytest.raises(UnknownName, match="unknown export format 'onx'; did you mean 'onnx'"):
        export(small(), "net.py", "onx")


@pytest.mark.parametrize(
    ("to", "name", "text"),
    [
        ("numpy", "net.h", r"ends in \.h, but a file for 'numpy' ends in \.py"),
        ("onnx", "net.py", r"ends in \.py, but a file for 'onnx' ends in \.onnx"),
        ("c", "net.ONNX", r"ends in \.onnx, but a file for 'c' ends in \.h"),
        ("python", "struct.py", "would hide the module 'struct' from Python"),
        ("numpy", "numpy.py", "would hide the module 'numpy' from Python"),
    ],
)
def test_a_name_of_something_else(to: str, name: str, text: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=text):
        export(small(), tmp_path / name, to)
    assert not list(tmp_path.iterdir())
    assert export(small(), tmp_path / "net.txt", to).exists()


@needs_gcc
def test_the_command_in_the_comment_works(tmp_path: Path) -> None:
    header = export(small(), tmp_path / "my net & yours.h").read_text(encoding="utf-8")
    command = re.search(r"^ \*     (cc .*)$", header, re.MULTILINE)
    assert command is not None
    done = subprocess.run(command[1].replace("cc", "gcc", 1), shell=True, cwd=tmp_path)
    assert done.returncode == 0
    python = export(small(), tmp_path / "my net.py", "python").read_text(encoding="utf-8")
    assert "`python 'my net.py'` tests" in python


def test_what_is_no_model_or_path(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="export takes a Model, not Network"):
        export(Network.from_sizes([1, 1]), tmp_path / "net.onnx")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="export takes a Model, not MLPClassifier; give its model_"):
        export(MLPClassifier(), tmp_path / "net.onnx")
    with pytest.raises(UsageError, match=r"to is \['c'\]; give one of: onnx, numpy, python, c"):
        export(small(), tmp_path / "net.h", ["c"])  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="path is 3"):
        export(small(), 3)  # type: ignore[arg-type]
    with pytest.raises(SaveError, match="there is no folder"):
        export(small(), tmp_path / "nowhere" / "net.h")


@pytest.mark.parametrize("code", [0, 3, True, "1"])
def test_a_code_that_is_no_layer(code: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="it must be the number of a layer, 1 to 2"):
        export(small(), tmp_path / "net.onnx", code=code)


def test_numbers_that_are_not_finite(tmp_path: Path) -> None:
    model = small()
    model.theta[0] = np.nan
    with pytest.raises(UsageError, match="parameters that are not finite"):
        export(model, tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())


@needs_gcc
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("raw", [False, True])
def test_rows_whose_answers_are_not_finite_are_not_written(raw: bool, dtype: str, tmp_path: Path) -> None:
    model = Network.from_sizes([3, 4, 2], hidden="identity").init(seed=1, dtype=dtype)
    model.theta *= np.sqrt(np.finfo(dtype).max)
    X = np.random.default_rng(0).normal(1e6, 1, (50, 3))
    if raw:
        model.encoder = TableEncoder.fit(pd.DataFrame(X, columns=["a", "b", "c"]))
    with np.errstate(over="ignore", invalid="ignore"):
        assert not np.isfinite(model.outputs(X if raw else X - 1e6)).all()
    paths = write_all(model, tmp_path)
    for to in ("numpy", "python"):
        assert "inf" not in paths[to].read_text(encoding="utf-8").split("EXPECTED = ")[1]
        run_python(paths[to], [], [], numpy=to == "numpy")  # this runs the self-test
    assert "good" in self_test_of_c(tmp_path, "net")


def test_a_model_without_a_finite_answer(tmp_path: Path) -> None:
    model = Network.from_sizes([2, 1], output="exponential").init()
    model.theta[-1] = 1e6
    for name in ("net.py", "net.h"):
        with pytest.raises(UsageError, match="gives numbers that are not finite for all rows that were tried"):
            export(model, tmp_path / name, "c" if name.endswith("h") else "python")
    assert not list(tmp_path.iterdir())


def test_a_text_that_is_no_unicode(tmp_path: Path) -> None:
    model = small(output="softmax")
    model.target = TargetEncoder("classes", classes=("a", "\udc80"))
    for to in ("numpy", "python", "c"):
        export(model, tmp_path / f"net{FORMATS[to]}", to)
    with pytest.raises(UsageError, match="which ONNX needs"):
        export(model, tmp_path / "net.onnx")


def test_an_activation_with_a_branch(tmp_path: Path) -> None:
    branchy = Activation(name="branchy", value=lambda z: z if z.sum() > 0 else -z, latex="", use="")
    model = Network([Dense(2, branchy)], inputs=2).init()
    for to, suffix in FORMATS.items():
        with pytest.raises(UsageError, match="the activation 'branchy' cannot be exported"):
            export(model, tmp_path / f"net{suffix}", to)


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtra, match=r'pip install "chainrule\[onnx\]"'):
        export(small(), tmp_path / "net.onnx")
