"""The NLLB engine: transformers, or CTranslate2 where the folder was converted for it (three times faster on a CPU)."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from llimba.errors import StageError
from llimba.files import sha256
from llimba.languages.profile import Language
from llimba.models.translators.engine import Engine, Identity, Translation
from llimba.recipe import NllbTranslation

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

HUB = "facebook/nllb-200-distilled-600M"  # CC-BY-NC-4.0: what it translates may not be used commercially


def open_nllb(settings: NllbTranslation, language: Language) -> Engine:
    """The engine for a hub id or folder; a folder with CTranslate2's `model.bin` is opened by CTranslate2."""
    target = settings.target_code or flores_code(settings.target_language or language.code, language)
    if settings.folder is not None and (settings.folder / "model.bin").exists():
        return ConvertedNllb(settings, settings.folder, target)
    return Nllb(settings, target)


def flores_code(code: str, language: Language) -> str:
    """NLLB's name of a language: the profile's for its own, else ISO 639-3 and the usual script, e.g. eng_Latn."""
    if code == language.code:
        return language.flores
    import langcodes

    tag = langcodes.Language.get(code)
    return f"{tag.to_alpha3()}_{tag.maximize().script}"


def _tokenizer(settings: NllbTranslation, source: str, target: str) -> "PreTrainedTokenizerBase":
    from transformers import AutoTokenizer

    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(source, revision=settings.revision)
    except (OSError, ValueError) as error:
        raise StageError(
            f"{source} cannot be opened ({str(error).splitlines()[0]}). Check hub, folder and the network."
        ) from error
    for code in (settings.source_code, target):
        if tokenizer.convert_tokens_to_ids(code) in (None, tokenizer.unk_token_id):
            raise StageError(f"{source} has no language code {code!r}; NLLB's are like 'eng_Latn'.")
    tokenizer.src_lang = settings.source_code
    return tokenizer


class Nllb:
    """NLLB through transformers, beam search."""

    def __init__(self, settings: NllbTranslation, target: str) -> None:
        import torch
        from transformers import AutoModelForSeq2SeqLM

        source = str(settings.folder or settings.hub or HUB)
        self._settings, self.batch = settings, settings.batch_size
        self._tokenizer = _tokenizer(settings, source, target)
        self._target_id = self._tokenizer.convert_tokens_to_ids(target)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        dtype = torch.float16 if self._device.type == "cuda" else torch.float32
        model = AutoModelForSeq2SeqLM.from_pretrained(source, revision=settings.revision, dtype=dtype)
        self._model = model.to(self._device).eval()
        self.name = f"nllb-{Path(source).name}"
        self.identity: Identity = {
            "engine": "nllb",
            "model": source if settings.folder is None else sha256(settings.folder),
            "revision": getattr(self._model.config, "_commit_hash", None) or settings.revision,
            "direction": [settings.source_code, target],
            "num_beams": settings.num_beams,
            "max_new_tokens": settings.max_new_tokens,
        }

    def translate(self, sentences: Sequence[str]) -> list[Translation]:
        """One translation a sentence; one cut off at `max_new_tokens` comes back empty, and so is rejected."""
        import torch

        given = self._tokenizer(list(sentences), return_tensors="pt", padding=True).to(self._device)
        with torch.inference_mode():
            made = self._model.generate(
                **given,
                forced_bos_token_id=self._target_id,
                num_beams=self._settings.num_beams,
                max_new_tokens=self._settings.max_new_tokens,
            )
        finished = (made[:, 1:] == self._model.config.eos_token_id).any(dim=1).tolist()
        texts = self._tokenizer.batch_decode(made, skip_special_tokens=True)
        return [Translation(text.strip() if done else "") for text, done in zip(texts, finished, strict=True)]


class ConvertedNllb:
    """NLLB converted for CTranslate2, 8-bit on a CPU."""

    def __init__(self, settings: NllbTranslation, folder: Path, target: str) -> None:
        try:
            import ctranslate2
        except ImportError as error:
            raise StageError(
                f"{folder} was converted for CTranslate2, which is not installed: "
                "`pip install ctranslate2`, or name a transformers folder."
            ) from error
        self._settings, self._target, self.batch = settings, target, settings.batch_size
        self._tokenizer = _tokenizer(settings, str(folder), target)
        self._translator = ctranslate2.Translator(str(folder), device="auto", compute_type="auto")
        self.name = f"nllb-{folder.name}"
        self.identity: Identity = {
            "engine": "nllb-ctranslate2",
            "model": sha256(folder),
            "direction": [settings.source_code, target],
            "num_beams": settings.num_beams,
            "max_new_tokens": settings.max_new_tokens,
        }

    def translate(self, sentences: Sequence[str]) -> list[Translation]:
        """One translation a sentence."""
        tokens = [self._tokenizer.convert_ids_to_tokens(ids) for ids in self._tokenizer(list(sentences))["input_ids"]]
        results = self._translator.translate_batch(
            tokens,
            target_prefix=[[self._target]] * len(tokens),
            beam_size=self._settings.num_beams,
            max_decoding_length=self._settings.max_new_tokens,
        )
        made = [result.hypotheses[0][1:] for result in results]  # the first token is the target language
        decode = self._tokenizer
        return [Translation(decode.decode(decode.convert_tokens_to_ids(one)).strip()) for one in made]
