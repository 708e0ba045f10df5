"""The checkpoint's card has every section of a published one, traced numbers, and no claim that was not measured."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from llimba.reports.scores import Instructions, LanguageShares, Scores
from llimba.stages.publish.card import card
from llimba.stages.publish.cpt_card import cpt_card
from tests.fakes import recipe
from tests.reports.scores import SCORES, changed, share
from tests.stages.publish.released import manifests, released
from tests.stages.publish.test_card import untraced

BOTH = {"repository": "me/tiny", "cpt_repository": "me/tiny-cpt"}


def probed() -> Scores:
    """Scores with a probe of languages over temperature and of instructions, of base and checkpoint."""
    found, rest = SCORES, share(0.05, 0.01, 0.2)
    for system, kept in (("base", 0.9), ("cpt", 0.7)):
        shares = LanguageShares(target=share(kept), neighbours={"it": share(0.25)}, mixed=rest, unknown=rest)
        followed = Instructions(all=share(kept / 2), by_kind={}, by_prompt_language={})
        found = changed(found, system, mode_switch={0.0: shares, 0.6: shares}, instructions=followed)
    return found


def test_every_section_of_a_published_one_in_its_order(tmp_path: Path) -> None:
    text = cpt_card(released(recipe(tmp_path, publish=BOTH), "cpt"))
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")] == [
        "What this checkpoint is, and isn't", "Intended use", "Quick start", "Translation results (CPT only)",
        "All scores of the checkpoint", "Training procedure", "Data", "Lineage", "Limitations", "Licence", "Energy",
        "Provenance", "Citation",
    ]  # fmt: skip
    assert [line[4:] for line in text.splitlines() if line.startswith("### ")] == [
        "Replay", "Packing", "Learned and forgotten",
    ]  # fmt: skip
    for words in (
        "This is a research artifact, not the deployable model.** For end users, use [me/tiny]",
        "takes 2.1014 bits per byte; the base model takes 3.5012",
        "1. **Researchers who run their own instruction tuning.**",
        "2. **Researchers who reproduce a table.**",
        "stop here and take [me/tiny](https://huggingface.co/me/tiny)",
        'pipeline("text-generation", model="me/tiny-cpt")',
        "Conta·mi carchi cosa de sa Sardigna.",
        "| IT to SC | 1.63 ±1.17 | 2.65 ±1.17 | 20.64 ±2.18 | 25.66 ±2.18 | 12 |",
        "1 epoch of 60,000 tokens (42,000 Sardinian, 18,000 Italian)",
        "Effective batch 4 documents. Learning rate 0.003, cosine schedule, 0 warm-up steps.",
        "| sc | 0.6 | 42,000 |",
        "exchanging the neighbour changes the document by 0 at most",
        "See the card of [me/tiny]",
        "words by variety or norm: lsc 1,111, not told 123",
    ):
        assert words in text, words
    assert "after SFT" not in text and "| sft" not in text and "Instruction tuning used" not in text


@pytest.mark.parametrize("publish", [{}, {"watts": 87.5, "grams_per_kwh": 213, **BOTH, "title": "Tiny"}])
def test_every_number_stands_in_a_manifest(tmp_path: Path, publish: dict[str, Any]) -> None:
    release = released(recipe(tmp_path, publish=publish), "cpt", probed())
    text = cpt_card(release)
    assert not untraced(release, text)
    assert untraced(release, text.replace("2.65 ±", "2.66 ±")) == {"2.66"}


def test_numbers_of_a_long_run_with_token_steps(tmp_path: Path) -> None:
    loaded = recipe(tmp_path, cpt={"tokens_per_step": 12192, "precision": "bf16", "num_train_epochs": 2})
    made = manifests(loaded)
    differences = made["cpt"].facts["forward"]["differences"]
    differences |= {"states": 0.0312345, "loss": 1.23456e-7, "neighbour_changed": 0.00012345}
    made["cpt"].facts["training_seconds"] = 19800.0
    made["cpt"].facts["settings"]["precision"]["value"] = "bf16"
    release = released(loaded, "cpt", made=made)
    text = cpt_card(release)
    assert not untraced(release, text)
    assert "without repeating the training (5.5 hours)" in text
    assert "in bfloat16 weights" in text and "2 epochs of" in text and "Effective batch 12,192 tokens" in text
    assert "Hidden states differ by 0.031 standard deviations, the loss by 1.2e-07" in text


def test_the_two_cards_name_each_other(tmp_path: Path) -> None:
    loaded = recipe(tmp_path, publish=BOTH)
    checkpoint, tuned = cpt_card(released(loaded, "cpt")), card(released(loaded))
    assert "by instruction tuning: [me/tiny](https://huggingface.co/me/tiny)." in checkpoint
    assert "; the checkpoint: [me/tiny-cpt](https://huggingface.co/me/tiny-cpt)" in tuned
    assert ModelCard(checkpoint).data.base_model == "tests/tiny"
    assert ModelCard(tuned).data.base_model == "me/tiny-cpt"
    assert ModelCard(checkpoint).data.eval_results[0].metric_value == 2.65


def test_without_repositories_it_works_for_who_downloads_it(tmp_path: Path) -> None:
    loaded = recipe(tmp_path)
    for text in (cpt_card(released(loaded, "cpt")), card(released(loaded))):
        assert 'model=".")' in text and "`.` is this folder" in text
        assert "PATH" not in text
    assert "use `tiny-srd` instead" in cpt_card(released(loaded, "cpt"))


def test_the_checkpoint_as_the_result_of_a_recipe(tmp_path: Path) -> None:
    alone = cpt_card(released(recipe(tmp_path, sft=None, publish={"repository": "me/base-sc"}), "cpt"))
    assert "No instruction-tuned model was made from it by this recipe." in alone
    assert 'model="me/base-sc"' in alone and "stop here" not in alone
    assert alone.count("\n# base-sc\n") == 1
    both = cpt_card(released(recipe(tmp_path, sft=None, publish=BOTH), "cpt"))
    assert "use [me/tiny](https://huggingface.co/me/tiny) instead" in both, "a model that another run has made"
    assert 'model="me/tiny-cpt"' in both


def test_what_was_not_measured_is_named_and_not_claimed(tmp_path: Path) -> None:
    silent = cpt_card(released(recipe(tmp_path), "cpt"))
    assert "Following instructions other than to translate was not measured" in silent
    assert "Whether it switches to another language when it is sampled was not probed" in silent
    told = cpt_card(released(recipe(tmp_path), "cpt", probed()))
    assert "0.35 (0.2 to 0.6) followed of 50, by the base model 0.45 (0.2 to 0.6)" in told
    rest = "(0.2 to 0.6) | it 0.25 | 0.05 (0.01 to 0.2)"
    assert f"| 0.6 | 0.9 {rest} | 0.7 {rest} | 50 |" in told.splitlines()
    assert "not measured" not in told.partition("## Intended use")[0]
    for text in (silent, told):
        assert "not trained without replay" in text


def test_nothing_translated_and_no_chat_template(tmp_path: Path) -> None:
    release = released(recipe(tmp_path), "cpt")
    own = {name: of.model_copy(update={"translation": {}}) for name, of in release.scores.systems.items()}
    untranslated = replace(release, chats=False, scores=release.scores.model_copy(update={"systems": own}))
    text = cpt_card(untranslated)
    assert "Translation was not scored" in text and "It was not scored on translation." in text
    assert 'pipe("Conta·mi carchi cosa de sa Sardigna.", max' in text and "continues text" in text


@pytest.mark.parametrize(
    ("mode", "said"),
    [("off", "Each document is a row of its own."), ("leaky", "an ablation"), ("step-exact", "packed whole into rows")],
)
def test_packing_as_it_was(tmp_path: Path, mode: str, said: str) -> None:
    text = cpt_card(released(recipe(tmp_path, cpt={"packing": mode}), "cpt"))
    assert said in text
    assert ("Attention does not cross" in text) == (mode != "leaky")


def test_tagged_text_is_not_said_to_carry_no_tag(tmp_path: Path) -> None:
    tagged = recipe(tmp_path, cpt={"norm_tags": {}})
    assert "carries a language tag" not in cpt_card(released(tagged, "cpt"))
    assert "carries a language tag" in cpt_card(released(recipe(tmp_path), "cpt"))
