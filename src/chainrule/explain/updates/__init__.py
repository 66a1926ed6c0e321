"""Updates: what one update does to every parameter, and how it is told, line by line."""

__all__: list[str] = []
