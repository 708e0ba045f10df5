"""Stand-ins for the tests: a random two-layer model with a byte tokenizer, and text written for this project."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from llimba.manifest import Manifest

CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)

# Written for this project by hand: the same ten sentences in four languages.
SENTENCES: dict[str, list[str]] = {
    "sc": [
        "Su sole essit dae su mare cada mangianu.",
        "Sa domo de jaja est manna e bella.",
        "Oe apo comporadu pane, casu e binu.",
        "Sos pitzinnos giogant in sa pratza de sa bidda.",
        "Su trenu est lòmpidu in ritardu de un'ora.",
        "Sa limba sarda si faeddat in Sardigna.",
        "In ierru faghet fritu meda in sos montes.",
        "Su maistru legit unu libru a sos iscolanos.",
        "Cras amus a andare a su mercadu nou.",
        "S'abba de custa funtana est frisca e bona.",
    ],
    "it": [
        "Il sole sorge dal mare ogni mattina.",
        "La casa della nonna è grande e bella.",
        "Oggi ho comprato pane, formaggio e vino.",
        "I bambini giocano nella piazza del paese.",
        "Il treno è arrivato in ritardo di un'ora.",
        "La lingua sarda si parla in Sardegna.",
        "D'inverno fa molto freddo sulle montagne.",
        "Il maestro legge un libro agli scolari.",
        "Domani andremo al mercato nuovo.",
        "L'acqua di questa fontana è fresca e buona.",
    ],
    "es": [
        "El sol sale del mar cada mañana.",
        "La casa de la abuela es grande y bonita.",
        "Hoy he comprado pan, queso y vino.",
        "Los niños juegan en la plaza del pueblo.",
        "El tren ha llegado con una hora de retraso.",
        "La lengua sarda se habla en Cerdeña.",
        "En invierno hace mucho frío en las montañas.",
        "El maestro lee un libro a los alumnos.",
        "Mañana iremos al mercado nuevo.",
        "El agua de esta fuente es fresca y buena.",
    ],
    "en": [
        "The sun rises from the sea every morning.",
        "Grandmother's house is big and beautiful.",
        "Today I bought bread, cheese and wine.",
        "The children play in the village square.",
        "The train arrived an hour late.",
        "The Sardinian language is spoken in Sardinia.",
        "In winter it is very cold in the mountains.",
        "The teacher reads a book to the pupils.",
        "Tomorrow we will go to the new market.",
        "The water of this fountain is fresh and good.",
    ],
}


def intake(source: Any = None, name: str = "s") -> Any:
    """What a loader of `source` gets, or of a source that says nothing but its licence."""
    from llimba.languages.profile import load_language
    from llimba.stages.sources.intake import Intake
    from llimba.stages.sources.stage import spoken

    carried = source.carried(name) if source else {"source": name, "license": "x"}
    return Intake(name, carried, load_language("srd"), languages=spoken(source) if source else ())


def tiny_tokenizer() -> Any:
    """A byte-level tokenizer: 256 bytes and four control tokens, ChatML template."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {character: index for index, character in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    control = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|pad|>"]
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in control])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        pad_token="<|pad|>",
        chat_template=CHAT_TEMPLATE,
    )


