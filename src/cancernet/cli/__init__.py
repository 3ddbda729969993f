"""The command line: one module per verb. Only `main` may be imported from elsewhere."""

__all__: list[str] = []
