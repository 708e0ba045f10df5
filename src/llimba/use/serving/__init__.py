"""An OpenAI-compatible endpoint: somebody else's server on loopback, and a small guard of ours before it."""
