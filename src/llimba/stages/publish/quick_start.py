"""The first lines that a reader of a card runs: transformers alone, the model's real id, a question of its own."""

import json

from llimba.languages.prompts import evaluation_prompt
from llimba.stages.publish.release import Release


def quick_start(release: Release) -> str:
    """The code block, and what `.` means where the model has no repository yet."""
    asked = json.dumps(question(release), ensure_ascii=False)
    given, said = (f'[{{"role": "user", "content": {asked}}}]', '[-1]["content"]') if release.chats else (asked, "")
    text = f"""```python
from transformers import pipeline

pipe = pipeline("text-generation", model="{release.repository or "."}")
out = pipe({given}, max_new_tokens=200, do_sample=False)
print(out[0]["generated_text"]{said})
```
"""
    return text if release.repository else f"{text}\n`.` is this folder: run it from inside, or put its path there.\n"


def question(release: Release) -> str:
    """A question in the language, from its profile; a request to translate where the profile has none."""
    profile = release.recipe.profile
    if profile.probe_prompts:
        return profile.probe_prompts[0]
    directions = release.recipe.evaluate.directions
    return evaluation_prompt(profile, directions[0], "...") if directions else "..."
