"""Where mails come from: archives on disk."""
