"""The `hub` source: any data set of the Hugging Face hub, or a folder laid out as one; its own code is never run."""
