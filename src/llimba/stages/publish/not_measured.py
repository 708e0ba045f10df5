"""Limits that follow from what was read and what was never asked: skew of written norms, languages, free text."""

from collections import Counter

from llimba.stages.publish.release import Release


def not_measured(release: Release) -> list[str]:
    """Sentences for the card's limitations."""
    recipe, profile = release.recipe, release.recipe.profile
    scored = dict.fromkeys(
        [*release.own.bits_per_byte, *(c for way in release.own.translation for c in way.split("-"))]
    )
    names = ", ".join(profile.name(code, "en") for code in scored) or "none"
    found = [*_norms(release), f"Languages that it was scored in: {names}. What it does in any other was not measured."]
    if recipe.evaluate.facts is None:
        found.append("What it knows was not measured (`evaluate.facts`); on what it has not read, expect invention.")
    found.append("Long answers to open questions were not scored: word forms that do not exist were not counted.")
    return found


def _norms(release: Release) -> list[str]:
    """In which varieties or norms it has read the language, where the corpus tells them apart."""
    words = Counter[str]()
    for of in release.corpus.documents:
        if of.language == release.recipe.profile.code:
            words[of.variety or of.norm or "not told"] += of.words
    if not set(words) - {"not told"}:
        return []
    said = ", ".join(f"{name} {count:,}" for name, count in words.most_common())
    return [f"It leans to the written norms that it has read; {release.language} words by variety or norm: {said}."]
