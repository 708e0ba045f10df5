"""Stage 6: is it better, and how sure are we."""
