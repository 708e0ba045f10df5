"""A language is a data file: codes, names, alphabet, neighbours, norms, and its prompts.

Profiles shipped with llimba live in `profiles/<iso639_3>.yaml`; a recipe may name a file of its own instead
(`language: ./fur.yaml`), so the next language needs no line of code. Nothing in llimba assumes a default language.
"""

from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from string import Formatter

from pydantic import BaseModel, Field, ValidationError, field_validator

from llimba.data_files.checking import faults, sentences
from llimba.data_files.faults import shortened
from llimba.data_files.reading import Unreadable, read_yaml
from llimba.errors import RecipeError

PROFILES = Path(__file__).parent / "profiles"
TABLES = Path(__file__).parent / "tables"  # what is known of languages that have no profile yet, and wordings


class Quality(BaseModel, extra="forbid", frozen=True):
    """What a page of running text in the language looks like; the corpus stage rejects what does not.

    Shares are of the document (0 to 1). The defaults pass 531 of 532 translations of the Declaration of Human Rights
    (docs/log.md); Gopher's and FineWeb's rules, which these follow, were measured on English and reject most of a small
    language's pages. `corpus.trusted` loosens those that the profile leaves as they are.
    """

    min_mean_word: float = 1.5  # letters, marks not counted; not asked where a script has no spaces
    max_mean_word: float = 16.0
    max_symbol_share: float = 0.1  # of the characters that are not spaces: neither letter, digit nor punctuation
    max_digit_share: float = 0.25  # of the characters that are not spaces
    min_alphabet_share: float = 0.95  # of the letters: those of the language's alphabet
    max_capital_share: float = 0.5  # of the letters
    max_repeated_words: float = 0.4  # of the words: those in a run of four that came earlier in the document
    max_list_lines: float = 0.9  # of the lines: those that begin with a bullet or a number
    min_ended_lines: float = 0.1  # of the lines: those that end as a sentence does, or with : ; , or a quote


class Language(BaseModel, extra="forbid", frozen=True):
    """One language profile; the fields are explained in `profiles/srd.yaml`."""

    code: str
    iso639_3: str
    flores: str = ""  # empty: FLORES has no such language
    # said to people and used to find text: these decide nothing about a stage's output, so no fingerprint has them
    script: str = Field(default="", exclude=True)
    wikipedia: str = Field(default="", exclude=True)
    replay: dict[str, str] = Field(default={}, exclude=True)
    names: dict[str, dict[str, str]]
    alphabet: str
    apostrophe: str = "'"  # the one of its spelling: ' ’ ʼ ʻ; "": every one stays as it is written
    neighbours: list[str] = []
    varieties: dict[str, str] = {}
    norms: dict[str, str] = {}
    tags: dict[str, str] = {}  # what a text's variety, norm or origin is called before it (cpt.norm_tags)
    norm_markers: dict[str, list[str]] = {}  # norm -> words that only it writes
    variety_markers: dict[str, list[str]] = {}
    # groups of spellings that count as one where evaluation sentences are looked for in training text
    spelled_alike: list[list[str]] = []
    quality: Quality = Quality()
    translation_prompts: dict[str, list[str]] = {}
    system_prompts: dict[str, list[str]] = {}
    probe_prompts: list[str] = []  # questions in the language: does a model answer in it?

    @field_validator("translation_prompts")
    @classmethod
    def _wordings_can_be_filled_in(cls, prompts: dict[str, list[str]]) -> dict[str, list[str]]:
        for wording in (one for wordings in prompts.values() for one in wordings):
            try:
                parts = {(name, spec) for _, name, spec, _ in Formatter().parse(wording) if name is not None}
            except ValueError:
                parts = {("", "")}
            if not parts <= {("source", ""), ("target", ""), ("text", "")}:
                raise ValueError(f"'{shortened(wording)}': only {{source}}, {{target}} and {{text}} may be in braces")
        return prompts

    @field_validator("spelled_alike")
    @classmethod
    def _groups_of_letters(cls, groups: list[list[str]]) -> list[list[str]]:
        for group in groups:
            if len(group) < 2 or not all(one.isalpha() for one in group):
                raise ValueError(f"{shortened(str(group))}: a group is two spellings or more, of letters alone")
        return groups

    def name(self, code: str, in_language: str) -> str:
        """What language `code` is called in `in_language`, e.g. name("sc", "it") == "sardo"."""
        names = self.names.get(code, {})
        if in_language not in names:
            raise RecipeError(
                f"the profile of {self.iso639_3} has no name for '{code}' in '{in_language}': "
                f"add it under names.{code}.{in_language} in the profile."
            )
        return names[in_language]

    def tag(self, variety: str, norm: str, origin: str) -> str:
        """What is said of a text before it: its variety, else its norm, and its origin; "" where none has a word."""
        written = self.tags.get(variety) or self.tags.get(norm) or ""
        return ", ".join(word for word in (written, self.tags.get(origin, "")) if word)


def profile_path(name: str) -> Path:
    """The file of a shipped profile named by its ISO 639-3 code, or of one named by its path."""
    return Path(name) if name.endswith((".yaml", ".yml")) else PROFILES / f"{name}.yaml"


@lru_cache
def load_language(name: str) -> Language:
    """Load a shipped profile by its ISO 639-3 code, or a profile file by its path; raises `RecipeError`."""
    path = profile_path(name)
    try:
        file = read_yaml(path, "language profile", "code, iso639_3, names, alphabet")
        return Language.model_validate(file.values)
    except Unreadable as error:
        raise RecipeError(str(error)) from error
    except FileNotFoundError:
        shipped = sorted(p.stem for p in PROFILES.glob("*.yaml"))
        close = get_close_matches(name[:100], shipped, n=1)
        hint = f" Did you mean '{close[0]}'?" if close else ""
        raise RecipeError(
            f"there is no profile '{shortened(name)}'.{hint} Shipped: {', '.join(shipped)}; for another language run "
            f"`llimba new CODE`, or give the path of a profile of your own."
        ) from None
    except ValidationError as error:
        raise RecipeError(sentences(faults(error, Language), [file])) from error
