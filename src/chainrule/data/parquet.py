"""Tables out of Parquet files, which pyarrow reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from chainrule.data.columns import listing
from chainrule.errors import DataError, MissingExtra

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_parquet"]


def read_parquet(file: BinaryIO, name: str) -> pd.DataFrame:
    """Read a Parquet file; an index that pandas stored in it is a column like the others.

    Args:
        file: the bytes; can be sought.
        name: the file's name for messages.

    Returns:
        The table; its rows count from 0.

    Raises:
        DataError: where the file is damaged, has no rows, or two columns of one name.
        MissingExtra: where pyarrow is not installed.
    """
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtra.of("reading Parquet files", "pyarrow", extra="parquet") from error
    try:
        content = pyarrow.parquet.ParquetFile(file).read().replace_schema_metadata(None)
        content.validate(full=True)  # else texts that are no texts come to light only when they are used
        table: pd.DataFrame = content.to_pandas()
    except Exception as error:  # on damaged files, pyarrow raises nearly anything
        raise DataError(
            "{path} is a damaged Parquet file ({reason}): get it again", path=name, reason=str(error).split("\n")[0]
        ) from error
    table.columns = [str(column) for column in table.columns]
    twice = sorted(set(table.columns[table.columns.duplicated()]))
    if twice:
        raise DataError(
            "{path} has more than one column called {names}: give each its own name", path=name, names=listing(twice)
        )
    if table.empty:
        raise DataError("{path} has no rows; at least one is needed", path=name)
    return table
