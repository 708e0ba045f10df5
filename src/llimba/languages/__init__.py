"""Languages as data: profiles, prompts, text, identification, and the next one."""
