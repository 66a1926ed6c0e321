"""Tables out of text files: CSV and TSV, with a line of column names first.

pandas reads the cells. Before that, Python's own csv module counts them, since pandas fills short rows up in silence,
and remembers on which line of the file each row stands.

Empty cells, and those that read NA, N/A, NaN, null or ? (see `chainrule.data.columns.MISSING`), are missing; "None" is
a category. A column whose cells are all True or False holds categories. A column of whole numbers is numeric.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from chainrule.data.columns import LINE, MISSING, floats_of, is_number_like
from chainrule.errors import DataError, UsageError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_table"]

_DELIMITERS = (",", ";", "\t")
_SAMPLE = 2**16
_COMMA_NUMBER = re.compile(r"[+-]?\d+,\d+$")
_POINT_NUMBER = re.compile(r"[+-]?\d+\.\d+$")


def read_table(
    data: bytes,
    name: str,
    *,
    encoding: str | None = None,
    text: Collection[str] = (),
    target_of: Callable[[list[str]], str] | None = None,
) -> pd.DataFrame:
    r"""Read a CSV or TSV file.

    Args:
        data: the file's bytes.
        name: the file's name: for messages, and .tsv means that tabs separate the cells.
        encoding: how characters are written; None is UTF-8, with or without a byte order mark.
        text: columns whose cells are kept as text, even if they look like numbers.
        target_of: chooses among the columns' names the target, whose labels stay as they are written: 01 and true
            are texts there.

    Returns:
        The table; its index is called "line" and holds each row's line number in the file.

    Raises:
        DataError: where the file is no such table; says line, column and remedy.

    >>> table = read_table(b"height,colour\n1.5,red\n?,blue\n", "things.csv")
    >>> table["height"].tolist(), table.index.tolist()
    ([1.5, nan], [2, 3])
    """
    content = _to_utf8(data, name, encoding)
    skipped = 0
    if content[:4].lower() == b"sep=":  # Excel's own first line
        content, skipped = content.partition(b"\n")[2], 1
    delimiter, decimal = _find_delimiter(content, name)
    names, lines = _check_rows(content, delimiter, skipped, name)
    table = _parse(content, delimiter, decimal, names, text, name)
    if target_of is not None:
        target = target_of(names)
        if target not in text and table[target].dtype.kind in "iub":
            written = _parse(content, delimiter, decimal, names, [target], name, only=target)[target]
            table[target] = _labels_as_written(table[target], written)
    if len(table) != len(lines):
        raise DataError(
            "{path} reads as {one} rows in one way and {other} in another; check its quotation marks and empty lines",
            path=name,
            one=len(lines),
            other=len(table),
        )
    table.index = _line_index(lines)
    _check_header(table, name)
    return table


def _to_utf8(data: bytes, name: str, encoding: str | None) -> bytes:
    """Check the characters, and write them as UTF-8 without a byte order mark."""
    if encoding is None:
        data = data.removeprefix(b"\xef\xbb\xbf")
    if encoding is None and (data[:2] in (b"\xff\xfe", b"\xfe\xff")):
        raise DataError(
            "{path} is written in UTF-16; say so (--encoding utf-16), or save it as UTF-8", path=name, encoding="utf-16"
        )
    if encoding is None and b"\0" in data:
        raise _no_text(name)
    try:
        characters = data.decode(encoding or "utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            "{path} line {line}: the byte {byte} is not {encoding}; if the file is written in an older encoding, name"
            " it (such as --encoding latin-1), or save it as UTF-8",
            path=name,
            line=line,
            byte=f"0x{data[error.start]:02x}",
            encoding="UTF-8" if encoding is None else encoding,
        ) from None
    except LookupError:
        raise UsageError(
            "unknown encoding {encoding!r}; try utf-8, latin-1, cp1252, gb18030 or utf-16", encoding=encoding
        ) from None
    if "\0" in characters:
        raise _no_text(name)
    return data if encoding is None else characters.removeprefix("\ufeff").encode("utf-8")


def _no_text(name: str) -> DataError:
    return DataError(
        "{path} is neither text (CSV, TSV) nor Parquet, NPZ, NPY or IDX: it holds zero bytes; check that it is the"
        " right file",
        path=name,
    )


def _records(content: bytes, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Give each record that is not blank with the line on which it begins, counted from 1."""
    characters = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline="")
    reader = csv.reader(characters, delimiter=delimiter, skipinitialspace=True)
    before = 0
    for cells in reader:
        if len(cells) > 1 or (cells and cells[0].strip()):
            yield before + 1, cells
        before = reader.line_num


