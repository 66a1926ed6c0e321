"""The table encoder as Python source: what becomes of each raw column, as data and the few lines that read them."""

from __future__ import annotations

from chainrule.data.encoded import CategoryColumn, Column, NumberColumn
from chainrule.storage.exporting.literals import filled, nested, python_value
from chainrule.storage.exporting.plan import Plan

__all__ = ["encoder_blocks"]


def encoder_blocks(plan: Plan, *, arrays: bool) -> list[list[str]]:
    r"""Write ``encode``, which makes inputs of a row's raw cells (of a matrix of them, for arrays of numbers only).

    Args:
        plan: a model, with or without an encoder.
        arrays: whether for NumPy.

    >>> import pandas as pd
    >>> from chainrule import Network, TableEncoder
    >>> from chainrule.storage.exporting.plan import make_plan
    >>> model = Network.from_sizes([2, 1]).init()
    >>> model.encoder = TableEncoder.fit(pd.DataFrame({"pet": ["cat", "dog"]}))
    >>> print(*encoder_blocks(make_plan(model, "pets"), arrays=False)[0], sep="\n")
    # How a column becomes inputs: numbers (x - center) / scale, a category a 1 at its place.
    COLUMNS = {
        "pet": {"categories": ["cat", "dog"], "rare": False, "missing": False},
    }
    """
    if plan.encoder is None:
        return []
    if plan.numeric:
        return _numeric(plan.encoder.columns, arrays)
    kinds = {type(column) for column in plan.encoder.columns}
    table = [
        "# How a column becomes inputs: numbers (x - center) / scale, a category a 1 at its place.",
        "COLUMNS = {",
        *(line for column in plan.encoder.columns for line in _column(column)),
        "}",
    ]
    helpers = ([NUMBER] if NumberColumn in kinds else []) + ([ONE_HOT] if CategoryColumn in kinds else [])
    if len(kinds) > 1:
        call = 'one_hot(cell, **column) if "categories" in column else scaled(cell, **column)'
    else:
        call = "one_hot(cell, **column)" if CategoryColumn in kinds else "scaled(cell, **column)"
    encode = [
        "def encode(row):",
        '    """Turn a row, cells in the order of COLUMNS, into the network\'s inputs."""',
        "    if len(row) != len(COLUMNS):",
        '        raise ValueError(f"a row has {len(row)} cells; expected are {len(COLUMNS)}")',
        "    x = []",
        "    for cell, column in zip(row, COLUMNS.values()):",
        f"        x += {call}",
        "    return x",
    ]
    return [table, MISSING, *helpers, encode]


def _numeric(columns: tuple[Column, ...], arrays: bool) -> list[list[str]]:
    """Write the encoder of a table that holds nothing but numbers."""
    module, wrap = ("np", "np.array(") if arrays else ("math", "")
    inf = f"{module}.inf"
    lists = {
        "FILL": [repr(c.fill) for c in columns if isinstance(c, NumberColumn)],
        "CENTER": [repr(c.center) for c in columns if isinstance(c, NumberColumn)],
        "SCALE": [repr(c.scale) if c.scale else inf for c in columns if isinstance(c, NumberColumn)],
    }
    table = ["# How a column becomes an input: (x - CENTER) / SCALE, with FILL where x is missing."]
    if inf in lists["SCALE"]:
        table.append("# A column that never changed has the scale inf, which makes 0 of it.")
    table += nested("COLUMNS = ", [c.name for c in columns], python_value)
    for name, items in lists.items():
        table += nested(f"{name} = {wrap}", items, str, end=")" if arrays else "")
    if arrays:
        encode = [
            "def encode(X):",
            '    """Turn raw rows, NaN for what is missing, into inputs of the network."""',
            "    return (np.where(np.isnan(X), FILL, X) - CENTER) / SCALE",
        ]
    else:
        encode = [
            "def encode(row):",
            '    """Turn a raw row, numbers in the order of COLUMNS, into inputs of the network."""',
            "    known = [fill if is_missing(x) else float(x) for x, fill in zip(row, FILL)]",
            "    return [(x - center) / scale for x, center, scale in zip(known, CENTER, SCALE)]",
        ]
    return [table, MISSING, encode]


def _column(column: Column) -> list[str]:
    if isinstance(column, NumberColumn):
        scale = repr(column.scale) if column.scale else 'float("inf")'
        fields = [f'"fill": {column.fill!r}', f'"center": {column.center!r}', f'"scale": {scale}']
    else:
        texts = [python_value(text) for text in column.categories]
        fields = [f'"categories": [{", ".join(texts)}]', f'"rare": {column.rare}']
    fields.append(f'"missing": {column.gaps}')
    lines = filled(f"    {python_value(column.name)}: {{", fields, "},", " " * 8)
    if isinstance(column, NumberColumn) or len(lines) == 1:
        return lines
    return [
        f"    {python_value(column.name)}: {{",
        *nested('        "categories": ', texts, str, end=","),
        f"        {fields[1]}, {fields[2]},",
        "    },",
    ]


MISSING = '''def is_missing(cell):
    """Whether a cell is empty: None, NaN or no text."""
    return cell is None or cell == "" or cell != cell'''.splitlines()

NUMBER = '''def scaled(cell, fill, center, scale, missing):
    """Give (x - center) / scale and, where training had missing cells, whether this is one."""
    x = fill if is_missing(cell) else float(cell)
    return [(x - center) / scale, float(is_missing(cell))][: 1 + missing]'''.splitlines()

ONE_HOT = '''def one_hot(cell, categories, rare, missing):
    """Give 1 for the cell's category, else 0; unknown and missing ones may have places, too."""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        cell = int(cell)  # 1, 1.0 and "1" are one category
    empty = is_missing(cell)
    x = [float(not empty and str(cell) == text) for text in categories]
    if rare:
        x.append(float(1.0 not in x and not (empty and missing)))
    return [*x, float(empty)] if missing else x'''.splitlines()
