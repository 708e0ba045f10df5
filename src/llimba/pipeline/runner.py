"""Runs the stages of a recipe: fingerprint, find the folder, skip what is done, run the rest, record.

A stage's folder is `runs/<stage>/<fingerprint>/`. The fingerprint covers everything that can change the output: the
stage's own section, what it uses of language, base model and seed, the content of local files, the fingerprints of
the stages it needs, and the stage's version. Settings at their default do not count, so an option added by a later
llimba makes no finished stage stale; whoever changes a default raises the stage's version. Recipes that differ only in
`sft` share one corpus and one CPT without any configuration.

A stage works in `<fingerprint>.partial/`; `manifest.json` is written last and the folder renamed, so a folder under its
final name is finished. Everything downstream (plan, compare, the model card) reads manifests and nothing else.
"""

import errno
import logging
import os
import platform
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import BaseModel

from llimba import processes
from llimba.data_files.faults import shortened
from llimba.digests import changed, remember
from llimba.errors import DiskRefused, LlimbaError, RecipeError, StageError
from llimba.files import disk_errors, fingerprint, into_place, make_folder, remove_leftovers, sha256
from llimba.manifest import MANIFEST, Ingredients, Json, ListedFile, Manifest, read_manifest, versions, write_manifest
from llimba.packages import cache_folder
from llimba.pipeline import requirements
from llimba.pipeline.stage_table import STAGES, Stage, stages_of
from llimba.pipeline.step import State, Step
from llimba.recipe import Recipe, local_paths
from llimba.reports.training_facts import TrainedFolder
from llimba.training import peak_memory

logger = logging.getLogger(__name__)

# what a disk answers, not a bug
REFUSALS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR}


def plan(recipe: Recipe, runs: Path) -> list[Step]:
    """What a run of this recipe would find done, and what it would do; touches nothing."""
    steps: dict[str, Step] = {}
    for stage, needs in stages_of(recipe, STAGES):
        needed, files = {need: steps[need].fingerprint for need in needs}, _files(recipe, stage)
        ingredients = _ingredients(recipe, stage, needed, files)
        digest = fingerprint(_ingredients(recipe, stage, needed, files, set_only=True).to_json())
        folder = runs / stage.name / digest
        state, why = _state(recipe, stage, folder, ingredients)
        steps[stage.name] = Step(stage, digest, folder, state, why, ingredients)
    return list(steps.values())


def run(recipe: Recipe, runs: Path, until: str | None = None) -> list[Step]:
    """Run what is not done, in order; with `until` that stage and what it needs. Returns the finished plan."""
    if "::" in (place := str(runs.absolute())) or os.path.expandvars(place) != place:  # as fsspec does
        raise RecipeError(f"--runs {runs}: libraries that read there replace '::' and $NAMES in a path. Rename it.")
    steps, examined = plan(recipe, runs), False
    folders = {step.stage.name: step.folder for step in steps}
    wanted = _without_damage(up_to(steps, until))
    if processes.is_main():
        requirements.fetch_tokenizer(recipe, wanted)  # what it lacks is said by the list
        requirements.refuse(requirements.missing(recipe, wanted, runs))
    for step in wanted:
        inputs = {need: folders[need] for need in step.needs}
        if step.state != "done" and step.stage.parallel and not examined and processes.is_main():
            examined = True
            with _explaining(step):
                for line in _checked(recipe, wanted, folders, fetch=True):
                    logger.info("  examined: %s", line)
        if step.state == "done":
            logger.info("%-9s already done, skipped (%s)", step.stage.name, step.folder)
        elif processes.is_main():
            _run_stage(recipe, step, inputs)
        else:
            _follow(recipe, step, inputs)
    return plan(recipe, runs)


def _without_damage(wanted: list[Step]) -> list[Step]:
    """The steps with those to be made again whose output is to be read and is not what was written any more."""
    steps = {step.stage.name: step for step in wanted}
    for step in reversed(wanted):
        for need in step.needs if steps[step.stage.name].state != "done" else ():
            read = steps[need]
            shutil.rmtree(TrainedFolder(read.folder).checkpoints, ignore_errors=True)  # if killed before it could
            manifest = read_manifest(read.folder)
            if manifest is None or (name := changed(read.folder, manifest.digests)) is None:
                continue
            said = f"{need}: {read.folder / name} has changed since it was written"
            if processes.count() > 1:
                raise StageError(f"{said}. Run once in one process (llimba run ...): it makes the stage again.")
            logger.warning("%s; the stage is made again", said)
            _set_aside(read)
            steps[need] = read._replace(state="partial", why=f"{name} had changed")
    return list(steps.values())


