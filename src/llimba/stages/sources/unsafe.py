"""What a reader says of input that it does not read: light, as the parsers' own process imports it first."""


class Unsafe(Exception):
    """What must not be read further: a bomb, an archive that climbs, a parser that crashed or hung, a broken row.

    `rows` is how many rows are lost by it, estimated where nobody can know.
    """

    def __init__(self, reason: str, rows: int = 1) -> None:
        super().__init__(reason)
        self.rows = rows
