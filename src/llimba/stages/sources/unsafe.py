"""What a reader says of input that it does not read: light, as the parsers' own process imports it first."""


class Unsafe(Exception):
    """A file that must not be read further: a bomb, an archive that climbs, a parser that crashed or hung."""
