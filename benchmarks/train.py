"""Training throughput side by side, on one machine, in one process tree, on the same documents.

    python benchmarks/train.py --model FOLDER [--steps 4] [--scale 0.25]                   # on a CPU
    python benchmarks/train.py --shape qwen2.5-3b --tokenizer FOLDER --cap-gib 24          # random weights, on a GPU

(A) the published recipe on transformers.Trainer: batch 1 x 16, unpacked. (B) TRL's SFTTrainer with `bfd_split`
packing, as it runs on this machine. (C) llimba. Document lengths follow the published corpus (17,618 documents of mean
653 tokens, 652 of mean 3,700, cut at 4,096), times `--scale`; token ids are random. Each engine runs in a process of
its own, the engines in turn; the first step of each is a warm-up and is not timed. Needs `pip install trl` for (B).
Results go to benchmarks/results/<shape>-<device>.json, and all results into benchmarks/README.md.
"""

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

SHAPES = {"qwen2.5-3b": {"hidden_size": 2048, "intermediate_size": 11008, "num_hidden_layers": 36,
                         "num_attention_heads": 16, "num_key_value_heads": 2, "vocab_size": 151936,
                         "tie_word_embeddings": True, "max_position_embeddings": 32768}}  # fmt: skip
ENGINES = {"A": "transformers.Trainer, 1 x 16, unpacked", "B": "TRL SFTTrainer, bfd_split", "C": "llimba"}
DOCUMENTS_PER_STEP = 16
LEARNING_RATE = 5e-5


def document_lengths(count: int, scale: float, seed: int) -> list[int]:
    """Token counts of `count` documents drawn like the published corpus, log-normal with sigma 0.8, cut at 4,096."""
    random = np.random.default_rng(seed)
    long = random.random(count) < 652 / (17618 + 652)
    means = np.where(long, 3700, 653)
    lengths = np.minimum(random.lognormal(np.log(means) - 0.32, 0.8), 4096) * scale
    return [max(8, int(length)) for length in lengths]


def documents(settings: dict[str, Any], vocabulary: int) -> list[list[int]]:
    """Random token ids, low ids more often, as in text."""
    random = np.random.default_rng(settings["seed"])
    lengths = document_lengths(settings["steps"] * DOCUMENTS_PER_STEP, settings["scale"], settings["seed"])
    return [(random.zipf(1.3, length + 1) % (vocabulary - 10) + 5).tolist() for length in lengths]


def load_model(settings: dict[str, Any]) -> Any:
    """The folder's model, or the shape with random weights."""
    import torch
    from transformers import AutoModelForCausalLM, Qwen2Config, Qwen2ForCausalLM

    cuda = torch.cuda.is_available()
    dtype = torch.bfloat16 if cuda else torch.float32
    if settings["model"]:
        return AutoModelForCausalLM.from_pretrained(settings["model"], dtype=dtype, attn_implementation="sdpa")
    torch.manual_seed(settings["seed"])
    with torch.device("cuda" if cuda else "cpu"):
        return Qwen2ForCausalLM(Qwen2Config(**SHAPES[settings["shape"]], dtype=dtype)).to(dtype)


def run_trainer(settings: dict[str, Any], model: Any, texts: list[list[int]]) -> list[dict[str, float]]:
    """(A): one document a micro-batch, labels as transformers shifts them."""
    import torch
    from transformers import Trainer, TrainerCallback, TrainingArguments

    class Clock(TrainerCallback):  # type: ignore[misc]
        def __init__(self) -> None:
            self.rows: list[dict[str, float]] = []
            self.seen = 0

        def on_step_begin(self, *_: Any, **__: Any) -> None:
            self.started = time.monotonic()

        def on_step_end(self, _arguments: Any, state: Any, *_: Any, **__: Any) -> None:
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            tokens, self.seen = state.num_input_tokens_seen - self.seen, state.num_input_tokens_seen
            self.rows.append({"seconds": time.monotonic() - self.started, "tokens": tokens})

        def on_log(self, _args: Any, _state: Any, _control: Any, logs: dict[str, float], **__: Any) -> None:
            if "loss" in logs:
                self.rows[-1]["loss"] = logs["loss"]

    class InOrder(Trainer):  # type: ignore[misc]
        def _get_train_sampler(self, *_: Any) -> Any:
            return torch.utils.data.SequentialSampler(self.train_dataset)

    cuda = torch.cuda.is_available()
    arguments: dict[str, Any] = {
        "output_dir": tempfile.mkdtemp(),
        "max_steps": settings["steps"],
        "learning_rate": LEARNING_RATE,
        "logging_steps": 1,
        "lr_scheduler_type": "constant",
        "per_device_train_batch_size": 1,
        "bf16": True,
        "use_cpu": not cuda,
        "report_to": [],
        "save_strategy": "no",
        "disable_tqdm": True,
        "weight_decay": 0.0,
        "gradient_checkpointing": cuda,
        "optim": "paged_adamw_8bit" if cuda else "adamw_torch_fused",
        "dataloader_pin_memory": cuda,
        "include_num_input_tokens_seen": "non_padding",
    }
    clock = Clock()
    if settings["engine"] == "A":
        rows = [{"input_ids": ids, "labels": [-100, *ids[1:]]} for ids in texts]  # the first token is never predicted
        trainer: Any = InOrder(
            model,
            TrainingArguments(**arguments, gradient_accumulation_steps=DOCUMENTS_PER_STEP),
            train_dataset=rows,
            data_collator=lambda batch: {key: torch.tensor([row[key] for row in batch]) for key in batch[0]},
            callbacks=[clock],
        )
    else:
        from datasets import Dataset
        from transformers import AutoTokenizer
        from trl import SFTConfig, SFTTrainer

        length = int(4096 * settings["scale"])
        tokens_per_step = sum(len(ids) for ids in texts) / settings["steps"]
        trainer = SFTTrainer(
            model,
            SFTConfig(
                **arguments, max_length=length, packing=True, packing_strategy="bfd_split",
                gradient_accumulation_steps=max(1, round(tokens_per_step / length)),
            ),
            train_dataset=Dataset.from_dict({"input_ids": texts}),
            processing_class=AutoTokenizer.from_pretrained(settings["tokenizer"]),
            callbacks=[clock],
        )  # fmt: skip
    trainer.train()
    return clock.rows


