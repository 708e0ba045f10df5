"""Is a packed step the unpacked step? On a real model: gradients, losses of twenty steps, backends, the leak check.

    python benchmarks/exactness.py --model FOLDER --train rows.jsonl [--language sc]

Everything in fp32. `rows.jsonl` has one column of text per language code; three rows make a document. Results go to
benchmarks/results/exactness-<device>.json.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

DOCUMENTS_PER_STEP = 16


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--train", required=True)
    parser.add_argument("--language", default="sc")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--documents-per-step", type=int, default=DOCUMENTS_PER_STEP)
    arguments = parser.parse_args()

    import torch

    from llimba.recipe import CptSection, Tokens
    from llimba.reports.training_facts import TrainedFolder
    from llimba.training import attention, loop, packing
    from llimba.training.examples import split
    from llimba.training.forward_check import settle
    from llimba.training.model import open_for_training
    from llimba.training.objectives import LanguageModelling

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    rows = [json.loads(line)[arguments.language] for line in Path(arguments.train).read_text().splitlines()]

    def settings(mode: str) -> CptSection:
        return CptSection(
            sequence_length=512, row_length=1024, documents_per_step=arguments.documents_per_step, learning_rate=5e-5,
            warmup_steps=5, max_steps=arguments.steps, precision="fp32", packing=mode, save_minutes=600,
        )  # fmt: skip

    def fresh(mode: str) -> Any:
        return open_for_training(Path(arguments.model), settings(mode), Tokens())

    opened = fresh("off")
    separator = opened.contract.separator_id
    examples = []
    for start in range(0, 3 * arguments.documents_per_step * arguments.steps, 3):
        text = "\n".join(rows[start : start + 3])
        ids = opened.tokenizer(text, add_special_tokens=False)["input_ids"]
        examples += list(split([*ids, separator], 512, str(start), arguments.language))
    found: dict[str, Any] = {"torch": torch.__version__, "device": device.type}

    # one step's gradients: sixteen rows of one document against packed rows, by every backend that is here
    packed = opened.packed.to(device)
    step = examples[: arguments.documents_per_step]
    tokens = sum(example.num_loss_tokens for example in step)

    def gradients(mode: str, backend: str) -> torch.Tensor:
        attention.install(opened.model, backend)
        packed.zero_grad()
        for row in packing.pack(step, 1024, mode):
            (packed(row.to(device)) / tokens).backward()
        return torch.cat([p.grad.flatten() for p in packed.parameters()])

    oracle = gradients("off", "loop")
    found["step_tokens"] = tokens
    found["gradient_norm"] = oracle.norm().item()
    backends = ["loop", "sdpa"] + (["varlen"] if device.type == "cuda" else [])
    found["relative_gradient_difference"] = {
        name: ((gradients("step-exact", name) - oracle).norm() / oracle.norm()).item() for name in backends
    }
    packed.zero_grad()

    clock = time.monotonic()
    found["forward_check"] = settle(packed, "loop", 512, device).differences.model_dump()
    found["forward_check_seconds"] = round(time.monotonic() - clock, 2)
    right = attention.BACKENDS["loop"]

    def leaking(module: Any, query: Any, key: Any, value: Any, mask: Any, **kwargs: Any) -> Any:
        bounds = kwargs["cu_seq_lens_q"]
        return right(module, query, key, value, mask, **{**kwargs, "cu_seq_lens_q": bounds[[0, -1]]})

    attention.BACKENDS["loop"] = leaking
    found["planted_leak"] = settle(packed, "loop", 512, device).reason
    attention.BACKENDS["loop"] = right

    losses = {}
    for mode in ("off", "step-exact"):
        out = Path(tempfile.mkdtemp())
        loop.train(fresh(mode), LanguageModelling(examples, settings(mode)), settings(mode), out, seed=1, title=mode)
        losses[mode] = [row["loss"] for row in TrainedFolder(out).metrics()]
    found["losses"] = losses
    found["largest_loss_difference"] = max(abs(a - b) for a, b in zip(*losses.values(), strict=True))
    print(json.dumps(found, indent=2))
    target = Path(__file__).parent / "results" / f"exactness-{device.type}.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
