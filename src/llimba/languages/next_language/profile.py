"""A language profile as commented YAML: what is known is filled in, what only a speaker knows is asked for."""

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import yaml

from llimba.languages.next_language.facts import ENGLISH, TABLE, Facts, name, own_name

LETTERED = ("Latn", "Cyrl")  # scripts of so many languages that their letters say which
SEVERAL = {  # codes of ISO 15924 that are no script of Unicode's
    "Hans": ("Han",), "Hant": ("Han",), "Hani": ("Han",), "Jpan": ("Han", "Hiragana", "Katakana"),
    "Kore": ("Hangul", "Han"), "Aran": ("Arab",), "Cyrs": ("Cyrl",), "Latf": ("Latn",), "Zzzz": (), "Zyyy": (),
}  # fmt: skip
MODIFIERS = "ʼʻ"  # letters that are apostrophes in print
ASKED = """\
# How a translation is asked for, by the language of the prompt; {{source}} and {{target}} become names in that
# language, {{text}} the sentence. The first English wording is the one that evaluation uses: leave it as it is.
# A speaker adds the wordings in {own} itself (two or three, as people really ask), like this:
#   {code}:
#     - "... {{source}} ... {{target}}: {{text}}"
"""


def profile_text(facts: Facts) -> str:
    """The whole file for a language without a shipped profile."""
    wordings = prompt_wordings()
    prompt_languages = prompted(facts)
    english, own = name(facts.code, ENGLISH), own_name(facts.code)
    parts = [
        f"# {english} ({own}), written by `llimba new {facts.code}`. A speaker must look at:",
        *(f"#   [ ] {line}" for line in checklist(facts)),
        "",
        f"code: {_flow(facts.code)}            # BCP 47, the shortest; the key in every data file",
        f"iso639_3: {_flow(facts.iso639_3)}",
        f'flores: "{facts.flores}"    # the code in FLORES; empty: no such language there',
        f"script: {facts.script}",
        f'wikipedia: "{facts.wikipedia}"     # {facts.articles or "few"} articles',
        "",
        "# What each language is called in each language that prompts are written in (CLDR).",
        "names:",
        *_names(facts, prompt_languages),
        "",
        *(f"# {line}" for line in _about_letters(facts)),
        f"alphabet: {json.dumps(alphabet(facts), ensure_ascii=False)}",
        "",
        "# The sign of its apostrophe: ' ’ ʼ ʻ are made this one; empty where it writes several that differ.",
        f"apostrophe: {json.dumps(apostrophe(facts), ensure_ascii=False)}",
        "",
        "# Languages it is mistaken for, nearest first: relatives of the same country, then larger relatives.",
        f"neighbours: {_flow(list(facts.neighbours))}",
        "",
        "# Languages whose text is mixed in so that they are not forgotten, and why each was chosen.",
        "replay:",
        *(f"  {_flow(entry.code)}: {entry.reason.partition(': ')[2]}" for entry in facts.replay),
        "",
        "# Varieties and written norms, each with a key that sources may name (variety: ..., norm: ...).",
        "varieties: {}",
        "norms: {}",
        "",
        ASKED.format(code=facts.code, own=own).rstrip(),
        "translation_prompts:",
        *_block({code: wordings["translation_prompts"][code] for code in prompt_languages}),
        "",
        f"# How the assistant is introduced. A speaker adds the same sentence under {facts.code}.",
        "system_prompts:",
        *_block(_introductions(facts, wordings["system_prompts"])),
    ]
    return "\n".join(parts) + "\n"


def alphabet(facts: Facts) -> str:
    """CLDR's letters where they are reliable and tell languages from one another; else the whole script.

    CLDR leaves signs out of many alphabets (the vowels of Maithili, և of Armenian), and has ranges for syllabaries.
    """
    if facts.letters and facts.script in LETTERED:
        return facts.letters
    return "".join(rf"\p{{{script}}}" for script in SEVERAL.get(facts.script, (facts.script,)) if script)