def run_llimba(settings: dict[str, Any], model: Any, texts: list[list[int]]) -> list[dict[str, float]]:
    """(C): the same documents a step, in the same order."""
    import torch

    from llimba.models.base_model import TokenContract
    from llimba.recipe import CptSection
    from llimba.reports.training_facts import TrainedFolder
    from llimba.training import cost, loop, packing
    from llimba.training.examples import split
    from llimba.training.model import PackedModel, TrainableModel
    from llimba.training.objectives import LanguageModelling
    from llimba.training.settings import resolve

    cuda = torch.cuda.is_available()
    length = int(4096 * settings["scale"])
    training = CptSection(
        sequence_length=length, documents_per_step=DOCUMENTS_PER_STEP, learning_rate=LEARNING_RATE,
        lr_scheduler_type="constant", max_steps=settings["steps"], gradient_checkpointing=cuda, save_minutes=600,
        precision="bf16" if cuda else "mixed", packing=settings["packing"], attention=settings["attention"],
    )  # fmt: skip
    if cuda:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    packing.order = lambda count, _seed, _epoch: list(range(count))  # the order of (A)
    examples = [example for i, ids in enumerate(texts) for example in split(ids, length, str(i), "")]
    contract = TokenContract("", 0, "", 0, "", 0, [], "")
    memory = torch.cuda.get_device_properties(0).total_memory if cuda else None
    opened = TrainableModel(PackedModel(model.train()), None, contract, resolve(training, cost.Shape.of(model), memory))
    out = Path(tempfile.mkdtemp())
    loop.train(opened, LanguageModelling(examples, training), training, out, seed=settings["seed"], title="C")
    return [{"seconds": row["seconds"], "loss": row["loss"]} for row in TrainedFolder(out).metrics()]


def worker(settings: dict[str, Any]) -> dict[str, Any]:
    """Run one engine in this process; returns seconds and loss per step, and the peak memory."""
    import torch

    if torch.cuda.is_available() and settings["cap_gib"]:
        total = torch.cuda.get_device_properties(0).total_memory / 2**30
        torch.cuda.set_per_process_memory_fraction(min(1.0, settings["cap_gib"] / total))
    model = load_model(settings)
    texts = documents(settings, model.config.vocab_size)
    rows = run_llimba(settings, model, texts) if settings["engine"] == "C" else run_trainer(settings, model, texts)
    if settings["engine"] == "C":
        for index, row in enumerate(rows):
            step = texts[index * DOCUMENTS_PER_STEP : (index + 1) * DOCUMENTS_PER_STEP]
            row["tokens"] = sum(len(ids) - 1 for ids in step)
    cuda = torch.cuda.is_available()
    peak = torch.cuda.max_memory_allocated() if cuda else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"engine": settings["engine"], "rows": rows, "peak_gib": round(peak / 2**30, 2)}


def flops_per_token(settings: dict[str, Any]) -> float:
    """What the mathematics of a token needs, for MFU: recomputation not counted."""
    from llimba.training import cost

    if settings["model"]:
        config = json.loads((Path(settings["model"]) / "config.json").read_text())
    else:
        config = {"model_type": "qwen2", **SHAPES[settings["shape"]]}
    count = settings["steps"] * DOCUMENTS_PER_STEP
    lengths = document_lengths(count, settings["scale"], settings["seed"])
    return cost.model_flops(cost.shape_from_config(config)[0], cost.mean_document_length(lengths))


