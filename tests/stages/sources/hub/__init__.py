"""The `hub` source, read over a hub on loopback."""
