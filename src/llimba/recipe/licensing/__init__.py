"""Which licence a finished model may carry: the most restrictive of its base model and its training text."""
