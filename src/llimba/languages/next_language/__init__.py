"""`llimba new`: what is known of a language, written down as a profile and a recipe that a speaker can finish."""
