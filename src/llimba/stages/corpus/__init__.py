"""Stage 2: clean, split, decontaminate; nothing is dropped without a reason and a place."""
