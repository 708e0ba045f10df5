"""The experiments of docs/results.md as recipes: the sweeps written at their heads make arms that can be ranked."""

import re
import shlex
from pathlib import Path

import pytest

from llimba.pipeline.sweep.arms import prepare_sweep
from llimba.recipe.file import load_recipe
from tests import ROOT

RECIPES = ROOT / "benchmarks" / "results" / "levers"
IN_PAIRS = {"sc": 1 / 2, "en": 1 / 6, "it": 1 / 6, "es": 1 / 6}  # what pairs in six directions hold of each language


def commands() -> list[str]:
    """Every `llimba sweep` at the head of a recipe; one in a loop over arms is several."""
    found = []
    for path in sorted(RECIPES.glob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        arms = re.search(r"^# for arm in (.*); do$", text, re.M)
        for command in re.findall(r"^# +(llimba sweep .*)$", text, re.M):
            found += [command.replace("$arm", arm) for arm in (arms[1].split() if arms else [""])]
    return found


@pytest.mark.parametrize("command", commands())
def test_a_sweep_at_the_head_of_a_recipe_makes_arms_that_can_be_ranked(command: str, tmp_path: Path) -> None:
    _, _, path, *options = shlex.split(command)
    given = list(zip(options[::2], options[1::2], strict=True))
    assert {name for name, _ in given} <= {"--set", "--by", "--until"}
    once = dict(given)
    sets = [value for name, value in given if name == "--set"]
    sweep = prepare_sweep(ROOT / path, sets, once.get("--by"), tmp_path, once.get("--until", "evaluate"))
    assert len(sweep.arms) >= 3
    assert sweep.measure is not None


def test_every_experiment_says_how_it_is_run() -> None:
    named = "\n".join(commands())
    heads = {path.name for path in RECIPES.glob("*.yaml")}
    assert not [name for name in sorted(heads) if name not in named]


def test_the_arms_of_d1_read_as_much_of_every_language() -> None:
    """Pairs in the six directions are half Sardinian, and a sixth each of the others: arm a reads that much alone."""
    shares = []
    for path in sorted(RECIPES.glob("d1-*.yaml")):
        cpt = load_recipe(path).cpt
        assert cpt is not None
        total: dict[str, float] = {}
        phases = [(phase.share, phase.mixture) for phase in cpt.phases] if cpt.phases else [(1, cpt.mixture)]
        for of_all, mixture in phases:
            assert of_all is not None
            for key, share in (mixture or {}).items():
                for language, part in (IN_PAIRS if key == "pairs" else {key: 1}).items():
                    total[language] = total.get(language, 0) + of_all * share * part
        shares.append({language: round(share, 6) for language, share in sorted(total.items())})
    assert len(shares) == 4
    assert shares == [shares[0]] * 4
