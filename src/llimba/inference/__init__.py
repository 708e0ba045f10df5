"""A finished model at work: opened, asked, streamed, translating; what the commands for people stand on."""
