"""A default that is changed silently would let old results pass for new ones: fingerprints leave defaults out.

`fixtures/defaults.json` holds every default of a recipe and of a language profile. Whoever changes one raises the
`version` of the stages that it belongs to (src/llimba/pipeline/stage_table.py) and then writes the file anew, by
`python -m tests.recipe.test_defaults`. A new option is added to the file and raises nothing.
"""

import json
from typing import Any

from pydantic import BaseModel

from llimba.languages.profile import Language
from llimba.recipe.section import Section
from tests import FIXTURES

FILE = FIXTURES / "defaults.json"


def sections(of: type[BaseModel]) -> list[type[BaseModel]]:
    """Every section that a recipe may have, base classes too; those that tests make are left out."""
    found = [of, *(deeper for child in of.__subclasses__() for deeper in sections(child))]
    return [section for section in found if section.__module__.startswith("llimba.")]


def defaults() -> dict[str, Any]:
    """Section.field -> its default, for every field that has one and counts towards a fingerprint."""
    import llimba.recipe  # noqa: F401  every section is known once this is imported

    found = {}
    for section in [*sections(Section), Language]:
        for name, field in section.model_fields.items():
            if not field.is_required() and not field.exclude:
                value = field.get_default(call_default_factory=True)
                # a section is its fields, which stand here themselves
                dumped = (
                    value.model_dump(mode="json", exclude_defaults=isinstance(value, Section))
                    if isinstance(value, BaseModel)
                    else value
                )
                found[f"{section.__name__}.{name}"] = json.loads(json.dumps(dumped, default=str))
    return dict(sorted(found.items()))


def test_defaults_are_those_that_results_were_made_with() -> None:
    known, now = json.loads(FILE.read_text()), defaults()
    changed = sorted(key for key in known if key in now and known[key] != now[key])
    assert not changed, (
        f"changed defaults {changed}: raise their stages' version, then python -m tests.recipe.test_defaults"
    )
    new = sorted(now.keys() - known.keys())
    assert not new, f"new options {new}: python -m tests.recipe.test_defaults"


if __name__ == "__main__":
    FILE.write_text(json.dumps(defaults(), indent=1, ensure_ascii=False) + "\n")
