"""Runs of one recipe side by side: what is varied, how it is scored, which goes on, what it will cost."""
