"""Writes docs/base-models.md: what the suite proves of every family, and well-known models with the plan's arithmetic.

`python -m tests.base_models_page` writes it; a test keeps it as it is generated.
"""

from typing import Any, NamedTuple

from llimba.pipeline.choosing import WORTH_EXTENDING
from llimba.recipe import CptSection, SftSection
from llimba.recipe.licensing.derive import known_base
from llimba.recipe.licensing.terms import terms
from llimba.reports.markdown import markdown_table
from llimba.training.cards import CARDS
from llimba.training.cost import shape_from_config
from llimba.training.estimate import estimate
from tests import ROOT
from tests.architectures import FAMILIES, REFUSED

PAGE = ROOT / "docs" / "base-models.md"
CARD = CARDS["rtx4090"]
MEMORY: dict[str, Any] = {  # of recipes/llimba-3b.yaml
    "sequence_length": 4096, "precision": "bf16", "optimizer": "adamw_8bit", "gradient_checkpointing": True,
}  # fmt: skip


class Model(NamedTuple):
    """A published model: sizes from its config.json, checked by the parameters that its authors name."""

    name: str
    family: str
    config: dict[str, Any]
    window: str = ""  # tokens that a windowed layer sees, and which layers are
    license: str = ""  # where `base_models.tsv` has none


def _sizes(
    hidden: int, intermediate: int, layers: int, heads: int, kv: int, vocabulary: int, **more: Any
) -> dict[str, Any]:
    return {
        "hidden_size": hidden, "intermediate_size": intermediate, "num_hidden_layers": layers,
        "num_attention_heads": heads, "num_key_value_heads": kv, "vocab_size": vocabulary,
        "tie_word_embeddings": True, **more,
    }  # fmt: skip


EVERY_OTHER, FIVE_OF_SIX, THREE_OF_FOUR = (
    "{}, every other layer",
    "512, five layers of six",
    "4,096, three layers of four",
)
UNTIED = {"tie_word_embeddings": False}
MODELS = (
    Model("HuggingFaceTB/SmolLM2-135M-Instruct", "SmolLM2", _sizes(576, 1536, 30, 9, 3, 49152), license="apache-2.0"),
    Model("HuggingFaceTB/SmolLM3-3B", "SmolLM3", _sizes(2048, 11008, 36, 16, 4, 128256)),
    Model("meta-llama/Llama-3.2-1B-Instruct", "Llama 3", _sizes(2048, 8192, 16, 32, 8, 128256)),
    Model("meta-llama/Llama-3.2-3B-Instruct", "Llama 3", _sizes(3072, 8192, 28, 24, 8, 128256)),
    Model("utter-project/EuroLLM-1.7B-Instruct", "EuroLLM, Salamandra",
          _sizes(2048, 5632, 24, 16, 8, 128000, **UNTIED)),
    Model("BSC-LT/salamandra-2b-instruct", "EuroLLM, Salamandra", _sizes(2048, 5440, 24, 16, 16, 256000, **UNTIED)),
    Model("Qwen/Qwen2.5-3B-Instruct", "Qwen2.5", _sizes(2048, 11008, 36, 16, 2, 151936)),
    Model("lballore/llimba-3b-instruct", "Qwen2.5", _sizes(2048, 11008, 36, 16, 2, 151936)),
    Model("Qwen/Qwen3-1.7B", "Qwen3", _sizes(2048, 6144, 28, 16, 8, 151936, head_dim=128)),
    Model("Qwen/Qwen3-4B", "Qwen3", _sizes(2560, 9728, 36, 32, 8, 151936, head_dim=128)),
    Model("google/gemma-2-2b-it", "Gemma 2",
          _sizes(2304, 9216, 26, 8, 4, 256000, head_dim=256), EVERY_OTHER.format("4,096")),
    Model("google/gemma-3-270m", "Gemma 3", _sizes(640, 2048, 18, 4, 1, 262144, head_dim=256), FIVE_OF_SIX),
    Model("google/gemma-3-1b-it", "Gemma 3", _sizes(1152, 6912, 26, 4, 1, 262144, head_dim=256), FIVE_OF_SIX),
    Model("CohereLabs/tiny-aya-global", "Cohere 2, Tiny Aya", _sizes(2048, 11008, 36, 16, 4, 262144), THREE_OF_FOUR),
    Model("mistralai/Mistral-7B-v0.1", "Mistral",
          _sizes(4096, 14336, 32, 32, 8, 32000, **UNTIED), "4,096", "apache-2.0"),
    Model("mistralai/Ministral-3-3B-Base-2512", "Ministral 3", _sizes(3072, 9216, 26, 32, 8, 131072, head_dim=128)),
    Model("microsoft/Phi-3-mini-4k-instruct", "Phi-3, Phi-4",
          _sizes(3072, 8192, 32, 32, 32, 32064, **UNTIED), "2,047", "mit"),
    Model("swiss-ai/Apertus-8B-Instruct-2509", "Apertus", _sizes(4096, 21504, 32, 32, 8, 131072, **UNTIED)),
    Model("ibm-granite/granite-3.1-2b-base", "Granite 3", _sizes(2048, 8192, 40, 32, 8, 49155), license="apache-2.0"),
    Model("allenai/OLMo-2-0425-1B", "OLMo 2", _sizes(2048, 8192, 16, 16, 16, 100352, **UNTIED), license="apache-2.0"),
    Model("allenai/Olmo-3-1025-7B", "OLMo 3",
          _sizes(4096, 11008, 32, 32, 32, 100278, **UNTIED), THREE_OF_FOUR, "apache-2.0"),
    Model("openai/gpt-oss-20b", "gpt-oss",
          _sizes(2880, 2880, 24, 64, 8, 201088, head_dim=64, num_local_experts=32, **UNTIED),
          EVERY_OTHER.format("128"), "apache-2.0"),
    Model("LiquidAI/LFM2-1.2B", "LFM2",
          _sizes(2048, 12288, 16, 32, 8, 65536, full_attn_idxs=[2, 5, 8, 10, 12, 14]), license="lfm1.0"),
)  # fmt: skip

