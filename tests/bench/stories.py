"""What the servers beside ours tell: the same information in as many events, made and encoded for each reader.

The encoder is the one we use ourselves, so that no difference comes from there.
"""

from time import monotonic

import msgspec

TEXT = "One more line of the story."

_encode = msgspec.json.Encoder().encode


class Teller:
    """Makes the frames of one stream."""

    def __init__(self) -> None:
        self._began = monotonic()
        self._n = 0

    def frame(self) -> bytes:
        """The next event, as one frame."""
        self._n += 1
        event = {"type": "message", "n": self._n, "t": monotonic() - self._began, "step": "talk", "text": TEXT}
        return b"id: %d\ndata: %b\n\n" % (self._n, _encode(event))
