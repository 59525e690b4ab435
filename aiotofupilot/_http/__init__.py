"""How one request gets through. Nothing in here knows of pages."""
