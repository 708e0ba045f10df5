"""Aligned pairs become translation conversations, with varied wordings and directions."""

from collections.abc import Iterable, Iterator

from llimba.files import stable_fraction
from llimba.languages.profile import Language
from llimba.languages.prompts import split_direction, system_prompt, translation_prompt
from llimba.languages.text import words
from llimba.recipe import InstructSection
from llimba.records import Conversation, Pair


def conversations(
    pairs: Iterable[Pair], settings: InstructSection, language: Language, seed: int
) -> Iterator[Conversation]:
    """One conversation a pair and direction, wherever both sides are between `min_words` and `max_words` long.

    Wording, prompt language and the presence of a system prompt are drawn by hash of the conversation's id, so they
    stay the same when the data grows.
    """
    for pair in pairs:
        for direction in settings.directions:
            source, target = split_direction(direction)
            if source not in pair.texts or target not in pair.texts:
                continue
            lengths = [len(words(pair.texts[code])) for code in (source, target)]
            if min(lengths) >= settings.min_words and max(lengths) <= settings.max_words:
                yield _conversation(pair, direction, settings, language, seed)


def _conversation(pair: Pair, direction: str, settings: InstructSection, language: Language, seed: int) -> Conversation:
    source, target = split_direction(direction)
    identifier = f"{pair.id}:{direction}"

    def draw(what: str) -> float:
        return stable_fraction(str(seed), what, identifier)

    prompt_language = settings.prompt_languages[int(draw("language") * len(settings.prompt_languages))]
    prompt = translation_prompt(
        language, direction, pair.texts[source], prompt_language=prompt_language, wording=int(draw("wording") * 1000)
    )
    messages = [{"role": "user", "content": prompt}, {"role": "assistant", "content": pair.texts[target]}]
    if draw("system") < settings.system_prompt_share:
        system = system_prompt(language, prompt_language, wording=int(draw("system wording") * 1000))
        messages.insert(0, {"role": "system", "content": system})
    return Conversation(
        id=identifier, source=pair.source, license=pair.license, provenance=pair.provenance, variety=pair.variety,
        norm=pair.norm, origin=pair.origin, engine=pair.engine,
        back_translated=pair.back_translated, messages=messages, task=f"translation:{direction}",
    )  # fmt: skip
