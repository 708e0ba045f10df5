"""Stage 5: instruction tuning on conversations."""
