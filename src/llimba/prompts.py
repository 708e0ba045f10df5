"""The one place that words a prompt: training, evaluation, chat and translation all ask here.

The wordings themselves are data of the language profile (`translation_prompts`, `system_prompts`); this module picks
one and fills it in. Evaluation always uses the first wording in `EVALUATION_LANGUAGE`, whose hash goes into the
manifest, so that scores of two runs can be compared.
"""

from llimba.errors import RecipeError
from llimba.language import Language

EVALUATION_LANGUAGE = "en"


def split_direction(direction: str) -> tuple[str, str]:
    """Split "en-sc" into ("en", "sc")."""
    source, _, target = direction.partition("-")
    return source, target


def translation_prompt(language: Language, direction: str, text: str, *, prompt_language: str, wording: int) -> str:
    """The user's message that asks for `text` to be translated; `wording` counts modulo the wordings there are."""
    wordings = language.translation_prompts.get(prompt_language)
    if not wordings:
        raise RecipeError(
            f"the profile of {language.iso639_3} has no translation_prompts in '{prompt_language}': add some."
        )
    source, target = split_direction(direction)
    return wordings[wording % len(wordings)].format(
        source=language.name(source, prompt_language),
        target=language.name(target, prompt_language),
        text=text,
    )


def evaluation_prompt(language: Language, direction: str, text: str) -> str:
    """The message that every score rests on."""
    return translation_prompt(language, direction, text, prompt_language=EVALUATION_LANGUAGE, wording=0)


def completion_prompt(language: Language, direction: str, text: str) -> str:
    """What a model without a chat template goes on from: "Italian: ...", then "Sardinian:" on a line of its own."""
    source, target = (language.name(code, EVALUATION_LANGUAGE) for code in split_direction(direction))
    return f"{source}: {text}\n{target}:"


def draft_prompt(language: Language, direction: str, text: str, draft: str) -> str:
    """The evaluation's message with another system's translation to correct."""
    return f"{evaluation_prompt(language, direction, text)}\n\nA draft to correct: {draft}"


def system_prompt(language: Language, prompt_language: str, wording: int) -> str:
    """A system prompt in `prompt_language` where the profile has one, else in the language of evaluation."""
    wordings = language.system_prompts.get(prompt_language) or language.system_prompts.get(EVALUATION_LANGUAGE)
    if not wordings:
        raise RecipeError(
            f"the profile of {language.iso639_3} has no system_prompts: add some, or set "
            f"instruct.system_prompt_share: 0."
        )
    return wordings[wording % len(wordings)]
