"""What the bot remembers: the index of mails, the digests it owes, the posts on their way."""
