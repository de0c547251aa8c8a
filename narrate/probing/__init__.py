"""Whether something between a reader and a server buffers, cuts or changes streams: what is sent, and what it shows."""
