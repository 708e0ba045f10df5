"""Protected spans: found, hidden, put back, missed when lost."""

import pytest

from llimba.stages.instruct.spans import HIDDEN, has_words, hide, made_up, missing, pieces, restore

SPANS = [
    "`x = 1`", "https://example.org/a?b=c", "www.example.org", "maria@example.org", "<b>", "</b>", "&nbsp;",
    "{name}", "{{ name }}", "${HOME}", "%(name)s", "%s", "[YOUR NAME]", "**", "__", "@maria", "#sardigna",
    '"Grazia Deledda"', "“Monte Prama”", "«Canne al Vento»", r"\(a+b\)", "$a^2$", "](https://example.org)",
]  # fmt: skip


@pytest.mark.parametrize("span", SPANS)
def test_every_kind_is_hidden_and_comes_back(span: str) -> None:
    sentence = f"Read {span} and then go home."
    hidden = hide(sentence)
    assert hidden.spans == [span]
    assert hidden.text == "Read Zqxa and then go home."
    assert restore("Leghe zqxa e bae a domo.", hidden) == f"Leghe {span} e bae a domo."  # whatever became of its case
    assert restore("Leghe e bae a domo.", hidden) is None
    assert restore("Leghe Zqxa Zqxa e bae.", hidden) is None
    assert missing(sentence, "Leghe e bae.") == [span]
    assert missing(sentence, f"Leghe {span} e bae.") == []


@pytest.mark.parametrize("text", ["it's a test", "the price is $5", "a < b and c > d", 'he said "go home now"', "50 %"])
def test_plain_prose_is_not(text: str) -> None:
    assert not HIDDEN.findall(text)


def test_numbers_stay_in_the_sentence_and_are_checked() -> None:
    hidden = hide("It costs 3.50 in 2024.")
    assert hidden.text == "It costs 3.50 in 2024."
    assert restore("Costat 3.50 in su 2024.", hidden) == "Costat 3.50 in su 2024."
    assert restore("Costat 3,50 in su 2024.", hidden) is None
    assert missing("It costs 3.50", "Costat 3.50 e 7") == ["7"]


def test_pieces_join_to_the_sentence_and_hide_nothing() -> None:
    sentence = "Open `a.txt`, then call 112 or see https://example.org."
    cut = pieces(sentence)
    assert "".join(text for text, _ in cut) == sentence
    assert [text for text, translate in cut if translate] == ["Open ", ", then call ", " or see "]


def test_many_spans_have_names_of_their_own() -> None:
    names = [made_up(index) for index in range(1000)]
    assert len(set(names)) == 1000
    assert not any(name.lower().replace("zqx", "", 1).count("zqx") for name in names)
    assert has_words("`x` and") and not has_words("`x` 12 %s")