def _find_delimiter(content: bytes, name: str) -> tuple[str, str]:
    """Find the character between cells, and the one in decimal numbers.

    A tab if the file is called .tsv. Otherwise the one of comma, semicolon and tab that splits the first lines into
    equally many cells, and the most of them; if none does so, the one that splits the first line most often. Between
    semicolons, numbers may have a decimal comma: they do if some look like it and none has a point.
    """
    head = content[:_SAMPLE].decode("utf-8", errors="ignore")
    if len(content) > _SAMPLE:
        head = head.rpartition("\n")[0]  # the last line may be cut off

    def rows(delimiter: str) -> list[list[str]]:
        try:
            return [cells for _, cells in islice(_records(head.encode(), delimiter), 50)]
        except csv.Error:
            return []

    if name.lower().removesuffix(".gz").endswith((".tsv", ".tab")):
        return "\t", "."
    widths = {delimiter: [len(cells) for cells in rows(delimiter)] or [0] for delimiter in _DELIMITERS}
    steady = [d for d in _DELIMITERS if widths[d][0] > 1 and len(set(widths[d])) == 1]
    delimiter = max(steady or _DELIMITERS, key=lambda d: widths[d][0])
    if delimiter == ",":
        return ",", "."
    cells = [cell for row in rows(delimiter)[1:] for cell in row]
    comma = any(map(_COMMA_NUMBER.match, cells)) and not any(map(_POINT_NUMBER.match, cells))
    return delimiter, "," if comma else "."


def _check_rows(content: bytes, delimiter: str, skipped: int, name: str) -> tuple[list[str], list[int]]:
    """Check that all rows have as many cells as there are names.

    Returns:
        The columns' names, and the line on which each row begins.
    """
    names: list[str] = []
    lines: list[int] = []
    last = 0
    try:
        for line, cells in _records(content, delimiter):
            last = line + skipped
            if not names:
                names = _check_names([cell.strip() for cell in cells], last, name)
            elif len(cells) != len(names):
                raise _ragged(last, cells, names, name)
            else:
                lines.append(last)
    except csv.Error as error:
        raise DataError(
            "{path} line {line} or below: {reason}; is a quotation mark opened and never closed?",
            path=name,
            line=last + 1,
            reason=str(error),
        ) from error
    if not lines:
        raise DataError("{path} has no rows; a table needs a line with the columns' names and rows below", path=name)
    return names, lines


def _ragged(line: int, cells: list[str], names: list[str], name: str) -> DataError:
    """Make the error about a row that is too short or too long."""
    if any("\n" in cell for cell in cells):
        return DataError(
            "{path} line {line} has {got} cells, expected {expected} as in the first line, and goes on for several"
            " lines: is a quotation mark opened and not closed?",
            path=name,
            line=line,
            got=len(cells),
            expected=len(names),
        )
    return DataError(
        "{path} line {line} has {got} cells, expected {expected} as in the first line: complete it or remove it; a cell"
        " that holds the separator must stand in quotation marks",
        path=name,
        line=line,
        got=len(cells),
        expected=len(names),
    )


