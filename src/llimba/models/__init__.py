"""Models as folders: fetched, opened, asked, and their templates and tokens."""
