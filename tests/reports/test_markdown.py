"""Tables in Markdown: a rule under the headings, a dash for what there is none of."""

from llimba.reports.markdown import markdown_table


def test_a_table() -> None:
    assert markdown_table(["", "n"], [["a", 1], ["b", None]]) == "|  | n |\n| --- | --- |\n| a | 1 |\n| b | – |\n"
    assert markdown_table(["", "n"], [], numbers=True) == "|  | n |\n| --- | ---: |\n"
