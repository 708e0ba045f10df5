"""Stage 3: conversations for instruction tuning."""