def _set_aside(step: Step) -> None:
    damaged = step.folder.with_name(f"{step.fingerprint}.damaged-{int(time.time())}")
    step.folder.rename(damaged)
    logger.warning("%s: %s was damaged and is kept as %s", step.stage.name, step.folder, damaged)


def run_stage(recipe: Recipe, runs: Path, name: str) -> Step:
    """Run one stage and what it needs; returns its finished step."""
    return next(step for step in run(recipe, runs, name) if step.stage.name == name)


def finished_folders(recipe: Recipe, runs: Path, needed: str, called: str) -> dict[str, Path]:
    """The folders of the recipe's finished stages, by name.

    Raises `LlimbaError` where the stage `needed` is not among them; what it makes is `called` so there.
    """
    steps = {step.stage.name: step for step in plan(recipe, runs)}
    if (step := steps[needed]).state != "done":
        until = "" if needed in ("evaluate", "publish") else f" --until {needed}"
        raise LlimbaError(
            f"{recipe.path} has no {called} yet ({step.state}: {step.why}). Run: llimba run {recipe.path}{until}; "
            "if it was run with --set, give the same --set here"
        )
    return {name: step.folder for name, step in steps.items() if step.state == "done"}


def finished_run(folder: Path) -> tuple[Recipe, dict[str, Path]]:
    """The recipe that a finished stage was run from, and the folders of that stage and those it was made from.

    Raises `LlimbaError` where the folder is not a finished stage's, or something that it was made from is gone.
    """
    manifest = read_manifest(folder)
    if manifest is None or not manifest.resolved:
        raise LlimbaError(
            f"{folder} is not the folder of a finished stage. Name a recipe, or RUNS/evaluate/FINGERPRINT."
        )
    runs, found = folder.resolve().parent.parent, {manifest.stage: folder}
    left = dict(manifest.ingredients.needs)
    while left:
        stage, digest = left.popitem()
        needed = read_manifest(place := runs / stage / digest)
        if needed is None:
            raise LlimbaError(f"{folder} was made from {place}, which is gone or damaged. Run its recipe again.")
        found[stage] = place
        left |= {name: of for name, of in needed.ingredients.needs.items() if name not in found}
    return Recipe.model_validate(manifest.resolved, context={"path": folder}), found


def up_to(steps: list[Step], until: str | None) -> list[Step]:
    """The stage `until` with all that it needs, directly or through others, in order; None: every stage.

    Raises `RecipeError` where the recipe has no such stage.
    """
    if until is None:
        return steps
    needs = {step.stage.name: step.needs for step in steps}
    if until not in needs:
        raise RecipeError(f"--until {until}: there is no such stage; the stages are {', '.join(needs)}.")
    wanted = [until]
    for name in wanted:  # grows as it is read
        wanted += [need for need in needs[name] if need not in wanted]
    return [step for step in steps if step.stage.name in wanted]


def examined(recipe: Recipe, runs: Path) -> list[str]:
    """What is settled, before anything trains, for stages that have not run; touches and fetches nothing.

    Raises `StageError` for what a run would refuse then.
    """
    steps = plan(recipe, runs)
    return _checked(recipe, steps, {step.stage.name: step.folder for step in steps}, fetch=False)


def _checked(recipe: Recipe, steps: list[Step], folders: dict[str, Path], *, fetch: bool) -> list[str]:
    checks = [step.stage.check for step in steps if step.state != "done" and step.stage.check is not None]
    return [line for check in checks for line in check(recipe, folders, fetch=fetch)]


def _files(recipe: Recipe, stage: Stage) -> dict[str, str]:
    """The content of every local file that a stage reads, as a digest."""
    section = getattr(recipe, stage.name)
    readers = [section, recipe.base_model] if "base_model" in stage.uses else [section]
    paths = sorted({path for reader in readers for path in local_paths(reader)})
    try:
        return {str(path): sha256(path) if path.exists() else "missing" for path in paths}
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        raise StageError(
            f"{stage.name}: a file that {recipe.path} names cannot be read ({place}{error.strerror}): one of "
            f"{', '.join(shortened(str(path)) for path in paths)}. Fix its permissions, or name another."
        ) from error


