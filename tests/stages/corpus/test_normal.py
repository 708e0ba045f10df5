"""The language's own apostrophe in its own texts, the plain one in the others'."""

from llimba.languages.profile import load_language
from llimba.records import Document, Pair
from llimba.stages.corpus.normal import normal_form, normal_pair

COMMON = {"id": "a", "source": "s", "license": "x", "provenance": "p"}
OWN = load_language("srd").model_copy(update={"apostrophe": "\u2019"})


def test_each_language_has_its_apostrophe() -> None:
    plain, curly = (Document(text="s`abba\u200b  frisca\n\n", language=code, **COMMON) for code in ("it", "sc"))
    assert normal_form(plain, OWN) == "s'abba frisca"
    assert normal_form(curly, OWN) == "s\u2019abba frisca"
    pair = normal_pair(Pair(texts={"sc": "s'abba\nfrisca", "it": "l\u2019acqua"}, **COMMON), OWN)
    assert pair.texts == {"sc": "s\u2019abba frisca", "it": "l'acqua"}
