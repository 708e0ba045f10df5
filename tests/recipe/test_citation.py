"""BibTeX of a paper: what is stated, and nothing else."""

from llimba.recipe.citation import Paper, bibtex


def test_a_paper() -> None:
    paper = Paper(title="Boes: of oxen", authors=["Ada Piras", "Bobore Sanna"], year=2026, eprint="2601.00001")
    assert paper.bibtex() == (
        "@misc{boes2026,\n"
        "  title = {Boes: of oxen},\n"
        "  author = {Ada Piras and Bobore Sanna},\n"
        "  year = {2026},\n"
        "  eprint = {2601.00001},\n"
        "  archivePrefix = {arXiv},\n"
        "  url = {https://arxiv.org/abs/2601.00001},\n"
        "}\n"
    )


def test_what_is_not_known_is_left_out() -> None:
    assert Paper(title="Boes", url="https://x.example").bibtex() == (
        "@misc{boes,\n  title = {Boes},\n  url = {https://x.example},\n}\n"
    )
    assert bibtex("k", author=[], year=None) == "@misc{k,\n}\n"
