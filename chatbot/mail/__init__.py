"""What a mail says: bytes in, frozen values out; no input, no output, no clock."""
