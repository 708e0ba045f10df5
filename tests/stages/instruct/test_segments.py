"""Messages are cut into sentences and put together again without a loss."""

import pytest

from llimba.stages.instruct.segments import blocks, segments

TEXT = """# A heading

First sentence. Second one, by Dr. Smith!  Third?

- one item
  2. another item. With two sentences.
> quoted

| name | meaning |
|---|---|
| sole | the sun |

```python
print("not translated.")  # not this either
```
~~~
nor this
~~~
The end."""


@pytest.mark.parametrize("text", [TEXT, "", "\n\n", "  one  \n", "a\r\nb", "```\nopen block", "$$ x. y $$"])
def test_nothing_is_lost(text: str) -> None:
    assert "".join(segment.text for segment in segments(text, "en")) == text


def test_what_is_translated() -> None:
    assert [segment.text for segment in segments(TEXT, "en") if segment.translate] == [
        "A heading", "First sentence.", "Second one, by Dr. Smith!", "Third?", "one item", "another item.",
        "With two sentences.", "quoted", "name", "meaning", "sole", "the sun", "The end.",
    ]  # fmt: skip
    assert [block.split("\n")[0] for block in blocks(TEXT)] == ["```python", "~~~"]
