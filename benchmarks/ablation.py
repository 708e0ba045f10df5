"""Does rounding matter, does leaking matter: the same model, documents and steps, one switch changed, several seeds.

    python benchmarks/ablation.py rounding --model FOLDER --train rows.jsonl --held-out dev.jsonl --out FOLDER
    python benchmarks/ablation.py packing  --model FOLDER --train rows.jsonl --held-out dev.jsonl --out FOLDER

`rows.jsonl` and `dev.jsonl` hold one column of text per language code. Three rows make a document; 83 % of the tokens
are the target language's and 17 % the first replay language's, as in the published recipe. Every finished arm is kept
in OUT/<ablation>.jsonl and not run again. At the end: held-out bits per byte by arm, mean and spread over the seeds, as
benchmarks/results/<ablation>.json and docs/figures/<ablation>.png.
"""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import arms

from llimba.files import fingerprint

ARMS: dict[str, dict[str, dict[str, Any]]] = {
    "rounding": {  # the published learning rate; 8-bit moments everywhere, so that only the weights' rounding differs
        "fp32 weights": {"precision": "mixed", "optimizer": "adamw_8bit"},
        "bf16 nearest": {"precision": "bf16", "optimizer": "adamw_8bit", "stochastic_rounding": False},
        "bf16 stochastic": {"precision": "bf16", "optimizer": "adamw_8bit", "stochastic_rounding": True},
    },
    "packing": {
        "off": {"packing": "off", "learning_rate": 3e-4},
        "step-exact": {"packing": "step-exact", "learning_rate": 3e-4},
        "leaky": {"packing": "leaky", "learning_rate": 3e-4},
    },
}
REPLAY_SHARE = 0.17


def run_arm(arguments: argparse.Namespace, switches: dict[str, Any], seed: int) -> dict[str, Any]:
    """Train and score one arm with one seed."""
    from llimba.recipe import CptSection, Phase, Tokens
    from llimba.records import Document
    from llimba.stages.cpt.mixture import mix
    from llimba.training import loop, monitor
    from llimba.training.examples import document_examples
    from llimba.training.model import open_for_training

    settings = CptSection(
        **{
            "sequence_length": 1024,
            "documents_per_step": 4,
            "learning_rate": 5e-5,
            "warmup_steps": 5,
            "save_minutes": 600,
            **switches,
        }
    )
    opened = open_for_training(Path(arguments.model), settings, Tokens())
    documents = [
        Document(id=name, text=text, language=language, source="s", license="x", provenance="p")
        for language in (arguments.target, arguments.replay)
        for name, text in arms.texts(arms.read_rows(Path(arguments.train)), language)
    ]
    separator = opened.contract.separator_id
    examples = list(document_examples(documents, opened.tokenizer, separator, settings.sequence_length))
    shares = {arguments.target: 1 - REPLAY_SHARE, arguments.replay: REPLAY_SHARE}
    chosen = mix(
        examples, [Phase(share=1, mixture=shares)], arguments.tokens, arguments.target, 0
    )  # the same documents for every seed
    out = Path(arguments.out) / "arm"
    shutil.rmtree(out, ignore_errors=True)
    facts = loop.train(opened, chosen, settings, out, seed=seed, title=f"seed {seed}")
    scorer, dev = arms.Scorer(opened.model, opened.tokenizer, separator), arms.read_rows(Path(arguments.held_out), 120)
    found = {language: scorer.alone(arms.texts(dev, language)) for language in (arguments.target, arguments.replay)}
    losses = [round(row["loss"], 4) for row in monitor.read_metrics(out)]
    return {"bits_per_byte": found, "losses": losses, "tokens": facts["loss_tokens"], "steps": facts["steps"]}


def draw(rows: list[dict[str, Any]], arguments: argparse.Namespace, path: Path) -> None:
    """Left the training loss by arm, smoothed, mean of the seeds; right every seed's held-out bits per byte."""
    import matplotlib

    matplotlib.use("Agg")
    import numpy as np
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4))
    for arm, colour in zip(ARMS[arguments.ablation], arms.COLOURS, strict=False):
        mean = np.mean([row["losses"] for row in rows if row["arm"] == arm], axis=0)
        smooth = np.convolve(mean, np.ones(7) / 7, mode="valid")
        left.plot(np.arange(len(smooth)) + 4, smooth, color=colour, label=arm)
    left.set(
        xlabel="optimizer step",
        ylabel="training loss (nats per token)",
        title="mean of the seeds, smoothed over 7 steps",
    )
    left.legend(frameon=False)
    arms.dots(right, arms.by_arm(rows), arguments.target)
    right.set(ylabel=f"held-out bits per byte, {arguments.target}", title="each seed, and their mean")
    arms.save(figure, path)


def main() -> None:
    """Run what is missing, then summarise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ablation", choices=sorted(ARMS))
    parser.add_argument("--model", required=True, help="a transformers folder")
    parser.add_argument("--train", required=True)
    parser.add_argument("--held-out", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--target", default="sc")
    parser.add_argument("--replay", default="it")
    parser.add_argument("--tokens", type=int, default=40_000)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    switches = ARMS[arguments.ablation]
    settings = {arm: fingerprint([switches[arm], arguments.tokens, arguments.target]) for arm in switches}
    rows = arms.finish_missing(
        Path(arguments.out) / f"{arguments.ablation}.jsonl",
        settings,
        range(1, arguments.seeds + 1),
        lambda arm, seed: run_arm(arguments, switches[arm], seed),
    )
    scored = arms.by_arm(rows)
    found = {
        "ablation": arguments.ablation,
        "arms": {arm: {"switches": switches[arm], **scored[arm]} for arm in switches},
    }
    root = Path(__file__).parent
    (root / "results").mkdir(exist_ok=True)
    (root / "results" / f"{arguments.ablation}.json").write_text(json.dumps(found, indent=2) + "\n")
    draw(rows, arguments, root.parent / "docs" / "figures" / f"{arguments.ablation}.png")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
