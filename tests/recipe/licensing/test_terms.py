"""What single licences and expressions ask."""

import pytest

from llimba.recipe.licensing.terms import terms


@pytest.mark.parametrize(
    ("text", "rank", "asks"),
    [
        ("apache-2.0", 1, "attribution"),
        ("CC0-1.0", 0, ""),
        ("cc-by-nc-sa-4.0", 6, "attribution non-commercial share-alike"),
        ("GPL-2.0-or-later OR CC-BY-SA-3.0", 2, "attribution share-alike"),
        ("MIT AND CC-BY-NC-4.0", 6, "attribution non-commercial"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", 3, "attribution share-alike source"),
        ("EUPL-1.2", 2, "attribution share-alike"),  # not in our table: by its category
        ("qwen-research", 7, "attribution non-commercial research-only"),
        ("my own words", 8, "unknown"),
        ("GPL text", 8, "unknown"),
        ("", 8, "unknown"),
        ("unknown", 8, "unknown"),
        ("MIT OR", 8, "unknown"),
    ],
)
def test_ranks(text: str, rank: int, asks: str) -> None:
    found = terms(text)
    assert (found.rank, " ".join(found.asks)) == (rank, asks)


def test_the_hub_knows_the_name_or_gets_a_link() -> None:
    assert terms("CC-BY-SA-4.0").hub == "cc-by-sa-4.0"
    assert terms("qwen-research").hub == "other"
    assert terms("qwen-research").link.endswith("LICENSE")
    assert terms("my own words").license == "my own words"
