"""Where records are kept. One protocol, in `base`; one module for each kind of place."""
