"""What is wrong with a file that its parser refuses, in words of a person who has the file: parsers name their own."""

import re

CUT = "cut short: the end of the file is missing. Copy or download it again"
EMPTY = "empty file: it has 0 bytes. Copy or download it again"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # what Office wrote until 2003, and wraps documents with a password in
LOCKED = "EncryptedPackage".encode("utf-16-le")
ZIPPED = ("docx", "odt", "epub")
PDF, PACKED = (b"%PDF-", b"%%EOF", 2**11), (b"PK\x03\x04", b"PK\x05\x06", 2**16 + 22)
ENDS = {"pdf": PDF, **dict.fromkeys(ZIPPED, PACKED)}  # how it begins; what is in its last bytes; how many these are
OTHERS = (
    (re.compile(rb"\s*<(!doctype html|html|head|body|script|title)", re.IGNORECASE), "a web page"),
    (re.compile(rb"\{\\rtf"), "RTF: give it the suffix .rtf"),
    (re.compile(rb"%PDF-"), "a PDF: give it the suffix .pdf"),
    (re.compile(rb"PK\x03\x04"), "a zip archive or a file of Word, LibreOffice or an e-book"),
    (re.compile(rb"\xff\xd8\xff|\x89PNG|GIF8|II\*\0|MM\0\*"), "a picture"),
    (re.compile(rb"\x1f\x8b|BZh|\xfd7zXZ|Rar!|7z\xbc\xaf"), "compressed: unpack it"),
)


def belied(kind: str, data: bytes) -> str:
    """Why data of this `kind` (pdf, docx, odt, rtf, epub) cannot be read; empty where that cannot be seen from outside.

    Says what the content is where it is no such file, and that the end is missing where it is one.
    """
    if not data:
        return EMPTY
    if data.startswith(OLE) and LOCKED in data:
        return "encrypted: the file asks for a password. Save a copy without one"
    if data.startswith(OLE):
        return f"not .{kind}: a file of an old Office (.doc). Open it and save it as .docx"
    found = next((what for begins, what in OTHERS if begins.match(data)), "")
    begins, ends, last = ENDS.get(kind, (b"{\\rtf", b"", 1))
    if data.startswith(begins):
        return "" if ends in data[-last:] else CUT
    return f"not .{kind}: it is {found}" if found else ""
