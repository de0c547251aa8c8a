"""The travel escape, offline: what is outside is played by `far_side`."""
