"""Which learning rate for which method, D6 (1): table and picture of sweeps over both, mean and spread over seeds.

    python benchmarks/methods.py runs/sweeps/*.json --out benchmarks/results/levers/d6.json \
        --figure docs/figures/levers-d6.png

The sweeps are those at the head of `benchmarks/results/levers/d6.yaml`; each left its report. A method's best rate
depends on what counts, so every score is shown: bits per byte of translations given their source, of texts alone,
chrF, the share of answers that stop.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import arms

DIRECTIONS = ("en-sc", "it-sc", "sc-en")
BITS = [*(f"bits {direction}" for direction in DIRECTIONS), "bits sc", "bits en"]
BROKEN = 2.5  # bits per byte from English into Sardinian; the untrained model has 3.4, after CPT it is 1.8
CHRF = [f"chrF {direction}" for direction in DIRECTIONS]


def scores_of(scores: Mapping[str, Any], system: str) -> dict[str, float]:
    """The columns of one model, from an evaluation's `scores.json`."""
    given, alone = scores["translation_bits_per_byte"][system], scores["bits_per_byte"][system]
    found = {f"bits {direction}": given[direction]["value"] for direction in DIRECTIONS}
    found |= {f"bits {language}": alone[language]["value"] for language in ("sc", "en")}
    found |= {f"chrF {direction}": scores["translation"][system][direction]["chrf"] for direction in DIRECTIONS}
    return found | {"stop %": 100 * scores["stopping"][system]["share"]}


def method_of(overrides: Mapping[str, str]) -> str:
    """`full`, or an adapter's kind with its rank and its scaling's numerator."""
    method = overrides.get("sft.method", "full")
    return method if method == "full" else f"{method} r{overrides['sft.lora_r']} alpha {overrides['sft.lora_alpha']}"


def read(reports: Sequence[Path]) -> dict[str, dict[str, Any]]:
    """Every arm of the reports: method, rate, and each score's spread over the seeds; the untuned model first."""
    rows: dict[tuple[str, float], dict[int, dict[str, float]]] = {}
    start: dict[str, float] = {}
    for path in reports:
        for row in json.loads(path.read_text(encoding="utf-8"))["rounds"][-1]["arms"]:
            if row["state"] != "done":
                continue
            given = dict(override.split("=", 1) for override in row["overrides"])
            arm = (method_of(given), float(given["sft.learning_rate"]))
            rows.setdefault(arm, {})[int(given["sft.seed"])] = scores_of(row["scores"], "sft")
            start = scores_of(row["scores"], "cpt")
    found: dict[str, dict[str, Any]] = {
        "after CPT": {"method": "", "seeds": [], "scores": {name: arms.spread([v]) for name, v in start.items()}}
    }
    for (method, rate), seeds in sorted(rows.items()):
        spread = {name: arms.spread([seeds[seed][name] for seed in sorted(seeds)]) for name in start}
        found[f"{method}, {rate:g}"] = {"method": method, "rate": rate, "seeds": sorted(seeds), "scores": spread}
    return found


def table(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Markdown: an arm a row, mean and standard deviation over the seeds."""
    names = [*BITS, *CHRF, "stop %"]
    lines = [f"| arm | seeds | {' | '.join(names)} |", "|---|---:|" + "---:|" * len(names)]
    for arm, one in found.items():
        cells = []
        for name in names:
            digits, value = (3 if name.startswith("bits") else 1 if name.startswith("chrF") else 0), one["scores"][name]
            spread = f" ±{value['sd']:.{digits}f}" if value["sd"] is not None else ""
            cells.append(f"{value['mean']:.{digits}f}{spread}")
        lines.append(f"| {arm} | {len(one['seeds']) or ''} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def draw(found: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Each score over the learning rate, a line a method, each seed a dot; dashed: before instruction tuning.

    A model that a rate has broken (`BROKEN`) is off the picture.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(2, 4, figsize=(14, 6))
    methods = dict.fromkeys(one["method"] for one in found.values() if one["method"])
    for axes, name in zip(panels.flat, (*BITS[:3], "stop %", *BITS[3:], *CHRF[:2]), strict=False):
        axes.axhline(found["after CPT"]["scores"][name]["mean"], color="#7f7f7f", linestyle="--", linewidth=1)
        for method, colour in zip(methods, arms.COLOURS, strict=False):
            mine = [one for one in found.values() if one["method"] == method]
            axes.plot(
                [one["rate"] for one in mine], [one["scores"][name]["mean"] for one in mine], color=colour, label=method
            )
            for one in mine:
                values = one["scores"][name]["values"]
                axes.scatter([one["rate"]] * len(values), values, color=colour, s=14, zorder=3)
        whole = [one for one in found.values() if one["scores"][BITS[0]]["mean"] < BROKEN]
        values = [value for one in whole for value in one["scores"][name]["values"]]
        margin = 0.08 * (max(values) - min(values))
        axes.set(
            title=f"{name} {'↓' if name.startswith('bits') else '↑'}",
            xscale="log",
            ylim=(min(values) - margin, max(values) + margin),
        )
    for axes in panels[1]:
        axes.set(xlabel="learning rate")
    panels[0, 3].legend(frameon=False, fontsize=8, loc="center left")
    arms.save(figure, path)


def main() -> None:
    """Read the reports, print the table, write scores and picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reports", nargs="+", type=Path, help="what `llimba sweep` left under RUNS/sweeps")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--figure", required=True, type=Path)
    arguments = parser.parse_args()
    found = read(arguments.reports)
    arguments.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    draw(found, arguments.figure)
    print(table(found))


if __name__ == "__main__":
    main()
