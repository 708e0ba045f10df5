"""Masked inputs: a share of what the model reads is replaced while what it must predict stays (arXiv 2606.06888).

It makes the same text differ from epoch to epoch, which keeps a model that reads little text often from learning it by
heart. A replacement is another token of the same step ("unigram noising", Xie et al., ICLR 2017, arXiv 1703.02573),
since a causal model has no mask token; the first token of an example stays. Which ones is fixed by seed, step and
place, so a run that goes on draws the same. The paper adds the masked loss to the plain one; here it takes its place,
at no cost in time.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from llimba.training.examples import Example


def mask_inputs(examples: Sequence[Example], share: float, seed: int, step: int) -> list[Example]:
    """The examples of a step with about `share` of their inputs replaced; labels are left alone."""
    if not share:
        return list(examples)
    generator = np.random.default_rng([seed, step])
    pool = np.concatenate([example.input_ids for example in examples])
    masked = []
    for example in examples:
        chosen = generator.random(len(example.input_ids)) < share
        chosen[0] = False
        others = generator.choice(pool, len(example.input_ids))
        masked.append(replace(example, input_ids=np.where(chosen, others, example.input_ids)))
    return masked
