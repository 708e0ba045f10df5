"""llimba: teach an instruct language model a language it does not know, on one consumer GPU."""

__version__ = "0.1.0"
