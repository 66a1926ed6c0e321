"""A Griffe extension that shows the examples of docstrings as code: Markdown takes a line with >>> for a quotation."""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension, Object

# Up to the next blank line; an example inside an "Examples:" section is indented, and Griffe's own business.
EXAMPLE = re.compile(r"^>>> .*(?:\n.+)*", re.MULTILINE)


class Examples(Extension):
    """Puts a fence around each example."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Rewrite the docstring of one module, class, function or attribute."""
        if obj.docstring:
            obj.docstring.value = EXAMPLE.sub(r"```pycon\n\g<0>\n```", obj.docstring.value)
