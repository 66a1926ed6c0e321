"""Forms: how a teacher writes each formula of the catalogue, with the numbers filled in."""

__all__: list[str] = []
