"""What rooms want to be told: the language of their filters."""
