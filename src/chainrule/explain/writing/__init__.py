"""Writing: pages as text, Markdown, LaTeX, HTML and JSON; names, digits and lines that multiply out."""

__all__: list[str] = []
