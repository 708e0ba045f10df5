"""What a checkpoint costs: seconds a save, bytes, and the share of a run at the default interval.

    python benchmarks/checkpoint.py --model FOLDER [--saves 3]

The model's fp32 weights and AdamW's two moments are saved as in a run (temporary folder, fsync, digests, rename), and
the newest is read back and verified. Results go to benchmarks/results/checkpoint-<device>.json.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path


def main() -> None:
    """Save, read back, say what it costs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="a transformers folder")
    parser.add_argument("--saves", type=int, default=3)
    arguments = parser.parse_args()

    import torch
    from transformers import AutoModelForCausalLM

    from llimba.recipe import CptSection
    from llimba.training.checkpoint import Checkpoints

    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = AutoModelForCausalLM.from_pretrained(arguments.model, dtype=torch.float32).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    interval = 60 * CptSection().save_minutes
    with tempfile.TemporaryDirectory(dir=".") as name:
        checkpoints, saves = Checkpoints(Path(name), model, optimizer, "benchmark"), []
        for step in range(arguments.saves):
            clock = time.monotonic()
            checkpoints.save(step, {}, write=True)
            saves.append(round(time.monotonic() - clock, 2))
        size = sum(path.stat().st_size for path in max(Path(name).glob("step-*")).iterdir())
        clock = time.monotonic()
        checkpoints.resume()
        resume = time.monotonic() - clock
    found = {
        "parameters": sum(p.numel() for p in model.parameters()),
        "gib": round(size / 2**30, 2),
        "save_seconds": saves,
        "resume_seconds": round(resume, 2),
        "interval_seconds": interval,
        "share_of_a_run": round(statistics.mean(saves) / (interval + statistics.mean(saves)), 4),
    }
    target = Path(__file__).parent / "results" / f"checkpoint-{device}.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
