"""How often does a chat stop by itself: `pipeline` as a user calls it, one model folder after another.

    python benchmarks/stops.py --prompts prompts.jsonl --out stops.json cpt=FOLDER sft=FOLDER

`prompts.jsonl` holds one {"prompt": text} or {"messages": [...]} a row. An answer stops by itself where a token of the
folder's own generation config ends it before `--max-new-tokens`. Shares come with their 95 % Wilson intervals.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from llimba.models.encoding import chat_prompt
from llimba.stages.evaluate.behaviour import share


def answers(folder: Path, prompts: list[list[dict[str, str]]], max_new_tokens: int) -> list[dict[str, Any]]:
    """What the model answers, as pipeline gives it (token ids, so that the stop is seen), and whether it stopped."""
    from transformers import pipeline

    pipe = pipeline("text-generation", model=str(folder))
    stops = pipe.model.generation_config.eos_token_id
    stops = set(stops if isinstance(stops, list) else [stops])
    found = []
    for messages in prompts:
        (made,) = pipe(messages, max_new_tokens=max_new_tokens, return_tensors=True)
        asked = chat_prompt(messages, pipe.tokenizer)
        ids = made["generated_token_ids"][len(pipe.tokenizer(asked, add_special_tokens=False)["input_ids"]) :]
        text = pipe.tokenizer.decode(ids, skip_special_tokens=True)
        found.append({"prompt": messages[-1]["content"], "answer": text, "stopped": bool(stops & set(ids))})
    return found


def main() -> None:
    """Ask every model, print its share, write all answers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--prompts", type=Path, required=True)
    parser.add_argument("--max-new-tokens", type=int, default=128)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    rows = [json.loads(line) for line in given.prompts.read_text(encoding="utf-8").splitlines() if line.strip()]
    prompts = [row.get("messages") or [{"role": "user", "content": row["prompt"]}] for row in rows]
    results: dict[str, Any] = {"max_new_tokens": given.max_new_tokens}
    for model in given.models:
        name, _, folder = model.partition("=")
        started = time.monotonic()
        found = answers(Path(folder), prompts, given.max_new_tokens)
        stopped = sum(answer["stopped"] for answer in found)
        of = share([answer["stopped"] for answer in found])
        print(f"{name}: {stopped} of {len(found)} stop by themselves ({of.low:.0%} to {of.high:.0%})", flush=True)
        seconds = round(time.monotonic() - started, 1)
        results[name] = {"stopped": stopped, "prompts": len(found), "seconds": seconds, "answers": found}
        given.out.write_text(json.dumps(results, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
