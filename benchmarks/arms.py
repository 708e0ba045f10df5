"""What the experiments share: arms by seed, each kept when it is finished, scored alike, summed up with a spread.

An arm is a model trained with some settings. `finish_missing` runs the arms that a record lacks, one line a finished
arm, so an experiment that was stopped goes on; the scores are bits per byte, of texts alone and of a translation given
its original.
"""

import json
import math
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROWS_PER_DOCUMENT = 3
ROW_LENGTH = 1024
COLOURS = ("#1f4e79", "#c0504d", "#7f9c3a", "#8064a2", "#d08a2e", "#4bacc6", "#7f7f7f")


def read_rows(path: Path, most: int | None = None) -> list[dict[str, Any]]:
    """The rows of a JSON lines file, one column of text per language code."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()[:most]]


def texts(rows: Sequence[Mapping[str, Any]], language: str) -> list[tuple[str, str]]:
    """(id, text) of one column, `ROWS_PER_DOCUMENT` rows to a document."""
    lines = [row[language] for row in rows]
    groups = [lines[i : i + ROWS_PER_DOCUMENT] for i in range(0, len(lines), ROWS_PER_DOCUMENT)]
    return [(f"{language}-{i}", "\n".join(group)) for i, group in enumerate(groups)]


class Scorer:
    """Bits per byte under one model, weights in fp32 and bf16 autocast, whatever they were trained in."""

    def __init__(self, model: Any, tokenizer: Any, separator: int) -> None:
        from llimba.training.attention import choose, install
        from llimba.training.model import PackedModel

        self.device = next(model.parameters()).device
        install(model, choose("auto", self.device)[0])
        self.packed, self.tokenizer, self.separator = PackedModel(model.float()).eval(), tokenizer, separator

    def alone(self, documents: Iterable[tuple[str, str]]) -> float:
        """Of whole documents after the separator."""
        from llimba.training.examples import split

        examples, size = [], 0
        for name, text in documents:
            ids = self.tokenizer(text, add_special_tokens=False)["input_ids"]
            examples += split([self.separator, *ids], ROW_LENGTH, name, "")
            size += len(text.encode())
        return self._nats(examples) / math.log(2) / size

    def given(self, prompts: Iterable[tuple[str, str]]) -> float:
        """Of the second text of each (prompt, text), a space between them; the prompt's own tokens do not count."""
        import numpy as np

        from llimba.training.examples import IGNORED, Example

        examples, size = [], 0
        for prompt, text in prompts:
            encoded = self.tokenizer(f"{prompt} {text}", add_special_tokens=False, return_offsets_mapping=True)
            ids = np.asarray([self.separator, *encoded["input_ids"]], dtype=np.int32)
            scored = np.asarray([start >= len(prompt) for start, _ in encoded["offset_mapping"]])
            examples.append(Example("", "", ids[:-1], np.where(scored, ids[1:], IGNORED).astype(np.int32)))
            size += len(text.encode())
        return self._nats(examples) / math.log(2) / size

    def _nats(self, examples: Sequence[Any]) -> float:
        import torch

        from llimba.training.packing import pack

        with torch.no_grad(), torch.autocast(self.device.type, torch.bfloat16):
            return sum(float(self.packed(row.to(self.device))) for row in pack(examples, ROW_LENGTH))


def finish_missing(
    record: Path, arms: Mapping[str, str], seeds: Iterable[int], run: Callable[[str, int], dict[str, Any]]
) -> list[dict[str, Any]]:
    """Every arm with every seed: what `record` has is not run again, what it lacks is run and appended.

    `arms` maps a name to a fingerprint of its settings, so that an arm whose settings changed counts as another.
    Returns the rows that belong to these arms and seeds; each has `arm`, `seed`, `settings` and what `run` returned.
    """
    record.parent.mkdir(parents=True, exist_ok=True)
    rows = read_rows(record) if record.exists() else []
    done = {(row["arm"], row["seed"], row.get("settings")): row for row in rows}
    found = []
    for seed in seeds:
        for arm, settings in arms.items():
            if (arm, seed, settings) not in done:
                clock = time.monotonic()
                row = {"arm": arm, "seed": seed, "settings": settings, **run(arm, seed)}
                row["seconds"] = round(time.monotonic() - clock)
                with record.open("a", encoding="utf-8") as handle:
                    handle.write(json.dumps(row) + "\n")
                done[arm, seed, settings] = row
                print(f"{record.stem} {arm}, seed {seed}: {row['bits_per_byte']} in {row['seconds']} s", flush=True)
            found.append(done[arm, seed, settings])
    return found


def spread(values: Sequence[float]) -> dict[str, Any]:
    """Mean, standard deviation over the seeds (None for one seed), and the values."""
    return {
        "mean": round(statistics.mean(values), 4),
        "sd": round(statistics.stdev(values), 4) if len(values) > 1 else None,
        "values": [round(value, 4) for value in values],
    }


def by_arm(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Seeds, steps, tokens and the spread of every score, arm by arm."""
    found: dict[str, dict[str, Any]] = {}
    for arm in dict.fromkeys(row["arm"] for row in rows):
        mine = [row for row in rows if row["arm"] == arm]
        scores = {name: spread([row["bits_per_byte"][name] for row in mine]) for name in mine[0]["bits_per_byte"]}
        found[arm] = {
            "seeds": [row["seed"] for row in mine],
            "steps": [row["steps"] for row in mine],
            "tokens": [row["tokens"] for row in mine],
            "bits_per_byte": scores,
        }
    return found


def dots(axes: Any, found: Mapping[str, Mapping[str, Any]], score: str) -> None:
    """One score of every arm of `by_arm`: each seed a dot, their mean a line."""
    for place, (arm, colour) in enumerate(zip(found, COLOURS, strict=False)):
        values = found[arm]["bits_per_byte"][score]["values"]
        axes.scatter([place] * len(values), values, color=colour, zorder=3)
        axes.hlines(statistics.mean(values), place - 0.25, place + 0.25, color=colour)
    axes.set(xlim=(-0.6, len(found) - 0.4))
    axes.set_xticks(range(len(found)), [arm.partition(":")[0] for arm in found])


def save(figure: Any, path: Path) -> None:
    """Write a figure, its axes with a light grid and no frame."""
    for axes in figure.axes:
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
