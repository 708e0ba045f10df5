"""The recipe that `llimba new` writes is valid as it stands, and with everything in it uncommented."""

import re
from pathlib import Path

import pytest

from llimba.languages.next_language.facts import facts
from llimba.languages.next_language.profile import profile_text
from llimba.languages.next_language.recipe import recipe_text
from llimba.recipe.file import load_recipe


@pytest.mark.parametrize("code", ["fur", "sc", "oc", "no", "eu", "szl", "mi", "gsw"])
@pytest.mark.parametrize("uncommented", [False, True])
def test_it_loads(code: str, uncommented: bool, tmp_path: Path) -> None:
    known = facts(code)
    (tmp_path / "profile.yaml").write_text(profile_text(known), encoding="utf-8")
    text = recipe_text(known, file="own.yaml", language="./profile.yaml", texts="texts")
    if uncommented:
        text = re.sub(r"^  # (?=[\w-]+: [{\[]| {9}columns)", "  ", text, flags=re.MULTILINE)
    (tmp_path / "own.yaml").write_text(text, encoding="utf-8")
    recipe = load_recipe(tmp_path / "own.yaml")
    other = known.replay[0].code
    assert recipe.instruct.directions == [f"{other}-{known.code}", f"{known.code}-{other}"]
    assert recipe.sources["mine"].files[known.code] == tmp_path / "texts" / f"{known.code}.txt"  # type: ignore[union-attr]
    replayed = {f"replay-{entry.code}" for entry in known.replay}
    assert (replayed <= set(recipe.sources)) == uncommented
    assert ("flores" in recipe.sources) == (uncommented and bool(known.flores))
