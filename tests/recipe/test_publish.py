"""Where the models go: hub ids are checked when the recipe is read, and two models do not go to one place."""

from pathlib import Path
from typing import Any

import pytest

from llimba.errors import RecipeError
from tests.fakes import recipe


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"repository": "no-owner"}, "publish.repository: 'no-owner' has no owner: write OWNER/NAME"),
        ({"repository": "a/b/c"}, r"publish\.repository: Repo id must be in the form"),
        ({"repository": "a/b.git"}, r"publish\.repository: Repo_id cannot end by '\.git'"),
        ({"cpt_repository": "a b/c"}, r"publish\.cpt_repository: Repo id must use alphanumeric"),
        ({"repository": "a/b", "cpt_repository": "a/b"}, "publish.cpt_repository: is repository itself"),
        ({"paper": {"authors": ["x"]}}, r"publish\.paper\.title: is missing"),
    ],
)
def test_what_no_hub_would_take(tmp_path: Path, section: dict[str, Any], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        recipe(tmp_path, publish=section)


def test_a_recipe_without_cpt_has_no_checkpoint_to_publish(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"publish\.cpt_repository: the recipe has no cpt"):
        recipe(tmp_path, cpt=None, publish={"cpt_repository": "a/b"})
    recipe(tmp_path, sft=None, publish={"cpt_repository": "a/b"})
