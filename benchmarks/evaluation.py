"""Can the intervals be believed, and how fast are answers made? For docs/evaluation.md.

    python benchmarks/evaluation.py coverage --rows dev.jsonl
    python benchmarks/evaluation.py speed --rows dev.jsonl --model FOLDER [--sentences 32]

`rows.jsonl` holds one column of text per language code, Sardinian under sc.

`coverage` takes the rows for the whole population: Italian given back unchanged, or a reference with words lost, is the
system, and its score over all rows the truth. Samples are drawn from it, and counted is how often the interval that
llimba prints holds the truth. The same for shares (Wilson), and for two systems that are equally good, how often the
paired bootstrap calls one better (p < 0.05).

`speed` makes the same greedy answers twice in one run: lm-evaluation-harness's own `hf` model at its default batch size
of 1, and llimba's way. Both write benchmarks/results/evaluation-*.json.
"""

import argparse
import json
import random
import tempfile
import time
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
SIZES = (16, 100)  # sentences of a sample
TRIALS = 200


def damaged(text: str, chance: random.Random, lost: float = 0.4) -> str:
    """A system's answer: the reference without some of its words."""
    return " ".join(word for word in text.split() if chance.random() > lost)


def coverage(rows: list[dict[str, str]], seed: int) -> dict[str, Any]:
    """How often intervals hold the truth, by system, metric and sample size."""
    from llimba.reports.scores import Metric
    from llimba.stages.evaluate.metrics import score_translations

    chance = random.Random(seed)
    references = [row["sc"] for row in rows]
    systems = {
        "copy of the Italian": [row["it"] for row in rows],
        "words lost": [damaged(r, chance) for r in references],
    }
    found: dict[str, Any] = {}
    for name, answers in systems.items():
        truth = score_translations(answers, references)
        for size in SIZES:
            held: dict[Metric, int] = {"bleu": 0, "chrf": 0}
            for _ in range(TRIALS):
                drawn = [chance.randrange(len(rows)) for _ in range(size)]
                scores = score_translations([answers[i] for i in drawn], [references[i] for i in drawn])
                for metric in held:
                    found_score, true_score = scores.score(metric), truth.score(metric)
                    held[metric] += abs(found_score.value - true_score.value) <= found_score.margin
            for metric, count in held.items():
                found[f"{metric}, {name}, n {size}"] = count / TRIALS
                print(f"{metric}, {name}, n {size}: {count / TRIALS:.1%} of {TRIALS}", flush=True)
    return found


def shares(seed: int) -> dict[str, float]:
    """How often the Wilson interval of a share holds the true one."""
    from llimba.stages.evaluate.behaviour import share

    chance = random.Random(seed)
    found = {}
    for true in (0.05, 0.1, 0.3, 0.5):
        for size in (30, 100, 300):
            held = 0
            for _ in range(2000):
                of = share([chance.random() < true for _ in range(size)])
                held += of.low <= true <= of.high
            found[f"share {true}, n {size}"] = held / 2000
            print(f"share {true}, n {size}: {held / 2000:.1%} of 2000", flush=True)
    return found


def false_alarms(rows: list[dict[str, str]], seed: int, size: int = 100, trials: int = 150) -> float:
    """How often the paired bootstrap calls one of two equally good systems better."""
    from llimba.files import write_jsonl
    from llimba.reports.paired import paired

    chance = random.Random(seed)
    alarms = 0
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(trials):
            drawn = chance.sample(rows, size)
            paths = [Path(folder) / name for name in ("one.jsonl", "other.jsonl")]
            for path in paths:
                write_jsonl(
                    path,
                    (
                        {"id": str(n), "source": "", "reference": row["sc"], "hypothesis": damaged(row["sc"], chance)}
                        for n, row in enumerate(drawn)
                    ),
                )
            alarms += paired(*paths).chrf.p < 0.05
    print(f"paired bootstrap, two equal systems, n {size}: p < 0.05 in {alarms} of {trials}", flush=True)
    return alarms / trials


def speed(rows: list[dict[str, str]], model: Path, sentences: int, seed: int) -> dict[str, Any]:
    """Answers a second of the harness's stock model and of ours, on the same prompts, and how many answers agree."""
    from lm_eval.models.huggingface import HFLM

    from llimba.languages.profile import load_language
    from llimba.recipe import EvaluateSection, Tokens
    from llimba.stages.evaluate import harness
    from llimba.stages.evaluate.tasks import write_tasks

    settings = EvaluateSection(directions=["it-sc"], max_new_tokens=64, precision="fp32")
    chosen = random.Random(seed).sample(rows, sentences)
    asked = [{"id": n, "source": "s", "it": row["it"], "sc": row["sc"]} for n, row in enumerate(chosen)]
    ours = harness.load(model, Tokens(), settings)
    size, reason = harness.choose_batch_size(None, ours.model.config, 512, harness.card_memory())
    stock = HFLM(pretrained=str(model), dtype="float32", batch_size=1, device=str(ours.device))
    found: dict[str, Any] = {
        "sentences": sentences,
        "device": harness.device(),
        "batch_size": [1, size],
        "reason": reason,
    }
    answers = {}
    with tempfile.TemporaryDirectory() as folder:
        tasks = Path(folder) / "tasks"
        write_tasks(tasks, {"it-sc": asked}, {}, load_language("srd"), settings, {})
        for name, lm, batch in (("lm-eval hf", stock, 1), ("llimba", ours, size)):
            clock = time.monotonic()
            samples = harness.run_tasks(lm, tasks, ["llimba_it_sc"], chat=True, batch_size=batch, title=name)
            seconds = time.monotonic() - clock
            answers[name] = {s["doc"]["id"]: s["filtered_resps"][0].strip() for s in samples["llimba_it_sc"]}
            found[name] = {"seconds": round(seconds, 1), "answers_per_second": round(sentences / seconds, 3)}
            print(f"{name}: {sentences} answers in {seconds:.1f} s", flush=True)
    one, other = answers.values()
    found["ratio"] = round(found["llimba"]["answers_per_second"] / found["lm-eval hf"]["answers_per_second"], 2)
    found["same answers"] = sum(one[key] == other[key] for key in one)
    return found


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["coverage", "speed"])
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--sentences", type=int, default=32)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rows = [json.loads(line) for line in given.rows.read_text(encoding="utf-8").splitlines()]
    found: dict[str, Any] = {"rows": len(rows), "seed": given.seed}
    if given.what == "speed":
        if given.model is None:
            parser.error("speed needs --model FOLDER")
        found |= speed(rows, given.model, given.sentences, given.seed)
    else:
        found |= {"trials": TRIALS, "intervals": coverage(rows, given.seed) | shares(given.seed)}
        found["false_alarms"] = false_alarms(rows, given.seed)
    path = RESULTS / f"evaluation-{given.what}.json"
    path.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
