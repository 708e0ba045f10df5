"""What this machine computes with: one answer to whether bf16 is fast here, asked before training, scoring and use."""


def cpu_has_bf16() -> bool:
    """Whether this CPU has bf16 dot products (AVX512-BF16 or AMX); without them bf16 is slower than fp32."""
    import torch

    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    amx = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return bool((supported and supported()) or (amx and amx()))


def inference_precision() -> tuple[str, str]:
    """(bf16 or fp32, reason): what answers are computed in where nothing else is asked for."""
    import torch

    if torch.cuda.is_available():
        return "bf16", "GPU"
    return ("bf16", "this CPU multiplies in bf16") if cpu_has_bf16() else ("fp32", "this CPU has no bf16 arithmetic")