def _ingredients(
    recipe: Recipe, stage: Stage, needs: dict[str, str], files: dict[str, str], *, set_only: bool = False
) -> Ingredients:
    """Everything that makes a stage's output what it is; `set_only`: without the settings that are at their default."""
    section = getattr(recipe, stage.name)
    parts: Json = {"section": _dump(section, set_only), "needs": needs, "version": stage.version, "files": files}
    for use in stage.uses:
        parts[use] = _dump(recipe.profile if use == "language" else getattr(recipe, use), set_only)
    for key in stage.ignores(recipe):
        parts = _without(parts, key.split("."))
    used = [section, *(getattr(recipe, use) for use in stage.uses if use != "language")]
    own = {path for part in used if isinstance(part, BaseModel | dict) for path in local_paths(part)}
    names = {str(path): _from_recipe(path, recipe.path) for path in own}
    return Ingredients.model_validate(_as_written(parts, names))


def _without(parts: Json, key: Sequence[str]) -> Json:
    """The parts without one key; a section that holds nothing else goes with it."""
    first, *rest = key
    if first not in parts:
        return parts
    inner = _without(parts[first], rest) if rest else None
    return {name: inner if name == first else part for name, part in parts.items() if name != first or inner}


def _from_recipe(path: Path, recipe: Path) -> str:
    """A path relative to the recipe where the two are near, else absolute: the same from any working directory."""
    here, there = (os.path.normpath(one.absolute()) for one in (recipe.parent, path))
    return os.path.relpath(there, here) if Path(there).is_relative_to(Path(here).parent) else there


