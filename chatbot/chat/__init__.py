"""Where people talk: the port to a chat platform, and the platforms."""
