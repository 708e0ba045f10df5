"""The seven stages, one package each, and what only they share."""
