"""Make `src/llimba/languages/tables/languages.tsv`: what CLDR, NLLB and Wikipedia say of every language, one row each.

Run it where a newer CLDR is wanted: `python -m tools.language_table`. CLDR comes from the npm packages `cldr-core` and
`cldr-misc-full` (Unicode-3.0), the FLORES-200 codes from the list in transformers' NLLB tokenizer, the Wikipedias from
`wikipedias.tsv` beside the table.
"""

import json
import re
from pathlib import Path
from typing import Any

from langcodes import Language, standardize_tag

from llimba.packages import cache_folder, fetch

TABLES = Path(__file__).parent.parent / "src" / "llimba" / "languages" / "tables"
CLDR = "48.2.0"
MOST_LETTERS = 120  # more are no alphabet, and no file that a person reads
HEAD = f"""# Languages with a Wikipedia, or in FLORES-200, or whose letters CLDR lists. Made by tools/language_table.py.
# territory: where most of its speakers live; contact: what else at least a fifth of that territory speaks;
# group: ISO 639-5; letters: the main exemplar characters. These from CLDR {CLDR} (Unicode-3.0).
# flores: NLLB's list in transformers, and FLORES+. Wikipedias: wikipedias.tsv. An empty field: not known.
"""
FIELDS = (
    "code",
    "iso639_3",
    "script",
    "territory",
    "contact",
    "group",
    "flores",
    "wikipedia",
    "articles",
    "editors",
    "letters",
)
# Wikipedia's own codes for languages that BCP 47 calls otherwise
WIKIPEDIA = {
    "als": "gsw",
    "bat-smg": "sgs",
    "bh": "bho",
    "cbk-zam": "cbk",
    "fiu-vro": "vro",
    "nds-nl": "nds-NL",
    "no": "nb",
    "nrm": "nrf",
    "roa-rup": "rup",
    "zh-classical": "lzh",
    "zh-min-nan": "nan",
    "zh-yue": "yue",
}
GROUPS = {"ast": "roa", "mwl": "roa", "nb": "gmq"}  # ISO 639-5 at the Library of Congress, where CLDR is silent
FLORES_PLUS = {"lld": "lld_Latn"}  # FLORES+ after FLORES-200: Ladin (Val Badia)


def main() -> None:
    """Write the table."""
    rows: dict[str, dict[str, str]] = {}
    core = fetch("npm", f"cldr-core@{CLDR}", cache_folder()).folder / "package" / "supplemental"
    main_folder = fetch("npm", f"cldr-misc-full@{CLDR}", cache_folder()).folder / "package" / "main"
    for line in (TABLES / "wikipedias.tsv").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            code, articles, editors = line.split("\t")
            rows.setdefault(WIKIPEDIA.get(code, code), {}).update(wikipedia=code, articles=articles, editors=editors)
    for code, flores in _flores():
        rows.setdefault(code, {}).setdefault("flores", flores)
    for folder in sorted(main_folder.iterdir()):
        if "-" not in folder.name and folder.name != "und":
            rows.setdefault(folder.name, {})["letters"] = _letters(folder)
    rows.pop("no", None)  # Norwegian is written as nb or nn, and YAML reads `no` as a truth value
    groups, spoken = _groups(core), _spoken(core)
    for code, row in rows.items():
        language = Language.get(code)
        likely = language.maximize()
        territory, contact = _territory(code, spoken, likely.territory or "")
        row |= {
            "code": code,
            "iso639_3": _alpha3(language),
            "script": (row.get("flores", "").partition("_")[2]) or likely.script or "",
            "territory": territory,
            "contact": " ".join(contact),
            "group": groups.get(code, ""),
        }
    lines = ["\t".join(FIELDS), *("\t".join(rows[code].get(field, "") for field in FIELDS) for code in sorted(rows))]
    (TABLES / "languages.tsv").write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")


def _alpha3(language: Language) -> str:
    try:
        return language.to_alpha3()
    except LookupError:
        return ""


def _flores() -> list[tuple[str, str]]:
    """(our code, FLORES code), Latin script first where a language is written in two."""
    from transformers.models.nllb.tokenization_nllb import FAIRSEQ_LANGUAGE_CODES

    def code(flores: str) -> str:
        return standardize_tag(flores.partition("_")[0], macro=True)

    listed = sorted(FAIRSEQ_LANGUAGE_CODES, key=lambda flores: (flores[:3], not flores.endswith("Latn")))
    return [(code(flores), flores) for flores in listed] + list(FLORES_PLUS.items())


def _letters(folder: Path) -> str:
    """The main exemplar characters as a string of single letters; digraphs are made of listed letters anyway."""
    content = json.loads((folder / "characters.json").read_text(encoding="utf-8"))
    listed: str = content["main"][folder.name]["characters"]["exemplarCharacters"]
    if re.search(r"[^\s]-[^\s]", listed) or "\\" in listed:  # a range: ideographs and the like, no alphabet
        return ""
    letters = "".join(dict.fromkeys(character for character in listed[1:-1] if character not in " {}"))
    return letters if len(letters) <= MOST_LETTERS else ""


def _groups(core: Path) -> dict[str, str]:
    """Language -> the smallest ISO 639-5 group that lists it."""
    listed: dict[str, str] = json.loads((core / "languageGroups.json").read_text())["supplemental"]["languageGroups"]
    members = {group: text.split() for group, text in listed.items()}
    found: dict[str, str] = {}
    for group in sorted(members, key=lambda group: len(members[group])):
        for code in members[group]:
            found.setdefault(code, group)
    return found | GROUPS


def _spoken(core: Path) -> dict[str, dict[str, float]]:
    """Territory -> language -> speakers, in people."""
    territories: dict[str, Any] = json.loads((core / "territoryInfo.json").read_text())["supplemental"]["territoryInfo"]
    return {
        territory: {
            code: float(entry["_populationPercent"]) / 100 * float(about["_population"])
            for code, entry in about.get("languagePopulation", {}).items()
        }
        for territory, about in territories.items()
    }


def _territory(code: str, spoken: dict[str, dict[str, float]], likely: str) -> tuple[str, list[str]]:
    """Where most speakers live, and the other languages of a fifth of the people there, most spoken first."""
    homes = {territory: people[code] for territory, people in spoken.items() if people.get(code)}
    home = max(homes, key=lambda territory: homes[territory]) if homes else likely
    people = spoken.get(home, {})
    total = max(people.values(), default=0.0)
    contact = [
        other for other in sorted(people, key=lambda c: -people[c]) if people[other] >= total / 5 and other != code
    ]
    return home, [other.partition("_")[0] for other in contact]


if __name__ == "__main__":
    main()