def _as_written(value: object, names: dict[str, str]) -> object:
    """`value` with every string that is in `names`, keys too, replaced."""
    if isinstance(value, dict):
        return {names.get(key, key): _as_written(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_written(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value


def _dump(value: object, set_only: bool) -> object:
    if isinstance(value, dict):
        return {key: _dump(item, set_only) for key, item in value.items()}
    return value.model_dump(mode="json", exclude_defaults=set_only) if isinstance(value, BaseModel) else value


def _state(recipe: Recipe, stage: Stage, folder: Path, ingredients: Ingredients) -> tuple[State, str]:
    if read_manifest(folder) is not None:
        return "done", ""
    if folder.exists():
        return "partial", "its folder is damaged (no valid manifest, or files missing); it will be rebuilt"
    if folder.with_name(f"{folder.name}.partial").exists():
        return "partial", "interrupted; it will " + ("resume" if stage.resumable else "start over")
    earlier = [
        manifest
        for path in folder.parent.glob(f"*/{MANIFEST}")
        if (manifest := read_manifest(path.parent)) and manifest.recipe == recipe.name
    ]
    if not earlier:
        return "missing", "never run"
    latest = max(earlier, key=lambda manifest: manifest.finished)
    changed = _differences(latest.ingredients.to_json(), ingredients.to_json())
    return "stale", "changed: " + ", ".join(changed)


def _differences(old: object, new: object, path: str = "") -> list[str]:
    """Dotted names of what differs between two JSON values."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = sorted(old.keys() | new.keys())
        return [d for k in keys for d in _differences(old.get(k), new.get(k), f"{path}.{k}" if path else k)]
    return [] if old == new else [path.removeprefix("section.")]


def _run_stage(recipe: Recipe, step: Step, inputs: dict[str, Path]) -> None:
    lock = FileLock(step.folder.with_name(f".{step.fingerprint}.lock"))
    try:
        with _explaining(step):
            make_folder(step.folder.parent)
        with lock.acquire(timeout=0), _explaining(step):
            if read_manifest(step.folder) is not None:  # another run finished it since we planned
                return
            if step.folder.exists():
                _set_aside(step)
            if step.partial.exists() and not step.stage.resumable:
                shutil.rmtree(step.partial)
            make_folder(step.partial)
            remove_leftovers(step.partial)
            with disk_errors():
                _execute(recipe, step, inputs)
    except Timeout:
        raise StageError(
            f"{step.stage.name}: another llimba is working in {step.partial}. Wait for it, or stop it, then run again."
        ) from None


@contextmanager
def _explaining(step: Step) -> Iterator[None]:
    """Raise what the file system refuses as what the user can fix."""
    try:
        yield
    except OSError as error:
        raise (_explained(step, error) or error) from error


def _explained(step: Step, error: OSError) -> StageError | None:
    """The error as the user can fix it, where it comes from the file system; None where it must be a bug of ours."""
    cache = cache_folder()
    if isinstance(error.filename, str) and cache in (path := Path(error.filename), *path.parents):
        return DiskRefused(
            f"{step.stage.name}: llimba's cache refused ({error}). Free space or fix the permissions, or set "
            "LLIMBA_CACHE to a folder that can be written to; then run the same command again."
        )
    if error.errno in REFUSALS:
        return DiskRefused(
            f"{step.stage.name}: the disk refused ({error}). Free space or fix the permissions, or put the runs "
            "elsewhere with --runs; then run the same command again. Finished stages and complete checkpoints are kept."
        )
    vanished = error.errno == errno.ENOENT and error.filename and step.partial not in Path(error.filename).parents
    if vanished:
        return StageError(
            f"{step.stage.name}: {error.filename} disappeared while it was needed. Put it back and run the same "
            "command again; finished stages are kept."
        )
    return None


def _follow(recipe: Recipe, step: Step, inputs: dict[str, Path]) -> None:
    """The other processes' part: train with the first where the stage trains, then wait for it to finish.

    Only the first takes the lock and writes; if it fails, the launcher ends all of them.
    """
    if step.stage.parallel:
        step.stage.run(recipe, inputs, step.partial)
    while read_manifest(step.folder) is None:
        time.sleep(0.2)


def _execute(recipe: Recipe, step: Step, inputs: dict[str, Path]) -> None:
    logger.info("%-9s runs ...", step.stage.name)
    peak_memory.reset()
    started, clock = datetime.now(UTC), time.monotonic()
    facts = step.stage.run(recipe, inputs, step.partial)
    # a training that was resumed adds up the seconds of all its sessions
    seconds = max(time.monotonic() - clock, facts.get("training_seconds", 0.0))
    _unchanged(recipe, step)
    checkpoints = TrainedFolder(step.partial).checkpoints
    there = (path for path in step.partial.rglob("*") if checkpoints not in path.parents)
    files = sorted(path for path in there if path.is_file() and path.name != MANIFEST)
    manifest = Manifest(
        stage=step.stage.name,
        fingerprint=step.fingerprint,
        recipe=recipe.name,
        ingredients=step.ingredients,
        started=started.isoformat(timespec="seconds"),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=round(seconds, 2),
        peak_memory_bytes=peak_memory.read(),
        machine=_machine(),
        versions=versions(),
        facts=facts,
        files=[
            ListedFile(name=p.relative_to(step.partial).as_posix(), bytes=p.stat().st_size, sha256=sha256(p))
            for p in files
        ],
        resolved=recipe.model_dump(mode="json", exclude_defaults=True),
    )
    write_manifest(step.partial, manifest)
    into_place(step.partial, step.folder)
    remember(step.folder, manifest.digests)
    shutil.rmtree(TrainedFolder(step.folder).checkpoints, ignore_errors=True)  # from here on they are not needed
    logger.info("%-9s done in %.0f s (%s)", step.stage.name, seconds, step.folder)


def _unchanged(recipe: Recipe, step: Step) -> None:
    """Raise `StageError` where a file that the stage read is no longer what its fingerprint was made of."""
    before, now = step.ingredients.files, _ingredients(recipe, step.stage, {}, _files(recipe, step.stage)).files
    if changed_since := [name for name in now if now[name] != before.get(name)]:
        raise StageError(
            f"{step.stage.name}: {', '.join(changed_since)} changed since this run began, so what came of it is not "
            "kept. When nothing writes there any more, run the same command again."
        )


def _machine() -> str:
    """What the stage ran on; a GPU by name where torch has seen one."""
    torch = sys.modules.get("torch")
    gpu = f", {torch.cuda.get_device_name()}" if torch is not None and torch.cuda.is_available() else ""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores{gpu}, Python {platform.python_version()}"