def tiny_model(seed: int = 0, **changes: Any) -> Any:
    """A random Llama of two layers that fits `tiny_tokenizer`: about 50,000 parameters, fp32."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    settings: dict[str, Any] = {
        "vocab_size": 260,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 2048,
        "tie_word_embeddings": True,
        "bos_token_id": 257,
        "eos_token_id": 258,
        "pad_token_id": 259,
    }
    return LlamaForCausalLM(LlamaConfig(**{**settings, **changes}))


def save_tiny_model(folder: Path, seed: int = 0) -> Path:
    """Write model and tokenizer as a plain transformers folder."""
    tiny_model(seed).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


def recipe_content(folder: Path) -> dict[str, Any]:
    """A whole small recipe over files under `folder` (written by `write_text`), with the tiny model as its base."""
    training = {"sequence_length": 128, "row_length": 256, "documents_per_step": 4, "learning_rate": 3e-3}
    local = {"kind": "local", "license": "CC0-1.0", "lines_per_document": 2}
    parallel = {"kind": "parallel", "license": "CC0-1.0", "pairs": ["sc", "it"]}
    directions = ["it-sc", "sc-it"]
    return {
        "language": "srd",
        "base_model": {"name": "tests/tiny", "license": "mit", "folder": str(folder / "base")},
        "sources": {
            "prose": {**local, "path": str(folder / "sc.txt"), "language": "sc"},
            "replay": {**local, "path": str(folder / "it.txt"), "language": "it"},
            "aligned": {**parallel, "path": str(folder / "train.jsonl")},
            "scored": {**parallel, "path": str(folder / "dev.jsonl"), "role": "evaluate"},
        },
        "instruct": {"directions": directions, "min_words": 2},
        "cpt": {**training, "mixture": {"sc": 0.6, "it": 0.4}, "precision": "fp32"},
        "sft": {**training, "precision": "fp32", "sequence_length": 512, "row_length": 512},
        "evaluate": {"directions": directions, "languages": ["sc", "it"], "max_new_tokens": 8, "precision": "fp32"},
    }  # fmt: skip


def recipe(folder: Path, **sections: Any) -> Any:
    """That recipe, loaded; `sections` replace its sections whole."""
    import yaml

    from llimba.recipe.file import load_recipe

    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump({**recipe_content(folder), **sections}, sort_keys=False))
    return load_recipe(path)


def write_held_out(folder: Path) -> None:
    """What a corpus folder holds to look at: three held-out texts a language, and their sentences as rows."""
    from llimba.records import Document, write_records

    documents = (
        Document(id=f"held-{code}", text="\n".join(SENTENCES[code][7:]), language=code, source="s", license="x",
                 provenance="p", role="evaluate")
        for code in ("sc", "it")
    )  # fmt: skip
    write_records(folder / "held_out.jsonl", documents)
    write_records(folder / "evaluation.jsonl", evaluation_pairs(range(7, 10)))


def pair(identifier: object, **texts: str) -> Any:
    """A pair to score on."""
    from llimba.records import Pair

    return Pair(id=str(identifier), texts=texts, source="s", license="x", provenance="p", role="evaluate")


def evaluation_pairs(numbers: Iterable[int]) -> list[Any]:
    """Sentences to translate, as the corpus stage leaves them."""
    return [pair(i, **{code: SENTENCES[code][i] for code in ("sc", "it")}) for i in numbers]


def write_text(folder: Path) -> None:
    """The files that `recipe_content` names: seven sentences to train on, three to score on."""
    import json

    for code in ("sc", "it"):
        (folder / f"{code}.txt").write_text("\n".join(SENTENCES[code][:7]) + "\n", encoding="utf-8")
    for name, rows in (("train", range(7)), ("dev", range(7, 10))):
        lines = [json.dumps({"id": i, **{code: SENTENCES[code][i] for code in ("sc", "it")}}) for i in rows]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def manifest(stage: str, **fields: Any) -> Manifest:
    """A finished stage's manifest; `needs`, `section` and `base_model` go into its ingredients."""
    made_from = {key: fields.pop(key) for key in ("needs", "section", "base_model") if key in fields}
    defaults: dict[str, Any] = {
        "stage": stage,
        "fingerprint": f"{stage}0123",
        "recipe": "small",
        "ingredients": {"section": {}, "needs": {}, "version": 1, "files": {}, **made_from},
        "started": "2026-11-24T09:59:00+00:00",
        "finished": "2026-11-24T10:00:00+00:00",
        "seconds": 12.5,
        "peak_memory_bytes": 3 * 2**30,
        "machine": "Linux x86_64, 2 cores",
        "versions": {"llimba": "0.1.0", "torch": "2.13.0"},
        "facts": {},
        "files": [],
    }
    return Manifest.model_validate(defaults | fields)


def training_facts(**changes: Any) -> dict[str, Any]:
    """The facts of a training stage's manifest, whole; `changes` replace or add."""
    settings = {
        "precision": "mixed", "optimizer": "adamw", "stochastic_rounding": False, "attention": "loop",
        "row_length": 1024,
    }  # fmt: skip
    same = dict.fromkeys(("states", "loss", "gradient", "packed", "neighbour_changed"), 0.0)
    facts = {
        "steps": 40, "examples": 10, "loss_tokens": 60000, "data_order": "o1", "first_loss": 4.5, "last_loss": 2.9,
        "skipped_steps": 0, "resumed_at_step": 0, "tokens_per_second": 281.5, "training_seconds": 200.0,
        "rows_per_step": 1.5, "tokens_per_row": 800.0, "processes": 1, "device": "cpu",
        "settings": {name: {"value": value, "reason": "fits"} for name, value in settings.items()},
        "tokens": "EOS",
        "forward": {"one_by_one": False, "reason": "as its own", "differences": {"tokens": 256, **same}},
        "trainable": {"parameters": 1000, "trained": 1000, "adapter": 0, "embedding_trains": True,
                      "head_trains": True, "tied": True},
        "memory_gib": {"predicted": 1.0, "measured_peak": 0.9}, "held_out": [], "figures": {},
        "tokens_per_epoch": {"sc": 42000, "it": 18000}, "phases": [],
        "method": "full", "policy": "full", "conversations": 10, "dropped_for_control_tokens": 0,
    }  # fmt: skip
    return {**facts, **changes}
