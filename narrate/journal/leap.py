"""Whether the clock can be trusted to say who has gone: pure, but for being asked what time it is again and again."""


class Leap:
    """Notices that the clock was put forward, or that the machine slept: then those who are there seem to be gone.

    For `lease` seconds from then on, in which they show themselves, the clock says nothing of them.
    """

    def __init__(self, lease: float) -> None:
        self._lease = lease
        self._ahead: float | None = None  # of the steady clock
        self._since = float("-inf")

    def trusted(self, now: float, steady: float) -> bool:
        """Whether the time `now` can be told from that of the others; `steady` is a clock that only goes on."""
        if self._ahead is not None and now - steady > self._ahead + self._lease / 4:
            self._since = steady
        self._ahead = now - steady
        return steady - self._since >= self._lease
