"""What a cell of a row may hold where text or an id is wanted; everything else sets its row apart.

JSON and Parquet have numbers, lists and objects in their cells, and NaN; a CSV that is not UTF-8 comes with its bytes
as surrogates. None of that is text that somebody wrote, and Python's way of writing it is not either.
"""

from math import isfinite

from llimba.data_files.faults import shortened
from llimba.stages.sources.unsafe import Unsafe


def text_of(value: object, column: str) -> str:
    """The text of a cell, empty for null; raises `Unsafe` for what is no text or cannot be written as UTF-8."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Unsafe(f"not text: column '{shortened(column)}' holds {KINDS.get(type(value), type(value).__name__)}")
    if fault := fault_of(value):
        raise Unsafe(f"{fault}: in column '{shortened(column)}'")
    return value


def identifier_of(value: object, default: object) -> str:
    """An id as text, `default` where there is none; raises `Unsafe` for what is neither text nor a number."""
    if value is None or value == "":
        return str(default)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Unsafe(f"broken id: it is {KINDS.get(type(value), type(value).__name__)}")
    if isinstance(value, float) and not isfinite(value):
        raise Unsafe("broken id: it is no number")
    if fault := fault_of(str(value)):
        raise Unsafe(f"{fault}: in the id")
    return str(value)


def fault_of(text: str) -> str:
    """What is wrong with a text whatever it is for: empty, or a reason."""
    if "\0" in text:
        return "NUL character"
    try:
        text.encode()
    except UnicodeEncodeError as error:
        # bytes that are not UTF-8 are decoded to the second half's range, and to no other
        return "not UTF-8" if "\udc80" <= text[error.start] <= "\udcff" else "half a character"
    return ""


KINDS: dict[type, str] = {
    bool: "a truth value",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
    bytes: "a sequence of bytes",
}
