"""Runs of one recipe side by side: what is varied, how it is scored, which arms are run in full, what it will cost."""
