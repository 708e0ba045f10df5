"""The one place that words a prompt: training, evaluation, chat and translation all ask here.

The wordings themselves are data of the language profile (`translation_prompts`, `system_prompts`); this module picks
one and fills it in. Evaluation always uses the first wording in `EVALUATION_LANGUAGE`, whose hash goes into the
manifest, so that scores of two runs can be compared.
"""

from collections.abc import Iterable

from llimba.errors import RecipeError
from llimba.languages.profile import Language

EVALUATION_LANGUAGE = "en"
PROMPT_GAP = "\n\n"  # between solved prompts; lm-evaluation-harness's own


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
        source=language.name(source, prompt_language), target=language.name(target, prompt_language), text=text
    )


def evaluation_prompt(language: Language, direction: str, text: str) -> str:
    """The message behind every score."""
    return translation_prompt(language, direction, text, prompt_language=EVALUATION_LANGUAGE, wording=0)


def label(language: Language, code: str, tag: str = "") -> str:
    """What a text is announced as: "Italian"; the language to be learned with its tag, "Sardinian (LSC)"."""
    name = language.name(code, EVALUATION_LANGUAGE)
    return f"{name} ({tag})" if tag and code == language.code else name


def completion_prompt(language: Language, direction: str, text: str, tag: str = "") -> str:
    """What a model without a chat template continues: "Italian: ...", then "Sardinian:" on a line of its own.

    `tag` is one of the profile's `tags`, for a model that was trained with them: "Sardinian (LSC):".
    """
    source, target = (label(language, code, tag) for code in split_direction(direction))
    return f"{source}: {text}\n{target}:"


def completion_document(language: Language, direction: str, rows: Iterable[tuple[str, str, str]]) -> str:
    """A text of solved completion prompts, (source, target, tag) each: what aligned pairs are pretrained on.

    A few-shot prompt of `evaluate.prompt: completion` is the beginning of such a text, to the character.
    """
    solved = (f"{completion_prompt(language, direction, source, tag)} {target}" for source, target, tag in rows)
    return PROMPT_GAP.join(solved)


def tagged_text(language: Language, text: str, tag: str) -> str:
    """A text in the language to be learned under its tag; as it is without one."""
    return f"{label(language, language.code, tag)}:\n{text}" if tag else text


def system_prompt(language: Language, prompt_language: str, wording: int) -> str:
    """A system prompt in `prompt_language` where the profile has one, else in the language of evaluation."""
    wordings = language.system_prompts.get(prompt_language) or language.system_prompts.get(EVALUATION_LANGUAGE)
    if not wordings:
        raise RecipeError(
            f"the profile of {language.iso639_3} has no system_prompts: add some, or set "
            f"instruct.system_prompt_share: 0."
        )
    return wordings[wording % len(wordings)]
