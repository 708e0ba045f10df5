"""Four bits a weight: a GGUF file made smaller once more, with the quantiser of llama.cpp's own `gguf` package.

llama.cpp's `llama-quantize` knows more types (the K ones), but we found no package by its makers that ships it.
The matrices become q4_0; the embedding, which is the output layer too in small models, keeps eight bits, as there the
error counts most (llama-quantize keeps it at six).
"""

from pathlib import Path
from typing import Any

from llimba.errors import StageError
from llimba.use.export.gguf import verify

KEPT_FINER = ("token_embd.weight", "output.weight")
BLOCK = 32  # weights that share a scale
WRITTEN_ANEW = ("general.architecture", "general.file_type", "general.quantization_version")  # with the writer's own


def quantize(folder: Path, file: Path, small: Path) -> Path:
    """Write `small`, q4_0, from the unquantised GGUF `file` of the model `folder`; it appears when checked."""
    import gguf

    reader = gguf.GGUFReader(file)
    partial = small.with_name(f".{small.stem}.partial.gguf")
    try:
        writer = gguf.GGUFWriter(partial, reader.fields["general.architecture"].contents())
        for name, field in reader.fields.items():
            if not name.startswith("GGUF.") and name not in WRITTEN_ANEW:
                kind = field.types[0]
                part = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
                writer.add_key_value(name, field.contents(), kind, sub_type=part)
        writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
        writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_0)
        for tensor in reader.tensors:
            kind = _kind(tensor)
            writer.add_tensor(tensor.name, gguf.quants.quantize(_values(tensor), kind), raw_dtype=kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        verify(folder, partial)
        partial.replace(small)
    finally:
        partial.unlink(missing_ok=True)
    return small


def _kind(tensor: Any) -> Any:
    """What a tensor is written as: vectors and rows that are no whole number of blocks keep f32."""
    import gguf

    kinds = gguf.GGMLQuantizationType
    if len(tensor.shape) < 2 or tensor.data.shape[-1] % BLOCK:
        return kinds.F32
    return kinds.Q8_0 if tensor.name in KEPT_FINER else kinds.Q4_0


def _values(tensor: Any) -> Any:
    """A tensor as float32, [rows, columns] or [columns]; raises `StageError` for one that is quantised already."""
    import gguf

    if tensor.tensor_type not in (gguf.GGMLQuantizationType.F16, gguf.GGMLQuantizationType.F32):
        raise StageError(f"export: {tensor.name} is {tensor.tensor_type.name} already; q4_0 is made of an f16 file.")
    return tensor.data.astype("float32")
