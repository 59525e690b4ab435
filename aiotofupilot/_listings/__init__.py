"""What can be listed, and by what."""
