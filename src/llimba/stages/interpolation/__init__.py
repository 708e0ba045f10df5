"""Between start and trained weights: what cpt and sft do with them at the end, and the text to choose by."""
