"""Files changed at random: what comes back is data, or an error of ours; never another exception, never much memory."""

from __future__ import annotations

import contextlib
import gzip
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.data import TableEncoder, describe, load_file, read_rows
from chainrule.errors import ChainruleError


def files() -> dict[str, bytes]:
    """One small file of each kind."""
    X = np.arange(40.0).reshape(20, 2)
    found = {
        "csv": b'a,b,target\n1,x,yes\n2.5,?,no\n3,"z,\n z",yes\n',
        "semicolons": b"a;b;c\r\n1,5;True;x\r\n2,5;False;y\r\n",
        "tabs": "ä\tö\n1\tü\n2\t\n".encode(),
        "idx": bytes([0, 0, 8, 2, 0, 0, 0, 3, 0, 0, 0, 2]) + b"abcdef",
    }
    for name, write in (("npz", np.savez), ("packed npz", np.savez_compressed)):
        buffer = io.BytesIO()
        write(buffer, X=X, y=np.arange(20))
        found[name] = buffer.getvalue()
    buffer = io.BytesIO()
    np.save(buffer, X)
    found["npy"] = buffer.getvalue()
    with contextlib.suppress(ImportError):
        import pyarrow
        import pyarrow.parquet

        buffer = io.BytesIO()
        table = pyarrow.table({"a": [1, 2, 3], "b": ["x", None, "y"], "target": [1.5, 2.0, 3.0]})
        pyarrow.parquet.write_table(table, buffer)
        found["parquet"] = buffer.getvalue()
    return found


PIECES = [b",", b'"', b"\n", b"\r", b";", b"\t", b"nan", b"inf", b"\0", b"\xff", b"9" * 400, b"1e999", b"True", b"\n\n"]
CHANGES = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.one_of(st.sampled_from(PIECES), st.binary(min_size=1, max_size=4)),
        st.sampled_from(["insert", "replace", "remove", "cut"]),
    ),
    min_size=1,
    max_size=5,
)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", sorted(files()))
@given(changes=CHANGES)
@settings(max_examples=60)
def test_changed_at_random(kind: str, packed: bool, changes: list[tuple[float, bytes, str]]) -> None:
    content = gzip.compress(files()[kind], mtime=0) if packed else files()[kind]
    for where, piece, how in changes:
        place = int(where * len(content))
        keep = place + (0 if how == "insert" else len(content) if how == "cut" else len(piece))
        content = content[:place] + (piece if how in ("insert", "replace") else b"") + content[keep:]
    with contextlib.suppress(ChainruleError):
        read_rows(io.BytesIO(content))
    with contextlib.suppress(ChainruleError):
        dataset = load_file(io.BytesIO(content))
        describe(dataset)
        assert np.isfinite(TableEncoder.fit(dataset.X).transform(dataset.X)).all()


@given(content=st.binary(max_size=200))
def test_anything_at_all(content: bytes) -> None:
    with contextlib.suppress(ChainruleError):
        read_rows(io.BytesIO(content))
