"""YAML that people write: read safely, checked against a pydantic model, every fault a sentence with its line."""
