"""Four bits a weight: smaller, near, checked like every other file, and never made of what is quantised."""

from pathlib import Path

import gguf
import numpy as np
import pytest

from llimba.errors import StageError
from llimba.use.export.gguf import convert
from llimba.use.export.quantize import quantize
from tests.fakes import save_tiny_model
from tests.use.export.test_gguf import script


def tensors(file: Path) -> dict[str, gguf.gguf_reader.ReaderTensor]:
    return {tensor.name: tensor for tensor in gguf.GGUFReader(file).tensors}


def test_four_bits_are_near_and_everything_else_is_kept(tmp_path: Path) -> None:
    model = save_tiny_model(tmp_path / "m")
    whole = convert(model, tmp_path / "m-f16.gguf", "f16", script(tmp_path))
    small = quantize(model, whole, tmp_path / "m-q4_0.gguf")
    before, after = tensors(whole), tensors(small)
    assert before.keys() == after.keys()
    kinds = {name: tensor.tensor_type.name for name, tensor in after.items()}
    assert kinds["token_embd.weight"] == "Q8_0"
    assert kinds["output_norm.weight"] == "F32"
    assert {kind for name, kind in kinds.items() if name.startswith("blk.") and "norm" not in name} == {"Q4_0"}
    for name, tensor in after.items():
        exact = before[name].data.astype(np.float32)
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        error = np.abs(values - exact).mean() / np.abs(exact).mean()
        assert error <= {"F32": 0, "Q8_0": 0.01, "Q4_0": 0.12}[tensor.tensor_type.name], name
    fields, kept = gguf.GGUFReader(small).fields, gguf.GGUFReader(whole).fields
    assert fields["general.file_type"].contents() == gguf.LlamaFileType.MOSTLY_Q4_0
    for name in ("tokenizer.ggml.tokens", "tokenizer.chat_template", "llama.rope.freq_base", "general.architecture"):
        assert fields[name].contents() == kept[name].contents()
    assert sum(t.n_bytes for t in after.values()) < 0.35 * sum(t.n_bytes for t in before.values())


def test_what_is_quantised_is_not_quantised_again(tmp_path: Path) -> None:
    model = save_tiny_model(tmp_path / "m")
    small = quantize(model, convert(model, tmp_path / "f.gguf", "f16", script(tmp_path)), tmp_path / "s.gguf")
    with pytest.raises(StageError, match="Q8_0 already|Q4_0 already"):
        quantize(model, small, tmp_path / "again.gguf")
    assert not [path.name for path in tmp_path.iterdir() if "again" in path.name]
