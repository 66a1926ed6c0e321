"""Inputs of which only the numbers that are not 0 are kept, as in SciPy's CSR matrices.

Nothing here makes all rows dense. A dense layer multiplies them as they are; what needs them one by one, such as batch
normalization of the inputs, takes `dense_rows` of a batch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from chainrule.errors import DataError
from chainrule.formulas import Array

__all__ = ["Inputs", "SparseRows", "as_csr", "dense_rows", "first_not_finite", "is_sparse", "numbers_of"]


@dataclass(frozen=True, eq=False)
class SparseRows:
    """A matrix as its stored numbers, row by row, each column at most once in a row and in ascending order.

    Args:
        data: the stored numbers, float64 or float32.
        columns: the column of each, int64.
        ends: where rows begin: row i has the numbers from ends[i] up to ends[i + 1]; shape (n + 1,), int64.
        width: how many columns there are.

    >>> from scipy.sparse import csr_array
    >>> rows = SparseRows.of(csr_array([[0.0, 2.0], [3.0, 0.0]]), np.dtype(float))
    >>> rows.shape, (rows @ np.array([[1.0], [10.0]])).tolist(), rows[1:].dense().tolist()
    ((2, 2), [[20.0], [3.0]], [[3.0, 0.0]])
    """

    data: Array
    columns: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    width: int

    __array_ufunc__: ClassVar[None] = None  # so that D @ rows comes here
    ndim: ClassVar[int] = 2

    @classmethod
    def of(cls, matrix: Any, dtype: np.dtype[Any], what: str = "X") -> SparseRows:
        """Take over a two-dimensional sparse matrix of SciPy's, of whatever format; it stays as it is.

        Raises:
            DataError: where its indices are not those of such a matrix.
        """
        from scipy.sparse import csr_array

        given = matrix.tocsr()
        try:
            # A matrix of our own: what the given one says of itself may be out of date.
            own = csr_array((given.data, given.indices, given.indptr), shape=given.shape)
            own.check_format(full_check=True)
        except ValueError as error:
            raise DataError(
                "{what} is a sparse matrix with wrong indices ({reason}); make it anew, for example with {make}",
                what=what,
                reason=str(error),
                make="scipy.sparse.csr_array((values, (rows, columns)), shape=…)",
            ) from error
        if not own.has_canonical_format:
            own = own.copy()
            own.sum_duplicates()
        with np.errstate(over="ignore"):  # as for dense inputs
            data = np.ascontiguousarray(own.data[: own.nnz], dtype=dtype)
        columns = np.ascontiguousarray(own.indices[: own.nnz], dtype=np.int64)
        return cls(data, columns, np.ascontiguousarray(own.indptr, dtype=np.int64), own.shape[1])

    @property
    def shape(self) -> tuple[int, int]:
        """(n, width)."""
        return len(self), self.width

    @property
    def dtype(self) -> np.dtype[Any]:
        """float64 or float32."""
        return self.data.dtype

    def __len__(self) -> int:
        return len(self.ends) - 1

    def __getitem__(self, rows: slice | Array) -> SparseRows:
        """Give some of the rows, by a slice or by their numbers."""
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            if step == 1:
                ends = self.ends[start : max(start, stop) + 1]
                part = slice(ends[0], ends[-1])
                return replace(self, data=self.data[part], columns=self.columns[part], ends=ends - ends[0])
            rows = np.arange(start, stop, step)
        begins = self.ends[rows]
        counts = self.ends[rows + 1] - begins
        ends = np.concatenate([[0], np.cumsum(counts)])
        places = np.arange(ends[-1]) + np.repeat(begins - ends[:-1], counts)
        return replace(self, data=self.data[places], columns=self.columns[places], ends=ends)

    def __array__(self, *_: Any, **__: Any) -> Array:
        """Refuse to become dense by accident."""
        raise TypeError("sparse rows become an array only where dense() says so")

    @cached_property
    def _csr(self) -> Any:
        from scipy.sparse import csr_array

        return csr_array((self.data, self.columns, self.ends), shape=self.shape)

    def tocsr(self) -> Any:
        """Give a CSR array of SciPy's with memory of its own."""
        return self._csr.copy()

    def __matmul__(self, other: Array) -> Array:
        return self._csr @ other

    def __rmatmul__(self, other: Array) -> Array:
        return (self._csr.T @ other.T).T

    @property
    def places(self) -> npt.NDArray[np.int64]:
        """Where the stored numbers would stand, were all rows written one behind the other; ascending."""
        return np.repeat(np.arange(len(self)) * self.width, np.diff(self.ends)) + self.columns

    def dense(self) -> Array:
        """Give the rows with all their zeros, shape (n, width): for a batch of them, not for all."""
        rows = np.zeros(self.shape, dtype=self.dtype)
        rows.reshape(-1)[self.places] = self.data
        return rows


Inputs: TypeAlias = Array | SparseRows


def is_sparse(values: object) -> bool:
    """Whether these are sparse rows, or a sparse matrix of SciPy's.

    >>> is_sparse(np.eye(2))
    False
    """
    return hasattr(values, "tocsr")


def as_csr(values: Array) -> Any:
    """Give a matrix without its zeros, as scikit-learn's label binarizer does.

    >>> as_csr(np.eye(2)).nnz
    2
    """
    from scipy.sparse import csr_matrix

    return csr_matrix(values)


def dense_rows(X: Inputs) -> Array:
    """Give the rows of a batch as an array.

    >>> dense_rows(np.array([[1.0, 0.0]])).tolist()
    [[1.0, 0.0]]
    """
    return X.dense() if isinstance(X, SparseRows) else X


def numbers_of(X: Inputs) -> Array:
    """Give the numbers that are stored, whatever their places.

    >>> from scipy.sparse import csr_array
    >>> numbers_of(SparseRows.of(csr_array([[0.0, 2.0]]), np.dtype(float))).tolist()
    [2.0]
    """
    return X.data if isinstance(X, SparseRows) else X


def first_not_finite(X: Inputs) -> tuple[int, int, float] | None:
    """Give row, column and value of the first number that is not finite, or None.

    >>> first_not_finite(np.array([[1.0, 2.0], [3.0, np.inf]]))
    (1, 1, inf)
    """
    finite = np.isfinite(numbers_of(X))
    if finite.all():
        return None
    if isinstance(X, SparseRows):
        k = int(np.argmin(finite))
        row = int(np.searchsorted(X.ends, k, side="right")) - 1
        return row, int(X.columns[k]), float(X.data[k])
    row, column = (int(each) for each in np.argwhere(~finite)[0])
    return row, column, float(X[row, column])
