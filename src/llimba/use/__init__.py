"""A finished model at work: chat, translation, served, in the browser, exported."""
