"""Weights after training: somewhere between those a model started from and those it was trained to."""
