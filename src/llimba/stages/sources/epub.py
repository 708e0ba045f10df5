"""The text of an EPUB: the documents of its spine in order, then those of its manifest that the spine forgets.

ebooklib would read the packaging, but it is under the AGPL and gives up on books that readers open every day: a
container in another place, names of another case, escaped or with backslashes, entries without a file. `markup` makes
the lines.
"""

import io
import posixpath
import re
import unicodedata
import zipfile
from typing import Any, NamedTuple
from urllib.parse import unquote

from llimba.stages.sources import markup
from llimba.stages.sources.bounded import RATIO
from llimba.stages.sources.extracted import Extracted, visible_in
from llimba.stages.sources.unsafe import Unsafe

MEMBERS, MEMBER_BYTES = 10_000, 64 * 2**20
BOOK_BYTES = 256 * 2**20  # of all documents and style sheets
PAGES = (".xhtml", ".html", ".htm", ".xml", ".svg")  # when no package says what is one
FONT_OBFUSCATION = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")


class Item(NamedTuple):
    """An entry of the manifest; `name` is where the archive has it."""

    id: str
    name: str
    media: str
    properties: tuple[str, ...]
    fallback: str


def epub(data: bytes) -> Extracted:
    """A line a paragraph, heading, verse or row. Raises `Unsafe` for bombs, a path that climbs and DRM."""
    with zipfile.ZipFile(io.BytesIO(data)) as zipped:
        archive = Archive(zipped)
        names = _documents(archive)
        _refuse_locked(archive, names)
        styles = markup.Styles()
        for name in archive.names():
            if name.lower().endswith(".css"):
                styles.add(markup.decoded(archive.read(name)))
        texts, lost, visible = [], [], 0
        for name in names:
            if not archive.has(name):
                lost.append(f"{name}: named by the book and not in it")
                continue
            source = markup.decoded(archive.read(name))
            visible += visible_in(source)
            if (root := markup.parsed(source)) is not None:
                texts.append(markup.lines(root, styles))
    return Extracted("\n".join(text for text in texts if text), visible, lost=tuple(lost))


class Archive:
    """The members of a zip file by names that need not be spelled as they are stored; within limits."""

    def __init__(self, zipped: zipfile.ZipFile) -> None:
        entries = zipped.infolist()
        if len(entries) > MEMBERS:
            raise Unsafe(f"too many members: {len(entries):,} in one archive")
        self._zipped, self._read = zipped, 0
        self._entries = {entry.filename.replace("\\", "/"): entry for entry in entries if not entry.is_dir()}
        self._folded = {_folded(name): name for name in reversed(self._entries)}

    def names(self) -> list[str]:
        """All members, as they are stored."""
        return list(self._entries)

    def has(self, name: str) -> bool:
        """Whether there is such a member."""
        return name in self._entries or _folded(name) in self._folded

    def read(self, name: str) -> bytes:
        """A member's content; KeyError where there is none."""
        entry = self._entries[name if name in self._entries else self._folded[_folded(name)]]
        size, packed = entry.file_size, entry.compress_size
        self._read += size
        if size > MEMBER_BYTES or size > RATIO * max(packed, 1) + 2**20 or self._read > BOOK_BYTES:
            raise Unsafe(f"decompression bomb: {name} unpacks from {packed:,} to {size:,} bytes")
        if entry.flag_bits & 1:
            raise Unsafe("encrypted: the archive asks for a password. Unpack it, and pack it anew without one")
        with self._zipped.open(entry) as handle:
            return handle.read(MEMBER_BYTES)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unquote(name)).casefold()


def _documents(archive: Archive) -> list[str]:
    """The names of the book's documents in reading order."""
    package = _package(archive)
    if not package:
        return sorted(name for name in archive.names() if name.lower().endswith(PAGES) and "META-INF/" not in name)
    root = _tree(archive, package)
    items = {item.id: item for item in _manifest(root, package)}
    read = [items[e.get("idref")] for e in _elements(root, "itemref") if e.get("idref") in items]
    read = [found for item in read if (found := _page(item, items))]
    handlers = {e.get("handler") for e in _elements(root, "mediaType")}  # scripts for other media, not text
    instead = {item.fallback for item in items.values()}
    for item in items.values():
        if item.id not in handlers | instead and "nav" not in item.properties and "xhtml" in item.media:
            read.append(item)
    return list(dict.fromkeys(item.name for item in read))


def _package(archive: Archive) -> str:
    """The name of the OPF file; "" where there is none."""
    container = "META-INF/container.xml"
    if archive.has(container):
        for element in _elements(_tree(archive, container), "rootfile"):
            if (path := _joined("", element.get("full-path") or "")) and archive.has(path):
                return path
    return next((name for name in archive.names() if name.lower().endswith(".opf")), "")


def _manifest(root: Any, package: str) -> list[Item]:
    items = []
    for element in _elements(root, "item"):
        name = _joined(posixpath.dirname(package), element.get("href") or "")
        media, properties = (element.get("media-type") or "").lower(), (element.get("properties") or "").split()
        items.append(Item(element.get("id") or "", name, media, tuple(properties), element.get("fallback") or ""))
    return items


def _page(item: Item, items: dict[str, Item]) -> Item | None:
    """The item, where it is a document whatever its media type says, or the document that replaces it."""
    seen = set()
    while item.media.startswith(("image/", "audio/", "video/")) and not item.name.lower().endswith(PAGES):
        seen.add(item.id)
        if item.fallback in seen or item.fallback not in items:
            return None
        item = items[item.fallback]
    return item


def _joined(folder: str, href: str) -> str:
    """Where a reference leads within the archive; raises `Unsafe` where it leads out of it."""
    if re.match(r"\w+:", href):
        return ""  # an address
    name = posixpath.normpath(posixpath.join(folder, href.partition("#")[0].replace("\\", "/").lstrip("/")))
    if name.startswith("../"):
        raise Unsafe(f"path that climbs: {name}")
    return name


def _tree(archive: Archive, name: str) -> Any:
    text = markup.decoded(archive.read(name))
    if "<!ENTITY" in text:
        raise Unsafe(f"entity declarations: {name} is no packaging that a book needs")
    return markup.parsed(text)


def _elements(root: Any, name: str) -> list[Any]:
    return [] if root is None else list(root.iter("{*}" + name, name.lower()))


def _refuse_locked(archive: Archive, names: list[str]) -> None:
    """Obfuscated fonts are no hindrance; encrypted chapters are."""
    if not archive.has("META-INF/encryption.xml"):
        return
    locked = set()
    for element in _elements(_tree(archive, "META-INF/encryption.xml"), "EncryptedData"):
        methods = {e.get("Algorithm") for e in _elements(element, "EncryptionMethod")}
        if not methods.intersection(FONT_OBFUSCATION):
            locked |= {_folded(e.get("URI") or "") for e in _elements(element, "CipherReference")}
    if number := sum(_folded(name) in locked for name in names):
        raise Unsafe(
            f"encrypted: copy protection (DRM) locks {number} of {len(names)} documents of this book. Ask its "
            "publisher for a copy without"
        )
