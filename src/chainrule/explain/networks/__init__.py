"""A whole network: as one formula, as its own backward equations, as a program."""

__all__: list[str] = []