COMPUTED = {"row": "a call a row", "document": "a call a document"}


def page() -> str:
    """The whole page."""
    return TEXT.format(
        families=_families(), refused=_refused(), models=_models(), count=len(FAMILIES), worth=f"{WORTH_EXTENDING:g}"
    )


def _families() -> str:
    rows = [[family.name, f"`{family.kind}`", COMPUTED[family.computed]] for family in FAMILIES]
    return markdown_table(["family", "`model_type`", "trained"], rows)


def _refused() -> str:
    return markdown_table(["kind", "why"], [[one.name, one.why] for one in REFUSED])


def _models() -> str:
    kinds = {family.name: family for family in FAMILIES}
    rows = []
    for model in MODELS:
        family = kinds[model.family]
        shape, outline = shape_from_config({"model_type": family.kind, **model.config})
        full, lora = CptSection(**MEMORY), SftSection(**MEMORY, method="lora", lora_r=64)
        needed = [estimate(shape.with_adapter(settings, outline), settings, CARD, None, 0) for settings in (full, lora)]
        published = known_base(model.name) or terms(model.license)
        size = f"{shape.parameters / 1e9:.2f} B"
        fits = [f"{'yes' if one.fits else 'no'}, {one.needed_gib:.1f}" for one in needed]
        rows.append([model.name, family.name, size, model.window or "–", published.license, *fits])
    return markdown_table(["model", "family", "size", "window", "licence", "fully", "by adapter"], rows)


