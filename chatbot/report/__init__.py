"""What a team wants to know, as values: digests, series, contributors; and their faces."""
