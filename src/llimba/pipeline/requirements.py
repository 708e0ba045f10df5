"""Everything that a recipe needs from outside, asked before the first download: all that is missing in one list.

Each stage knows what it needs (its `requirements.py`, a column of the stage table); here are the local files that the
recipe names, the disks, where what all stages leave is added up, and the list itself. Only stages that are still to run
are asked.
"""

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

from llimba.errors import StageError, Unavailable
from llimba.files import bytes_under, existing, free_bytes
from llimba.models import base_model
from llimba.models.hub_access import HubAccess
from llimba.pipeline.stage_table import Stage
from llimba.pipeline.step import Step
from llimba.recipe import Recipe, named_paths
from llimba.recipe.needs import Need, Needs, Space

logger = logging.getLogger(__name__)


def fetch_tokenizer(recipe: Recipe, steps: Sequence[Step]) -> str:
    """Have the base model's tokenizer and config, no weights, in the hub's cache where more can be said with them.

    That is where a stage is to train and there is text to count, or the recipe does not give the model's sizes. Returns
    why they are not to be had; "" where they are here or nobody needs them.
    """
    states = {step.stage.name: step.state for step in steps}
    to_train = any(states.get(name, "done") != "done" for name in recipe.trains)
    if not to_train or base_model.tokenizer_at_hand(recipe.base_model) is not None:
        return ""
    if states["corpus"] != "done" and (recipe.base_model.config or base_model.folder_at_hand(recipe.base_model)):
        return ""
    try:
        base_model.fetch_tokenizer(recipe.base_model)
    except StageError as error:
        return str(error)
    return ""


def missing(recipe: Recipe, steps: Sequence[Step], runs: Path, card: str | None = None) -> list[Need]:
    """What is missing for those of the steps that are still to run, certain first. Asks the hub, and fetches nothing.

    `card`: a card to plan for, None: what is here.
    """
    needs = Needs()
    hub = HubAccess(needs)
    to_run = [step for step in steps if step.state != "done"]
    for step in to_run:
        _files(recipe, step.stage, needs)
        if step.stage.requires is not None:
            step.stage.requires(recipe, needs, hub, card)
    hub.close()
    _disks(needs, runs, {step.stage.name: step.partial for step in to_run})
    return sorted(needs.found, key=lambda need: not need.certain)


def refuse(found: Iterable[Need]) -> None:
    """Log what cannot be told; raise `StageError` with the list of the rest.

    `Unavailable` where this kind of machine lacks something that another recipe may do without.
    """
    found = list(found)
    for need in found:
        if not need.certain:
            logger.warning("  cannot be told from here: %s", sentence(need))
    certain = [need for need in found if need.certain]
    if certain:
        listed = "".join(f"\n  - {sentence(need)}" for need in certain)
        kind = Unavailable if any(need.elsewhere for need in certain) else StageError
        raise kind(f"nothing was started, as this is missing:{listed}\nThen run the same command again.")


def sentence(need: Need) -> str:
    """One thing that is missing, and how to get it."""
    return f"{need.key}: {need.lacks}. Fix: {need.fix}"


def _files(recipe: Recipe, stage: Stage, needs: Needs) -> None:
    """Files and folders that the stage's section names."""
    for keys, path in named_paths(getattr(recipe, stage.name)):
        if not path.exists():
            key = ".".join((stage.name, *keys))
            needs.lacks(key, f"{path} does not exist", "put it there, correct the path, or remove the key")


def _disks(needs: Needs, runs: Path, partials: dict[str, Path]) -> None:
    """Add what the disks do not hold: what stays adds up, what goes at its stage's end counts until then."""
    by_disk: dict[int, list[Space]] = {}
    for space in needs.spaces:
        by_disk.setdefault(existing(space.folder or runs).stat().st_dev, []).append(space)
    for spaces in by_disk.values():
        folder = existing(next((one.folder for one in spaces if one.folder), runs))
        free = free_bytes(folder)
        for sure in (True, False):
            peak, parts = _peak([one for one in spaces if one.sure or not sure], partials)
            if peak > free:
                listed = ", ".join(f"{one.what} {_size(one.bytes)}" for one in parts if one.bytes)
                needs.lacks(
                    "disk", f"{folder} has {_size(free)} free, and {_size(peak)} are needed ({listed})",
                    "free space, or put the runs (--runs) or the hub's cache (HF_HOME) on another disk", certain=sure,
                )  # fmt: skip
                break


def _size(number: float) -> str:
    return f"{number / 2**30:.1f} GiB" if number >= 2**30 / 10 else f"{number / 2**20:.1f} MB"


def _peak(spaces: Sequence[Space], partials: dict[str, Path]) -> tuple[float, list[Space]]:
    """Bytes at the fullest moment, less what a stopped run has left of them, and what they are."""
    peak, at_peak, staying = 0.0, list[Space](), list[Space]()
    for space in spaces:
        now = [*staying, space]
        there = bytes_under(partials[space.until]) if space.until in partials else 0
        if (size := sum(one.bytes for one in now) - there) > peak:
            peak, at_peak = size, now
        if not space.until:
            staying.append(space)
    return peak, at_peak
