"""An OpenAI-compatible endpoint over one model, in one process."""
