"""Tests mirror the folders of `src/llimba`; fakes, fixtures and what several of them share are here."""

from pathlib import Path

ROOT = Path(__file__).parent.parent  # of the checkout
FIXTURES = Path(__file__).parent / "fixtures"