def apostrophe(facts: Facts) -> str:
    """The modifier letter that is in its alphabet, "" where several are; else the typewriter's."""
    found = [letter for letter in MODIFIERS if letter in facts.letters]
    return "'" if not found else found[0] if len(found) == 1 else ""


def checklist(facts: Facts) -> list[str]:
    """What a speaker must review before the profile is trusted; one line each."""
    missing = sorted(
        f"{name(code, ENGLISH)} in {in_language}"
        for code in _named(facts)
        for in_language in prompted(facts)
        if in_language != ENGLISH and name(code, in_language) == name(code, ENGLISH)
    )
    lines = ["alphabet: are all letters there, with their accents, and none too many?"]
    if not facts.letters and facts.script in LETTERED:
        lines[0] = "alphabet: CLDR lists no letters, so any of its script will do; write them"
    elif facts.script not in LETTERED:
        lines[0] = "alphabet: is it written in this script alone?"
    if apostrophe(facts) != "'":
        lines.append("apostrophe: is this the sign that careful writers use?")
    lines.append("neighbours: which languages is it really mistaken for? Put the nearest first")
    lines.append("replay: which languages do its speakers also need the model for?")
    lines.append("varieties and norms: name those that its texts are written in")
    lines.append(f"translation_prompts.{facts.code} and system_prompts.{facts.code}: write them")
    if missing:
        lines.append(f"names that CLDR lacks, so that the English one stands there: {', '.join(missing)}")
    if not facts.flores:
        lines.append("there is no FLORES in it: set sentences of your own aside for scores")
    return lines


def prompted(facts: Facts) -> list[str]:
    """Languages that the profile has prompts in: English, and replayed ones with wordings."""
    there = prompt_wordings()["translation_prompts"]
    return list(dict.fromkeys([ENGLISH, *(entry.code for entry in facts.replay if entry.code in there)]))


@lru_cache
def prompt_wordings() -> dict[str, dict[str, Any]]:
    """`languages/tables/wordings.yaml`."""
    content: dict[str, dict[str, Any]] = yaml.safe_load((TABLE.parent / "wordings.yaml").read_text(encoding="utf-8"))
    return content


def _about_letters(facts: Facts) -> tuple[str, ...]:
    if facts.letters and facts.script in LETTERED:
        return (
            "The letters of the written language (CLDR's main letters); anything else is foreign script or symbols.",
        )
    return (
        "Any letter of these scripts of Unicode is one of the language; anything else is foreign script or symbols.",
        "A list of letters in its place is stricter.",
    )


def _named(facts: Facts) -> list[str]:
    return list(dict.fromkeys([facts.code, ENGLISH, *(entry.code for entry in facts.replay), *facts.neighbours]))


def _names(facts: Facts, prompt_languages: Iterable[str]) -> list[str]:
    """One line a language; in the language itself only what CLDR really has."""
    lines = []
    for code in _named(facts):
        called = {in_language: name(code, in_language) for in_language in prompt_languages}
        own = own_name(code) if code == facts.code else name(code, facts.code)
        if code == facts.code or own != name(code, ENGLISH):
            called[facts.code] = own
        lines.append(f"  {_flow(code)}: {_flow(called)}")
    return lines


def _introductions(facts: Facts, wordings: dict[str, str]) -> dict[str, list[str]]:
    return {code: [wordings[code].format(name=name(facts.code, code))] for code in prompted(facts) if code in wordings}


def _flow(value: Any) -> str:
    text = yaml.safe_dump(value, allow_unicode=True, default_flow_style=True, sort_keys=False, width=1000)
    return str(text).split("\n")[0]


def _block(value: dict[str, list[str]]) -> list[str]:
    """Lists of texts by language; JSON's quotes are YAML's too."""
    lines = []
    for code, texts in value.items():
        lines += [f"  {code}:", *(f"    - {json.dumps(text, ensure_ascii=False)}" for text in texts)]
    return lines
