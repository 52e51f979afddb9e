"""What rooms ask for: subsystems, filters, and when."""
