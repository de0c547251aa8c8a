"""The travel pipeline's own view, in a real browser."""
