"""Data files: YAML that people write, read within bounds and explained line by line, and tables that llimba ships."""