TEXT = """\
# Base models

Generated by `python -m tests.base_models_page`; a test keeps it so. Which of them knows your language best is for your
own text to say: `llimba choose` (below).

## What is right, and what is refused

A family is right when its packed training gives what the model's own forward gives: the suite builds a tiny model of
each and compares hidden states, loss and gradients with the class's own code, document by document, and a change to a
neighbour must change nothing. The same check runs on the real model, on the real card, before the first step of every
training (`training/forward_check.py`). So a family that is not here may be tried: what cannot be made right is refused
within the first minute, by the name of the layer that differs, and nothing is trained. These {count} are right:

{families}
**A call a row**: the documents of a row go through the model together, in one call. This is the fast way.

**A call a document**: the model carries something from one token to the next that does not stop at a document's end (a
recurrence, a convolution, ALiBi, positions scaled by length), so every document gets a call of its own. The result is
the same. It costs speed, most where documents are short and the card is large (how much was not measured on a GPU). To
lose less, put more text into a document: `lines_per_document` of a source, `rows_per_document` of `cpt.pairs`.

Refused are models that look ahead or that do something between hidden states and logits that llimba cannot repeat:

{refused}
So are models with learned positions where `sequence_length` is longer than these, models whose dropout cannot be
switched off, an output embedding that is no plain matrix, and folders that ask to run code of their own (`auto_map`).
Ministral 3 is published as a vision model (`mistral3`), which transformers does not load as a language model: save its
text part alone, as `ministral3`.

**`base_dropout`**: some bases have dropout of their own in attention and residuals, GPT-2 for one. llimba switches it
off for training, and says so in the log, since what few documents teach is hard enough to learn without noise;
`base_dropout: true` under `cpt` or `sft` keeps it. The check above always runs without it.

## Well-known models on a 24 GB card

GiB needed of 23.5 by the arithmetic of `llimba plan --card rtx4090`, for documents of 4,096 tokens with bf16 weights,
8-bit AdamW and gradient checkpointing: everything trained, or a LoRA adapter of rank 64 on those of the usual layers
(`target_modules`) that the model has. Windows and sizes are those of the model's config.json, licences those of its
card (`recipe/licensing/base_models.tsv` has sources); text alone is counted where a model sees images too. Not legal
advice. None of these sizes was trained for this table: what runs on your card, `llimba plan` and the check above say.

{models}
Licences that restrict: `gemma` and `llama3.*` come with a list of forbidden uses, CC-BY-NC-4.0 is not for commerce,
`qwen-research` is for research only, and `lfm1.0` is not known to llimba, so it counts as the most restrictive. A
finished model inherits the most restrictive licence of its base and its text. A recipe may declare another licence for
a base than its authors publish: then the stricter of the two counts, and `plan`, `choose` and the card name both.

## `llimba choose`

```
llimba choose recipes/demo.yaml Qwen/Qwen3-0.6B google/gemma-3-270m=~/gemma --card rtx4090
```

runs the recipe's `sources` and `corpus`, then loads one candidate after another: the recipe's own base model, hub ids,
and folders. `NAME=FOLDER` gives a folder the hub id by which its licence is known. Killed, it continues; a further
candidate costs only itself. `--json` is for programs; the picture's path is printed.

- **Bits per byte** of the held-out text in `evaluate.languages`: lower is better, and it is comparable between
  tokenizers. The brackets are a 95 % interval: the lines of the text drawn again, 1,000 times, seed 0. Lines of one
  document resemble one another, so it is rather too narrow. The recommendation compares the two best on the same draws.
- **Tokens a word**: how finely a tokenizer cuts a language. More tokens are slower and leave less room in the context.
  Extending the vocabulary is called worth a trial from {worth} times the tokens a word of the best neighbour on: a
  judgement, no measurement of ours. Below that, new words could save at most half of the tokens, and their embeddings
  start from nothing: LLaMA learned Chinese better with its own vocabulary and 0.5 billion tokens than with an extended
  one and 30 billion (arXiv 2401.01055), and a small language has a hundredth of that. Sardinian takes 2.12 tokens a
  word of Qwen's tokenizer, Italian 1.85: not worth it.
- **Training**: a call a row, a call a document, or refused with the reason; and whether it fits the card, fully and by
  adapter.
- **Licence** of the model and of what comes out on the recipe's text. A licence that restricts, or that nobody knows,
  keeps a candidate from being recommended, and is named.

Recommended is the lowest bits per byte in the language to learn, among those that train, fit and may be used. What a
base knows before training is a good sign and no proof: in one study the best before was not always the best after
(arXiv 2406.14670). Where two are close, train both on a tenth of the text (`llimba sweep`).
"""

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
