"""The corpus's card: a header that the hub's library reads, sources with their licences, nothing scored on."""

from pathlib import Path

from huggingface_hub import DatasetCard

from llimba.stages.publish.corpus_card import corpus_card
from tests.fakes import recipe
from tests.stages.publish.released import manifests


def test_card(tmp_path: Path) -> None:
    loaded = recipe(tmp_path)
    made = manifests(loaded)
    text = corpus_card(loaded, made, "tiny-srd")
    data = DatasetCard(text, ignore_metadata_errors=False).data
    assert data.language == ["sc"]
    assert data.license == ["cc0-1.0"]
    assert data.size_categories == "n<1K"
    assert "| mine | CC0-1.0 | 5 | 6 | sc 1,234 |" in text
    assert "| eval |" not in text
    assert "5 documents and 6 pairs" in text
    assert "77 evaluation sentences were searched for, 8 passages were removed" in text


def test_size_follows_the_rows(tmp_path: Path) -> None:
    loaded = recipe(tmp_path)
    made = manifests(loaded)
    made["corpus"].facts["sources"]["mine"]["documents"] = 250_000
    assert "100K<n<1M" in corpus_card(loaded, made, "t")
