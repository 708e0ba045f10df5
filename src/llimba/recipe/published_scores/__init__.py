"""Scores that others published: shipped tables, a reader, and when a recipe scores the same sentences."""
