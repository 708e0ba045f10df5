"""Weights between start and trained ones, and which of them to take."""