def summary(results: list[dict[str, Any]], settings: dict[str, Any]) -> dict[str, Any]:
    """Tokens per second of the timed steps, ratios to (A), and how far the losses of (C) are from those of (A)."""
    import torch

    from llimba.training.cards import find_card

    card, flops = find_card(None), flops_per_token(settings)
    engines: dict[str, Any] = {}
    for result in results:
        timed = result["rows"][1:]
        speed = sum(row["tokens"] for row in timed) / sum(row["seconds"] for row in timed)
        engines[result["engine"]] = {
            "what": ENGINES[result["engine"]],
            "tokens_per_second": round(speed, 1),
            "mfu": round(speed * flops / card.peak, 3),
            "seconds_per_step": [round(row["seconds"], 2) for row in result["rows"]],
            "losses": [row.get("loss") for row in result["rows"]],
            "peak_gib": result["peak_gib"],
        }
    for engine in engines.values():
        engine["ratio_to_A"] = round(engine["tokens_per_second"] / engines["A"]["tokens_per_second"], 2)
    pairs = zip(engines["A"]["losses"], engines["C"]["losses"], strict=True)
    cuda = torch.cuda.is_available()
    device = torch.cuda.get_device_name() if cuda else f"{platform.machine()} CPU, {torch.get_num_threads()} threads"
    return {
        "machine": device,
        "torch": torch.__version__,
        "peak_tflops": round(card.peak / 1e12, 2),
        "settings": {key: value for key, value in settings.items() if key not in ("model", "tokenizer", "worker")},
        "engines": engines,
        "largest_loss_difference_A_C": round(max(abs(a - c) for a, c in pairs), 5),
    }


def write_page(folder: Path) -> None:
    """benchmarks/README.md: every result in one table."""
    lines = [
        "# Side by side",
        "",
        "Same documents, same machine, one engine after another (`benchmarks/train.py`). Tokens are real ones: padding",
        "is not counted. MFU is of the card's peak, or of a large matrix product on a CPU; memory is the peak of the",
        "GPU's allocator, or of the process on a CPU; the last column is the largest difference from (A)'s losses.",
        "",
        "| run | engine | tokens/s | against A | MFU | peak GiB | loss difference |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for path in sorted((folder / "results").glob("*.json")):
        found = json.loads(path.read_text())
        if "engines" not in found:
            continue
        s = found["settings"]
        run = f"{s['shape']}, {found['machine']}, torch {found['torch']}, documents x {s['scale']}, {s['steps']} steps"
        for name, engine in found["engines"].items():
            difference = found["largest_loss_difference_A_C"] if name == "C" else ""
            lines.append(
                f"| {run} | {name}: {engine['what']} | {engine['tokens_per_second']:,} | {engine['ratio_to_A']} "
                f"| {engine['mfu']:.1%} | {engine['peak_gib']} | {difference} |"
            )
    (folder / "README.md").write_text("\n".join(lines) + "\n")


def main() -> None:
    """Parse, run the engines one after another, print and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="a transformers folder")
    parser.add_argument("--shape", default="smollm2-135m", help="a name for the result; qwen2.5-3b needs no --model")
    parser.add_argument("--tokenizer", help="a tokenizer folder for (B); default: --model")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--scale", type=float, default=1.0, help="of document lengths and the sequence length 4,096")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cap-gib", type=float, default=0, help="let the GPU have no more than this")
    parser.add_argument("--engines", default="A,B,C")
    parser.add_argument("--packing", default="step-exact")
    parser.add_argument("--attention", default="auto")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    settings = vars(arguments)
    if arguments.worker:
        settings.update(json.loads(arguments.worker))
        print("RESULT " + json.dumps(worker(settings)))
        return
    settings["tokenizer"] = arguments.tokenizer or arguments.model
    results = []
    for engine in arguments.engines.split(","):
        print(f"{engine}: {ENGINES[engine]} ...", flush=True)
        command = [sys.executable, __file__, "--worker", json.dumps({**settings, "engine": engine})]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
        if not lines:
            sys.exit(f"{engine} failed:\n{done.stderr[-3000:]}")
        results.append(json.loads(lines[-1].removeprefix("RESULT ")))
    found = summary(results, settings)
    print(json.dumps(found, indent=2))
    device = "cpu" if "CPU" in found["machine"] else found["machine"].replace(" ", "-").lower()
    target = Path(__file__).parent / "results" / f"{arguments.shape}-{device}.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(found, indent=2) + "\n")
    write_page(Path(__file__).parent)


if __name__ == "__main__":
    main()
