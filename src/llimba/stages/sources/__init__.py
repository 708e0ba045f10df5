"""Stage 1: fetch text; every record keeps its source and licence."""
