"""Tokens a second of a finished model, each way that it can be asked on a CPU: transformers, and llama.cpp by type.

    python benchmarks/answering.py MODEL_FOLDER GGUF_FOLDER [--out benchmarks/results/answering.json]

The same 20 questions, greedy, at most 16 new tokens each, one thread, every way in a process of its own, one after the
other. `same` counts answers whose text is that of transformers in fp32. llama.cpp comes with the wheel `xllamacpp`,
which is installed for this only.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from llimba.models.encoding import chat_prompt
from llimba.models.generate import generate
from llimba.models.loading import load_model

QUESTIONS = [f"{number} + {number} = ?" for number in range(20)]
NEW_TOKENS = 16
TRANSFORMERS = {"transformers fp32": "float32", "transformers bf16": "bfloat16"}
Ask = Callable[[str], tuple[str, int]]


def with_transformers(folder: Path, dtype: str) -> Ask:
    """Answers of the folder, and how many tokens each has."""
    import torch

    torch.set_num_threads(1)
    loaded = load_model(folder, dtype=getattr(torch, dtype))

    def ask(question: str) -> tuple[str, int]:
        prompt = chat_prompt(question, loaded.tokenizer)
        (answer,) = generate(loaded.model, loaded.tokenizer, [prompt], NEW_TOKENS)
        return answer.text, len(answer.token_ids)

    return ask


def with_llama_cpp(file: Path) -> Ask:
    """Answers of a GGUF file, through llama.cpp's own server code."""
    import xllamacpp

    settings = xllamacpp.CommonParams()
    settings.model.path, settings.n_ctx, settings.n_parallel, settings.n_gpu_layers = str(file), 512, 1, 0
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(settings)

    def ask(question: str) -> tuple[str, int]:
        message = [{"role": "user", "content": question}]
        answer = server.handle_chat_completions(
            {"messages": message, "max_tokens": NEW_TOKENS, "temperature": 0, "cache_prompt": False}
        )
        answer = json.loads(answer) if isinstance(answer, str) else answer
        return answer["choices"][0]["message"]["content"], answer["usage"]["completion_tokens"]

    return ask


def measured(way: str, folder: Path, ggufs: Path) -> dict[str, object]:
    """One way, in this process."""
    kind = TRANSFORMERS.get(way)
    ask = with_transformers(folder, kind) if kind else with_llama_cpp(next(ggufs.glob(f"*-{way.split()[-1]}.gguf")))
    ask("1 + 2 = ?")  # warm
    started = time.perf_counter()
    answers = [ask(question) for question in QUESTIONS]
    seconds = time.perf_counter() - started
    tokens = sum(count for _, count in answers)
    return {
        "way": way,
        "new_tokens": tokens,
        "seconds": round(seconds, 2),
        "tokens_per_second": round(tokens / seconds, 1),
        "answers": [text.strip() for text, _ in answers],
    }


def main() -> None:
    """Each way in a process of its own; prints a row a way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("ggufs", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--way", help="one way only, in this process (what the benchmark calls)")
    given = parser.parse_args()
    if given.way:
        print(json.dumps(measured(given.way, given.folder, given.ggufs)), flush=True)
        os._exit(0)  # llama.cpp's threads do not end by themselves
    kinds = [kind for kind in ("f16", "q8_0", "q4_0") if any(given.ggufs.glob(f"*-{kind}.gguf"))]
    rows = []
    for way in [*TRANSFORMERS, *(f"llama.cpp {kind}" for kind in kinds)]:
        done = subprocess.run(
            [sys.executable, __file__, str(given.folder), str(given.ggufs), "--way", way],
            env=os.environ | {"OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            check=True,
        )  # fmt: skip
        row = json.loads(done.stdout.strip().splitlines()[-1])
        row["same"] = sum(
            one == other for one, other in zip(row["answers"], (rows or [row])[0]["answers"], strict=True)
        )
        rows.append(row)
        print(f"{way:18} {row['tokens_per_second']:6} tokens/s, {row['same']} of {len(QUESTIONS)} the same", flush=True)
    if given.out:
        about = {"machine": f"{platform.machine()}, {os.cpu_count()} cores", "load": os.getloadavg()[0]}
        given.out.write_text(json.dumps({**about, "questions": len(QUESTIONS), "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
