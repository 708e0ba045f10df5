"""How well the close-language identifier does on real text that it was not trained on, and on languages it never saw.

    python benchmarks/identify.py --data FOLDER [--strangers FOLDER]

FOLDER is the development data (seed/, neighbours/, limbasnatziones.txt). Strangers are `<code>.txt`, a string a line,
in languages not trained on: every one called by the target's name counts. 2,000 of the news sentences and the last
400 lines of every neighbour are set aside. Results go to benchmarks/results/identify.json.
"""

import argparse
import json
import random
import time
from pathlib import Path
from typing import Any

TARGET, SEED = "sc", 1
RELATIVES = ("fur", "scn", "vec", "lij", "lmo")
ASIDE = 400


def main() -> None:
    """Train, label, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--strangers", type=Path)
    arguments = parser.parse_args()
    from llimba.languages.identify.identifier import Identifier

    seed_rows, dev_rows = (rows(arguments.data / "seed" / f"{part}.jsonl") for part in ("train", "dev"))
    texts = {code: [row[code] for row in seed_rows] for code in (TARGET, "it", "es", "en")}
    texts |= {code: lines(arguments.data / "neighbours" / f"{code}.txt") for code in RELATIVES}
    aside = {code: texts[code][-ASIDE:] for code in RELATIVES}
    texts = {code: found[:-ASIDE] for code, found in texts.items()}
    news = lines(arguments.data / "limbasnatziones.txt")
    random.Random(SEED).shuffle(news)
    texts[TARGET] += news[2000:]

    clock = time.monotonic()
    identifier = Identifier.train(texts, TARGET, SEED)
    seconds = round(time.monotonic() - clock, 1)
    dev = {code: [row[code] for row in dev_rows] for code in (TARGET, "it", "es")}
    found: dict[str, Any] = {
        "seconds_to_train": seconds,
        "lines": {code: len(t) for code, t in texts.items()},
        "thresholds": identifier.thresholds,
        "accuracy among these": {
            "sc it es": among(identifier, dev),
            "sc fur scn vec lij lmo": among(identifier, {TARGET: dev[TARGET], **aside}),
        },
        "called its own name": {
            **{f"{code} dev": share(identifier, dev[code], code) for code in dev},
            "news sentences": share(identifier, news[:2000], TARGET),
            **{code: share(identifier, aside[code], code) for code in RELATIVES},
        },
        "called sc": {code: share(identifier, t, TARGET) for code, t in {"it dev": dev["it"], **aside}.items()},
    }
    if arguments.strangers:
        found["strangers called sc"] = {
            path.stem: share(identifier, lines(path), TARGET) for path in sorted(arguments.strangers.glob("*.txt"))
        }
    target = Path(__file__).parent / "results" / "identify.json"
    target.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))


def share(identifier: Any, texts: list[str], code: str) -> dict[str, float]:
    """Per cent of the texts that are labelled `code`, of n."""
    labels = [label.language for label in identifier.label_many(texts)]
    return {"percent": round(100 * labels.count(code) / len(labels), 2), "n": len(labels)}


def among(identifier: Any, texts: dict[str, list[str]]) -> dict[str, float]:
    """Per cent right where only these languages are possible, of n."""
    columns = [identifier.languages.index(code) for code in texts]
    right = sum(
        int((identifier.scores(found)[:, columns].argmax(1) == place).sum())
        for place, found in enumerate(texts.values())
    )
    total = sum(len(found) for found in texts.values())
    return {"percent": round(100 * right / total, 2), "n": total}


def rows(path: Path) -> list[dict[str, str]]:
    """The objects of a JSON lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def lines(path: Path) -> list[str]:
    """The lines of a file that hold something."""
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


if __name__ == "__main__":
    main()
