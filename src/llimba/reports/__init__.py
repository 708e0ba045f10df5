"""What people read of finished stages: tables, pages, pictures."""
