"""What `torchrun` starts in `test_several_processes.py`: llimba's command line, with FSDP2 on a CPU where asked for.

accelerate shards on accelerators only, so the program turns the CPU run into an FSDP2 run by hand; all that llimba does
with sharded weights (steps, gradient norm, checkpoints, export) is then the same as on GPUs.
"""

import os
import signal
import sys
from typing import Any

from llimba.cli import main
from llimba.training import monitor, packing

open_accelerator, share = monitor.open_accelerator, packing.share


def sharded(*arguments: Any) -> Any:
    from accelerate import DistributedType, FullyShardedDataParallelPlugin

    accelerator = open_accelerator(*arguments)
    accelerator.state.distributed_type = DistributedType.FSDP
    accelerator.state.fsdp_plugin = FullyShardedDataParallelPlugin(
        fsdp_version=2,
        auto_wrap_policy="transformer_based_wrap",
        transformer_cls_names_to_wrap=["LlamaDecoderLayer"],
        cpu_ram_efficient_loading=False,
    )
    return accelerator


def stop_in_step(last: int) -> None:
    """SIGTERM to the first process when its step `last` begins."""
    steps = 0

    def counted(*arguments: Any) -> Any:
        nonlocal steps
        steps += 1
        if steps == last and os.environ.get("RANK", "0") == "0":
            os.kill(os.getpid(), signal.SIGTERM)
        return share(*arguments)

    packing.share = counted


if __name__ == "__main__":
    mode, last = sys.argv.pop(1), int(sys.argv.pop(1))
    if mode == "fsdp":
        monitor.open_accelerator = sharded
    if last:
        stop_in_step(last)
    main()
