"""Stage 7: the finished model folder and its card."""
