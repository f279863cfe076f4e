"""What the service remembers: tables, their migrations, and sessions."""
