"""Finished recipes side by side: the table on the terminal, and the page with pictures and sentences."""