def _check_names(names: list[str], line: int, name: str) -> list[str]:
    """Refuse numbers, nothing, or the same twice as columns' names."""
    if all(map(is_number_like, names)):
        raise _no_header(line, name)
    counts = Counter(names)
    twice = [column for column in counts if counts[column] > 1 and column]
    if any(map(is_number_like, twice)):
        raise _no_header(line, name)
    if twice:
        first = names.index(twice[0]) + 1
        raise DataError(
            "{path} line {line} names two columns {column!r} (columns {first} and {second}): give each its own name",
            path=name,
            line=line,
            column=twice[0],
            first=first,
            second=names.index(twice[0], first) + 1,
        )
    if "" in names:
        raise DataError(
            "{path} line {line} gives column {number} no name: name it, or remove the column (pandas writes such a"
            " column of row numbers unless told index=False)",
            path=name,
            line=line,
            number=names.index("") + 1,
        )
    return names


def _no_header(line: int, name: str) -> DataError:
    return DataError(
        "{path} line {line} holds data where the columns' names should stand: add a first line with a name for each"
        " column",
        path=name,
        line=line,
    )


def _check_header(table: pd.DataFrame, name: str) -> None:
    """Refuse a first line that looks like the rows: numbers above numbers, and above texts a text that occurs below."""
    import pandas as pd

    for column in table.columns:
        numeric = pd.api.types.is_numeric_dtype(table[column].dtype) and table[column].dtype != bool
        if numeric != is_number_like(column) or not (numeric or (table[column] == column).any()):
            return
    raise _no_header(1, name)


def _parse(
    content: bytes,
    delimiter: str,
    decimal: str,
    names: list[str],
    text: Collection[str],
    name: str,
    only: str | None = None,
) -> pd.DataFrame:
    """Let pandas read the cells; its default types, but for the columns that stay text."""
    import pandas as pd

    # pandas reads decimal numbers to the last bit from 3.1 on, where asking for it is deprecated.
    version = tuple(int(part) for part in pd.__version__.split(".")[:2])
    exact: dict[str, Any] = {} if version >= (3, 1) else {"float_precision": "round_trip"}
    try:
        table: pd.DataFrame = pd.read_csv(
            io.BytesIO(content),
            sep=delimiter,
            decimal=decimal,
            header=0,
            names=names,
            index_col=False,
            usecols=None if only is None else [only],
            dtype={column: str for column in names if column in text},
            keep_default_na=False,
            na_values=list(MISSING),
            skipinitialspace=True,
            low_memory=False,  # one type for a whole column, not one for each part of it
            encoding="utf-8",
            **exact,
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DataError(
            "{path} cannot be read as a table: {reason}; is a quotation mark opened and never closed?",
            path=name,
            reason=str(error),
        ) from error
    for column in table.columns:
        if column not in text and not pd.api.types.is_numeric_dtype(table[column].dtype):
            table[column] = _numbers_too_long(table[column])
    return table


def _labels_as_written(labels: pd.Series[Any], written: pd.Series[Any]) -> pd.Series[Any]:
    """Keep integers and truth values only where they are written as Python writes them; else their texts."""
    texts = written.str.strip()
    distinct = set(texts.unique())
    if labels.dtype == bool:
        # More than two spellings of two values: whoever wrote them did not mean them to differ.
        return labels if distinct <= {"True", "False"} or len(distinct) > 2 else texts
    # A sign is no part of a label; a zero in front is.
    return labels if all(re.fullmatch(r"\+?(0|[1-9]\d*)|-\d+", text) for text in distinct) else texts


def _numbers_too_long(column: pd.Series[Any]) -> pd.Series[Any]:
    """Read a column of integers too long for pandas, which it gives as texts or objects, as floats."""
    import pandas as pd

    values = column.dropna()
    first = values.iloc[0] if len(values) else None
    if not (isinstance(first, str) and is_number_like(first)) and type(first) is not int:
        return column
    numbers = pd.Series(floats_of(column), index=column.index)
    return numbers if bool((numbers.notna() == column.notna()).all()) else column


def _line_index(lines: list[int]) -> pd.Index[int]:
    """Make the index of line numbers, a mere range where the lines follow each other."""
    import pandas as pd

    if lines[-1] - lines[0] == len(lines) - 1:
        return pd.RangeIndex(lines[0], lines[-1] + 1, name=LINE)
    return pd.Index(lines, name=LINE)
