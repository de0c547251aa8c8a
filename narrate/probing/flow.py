"""Whether the pieces of a probe came one by one or in lots, seen from when each was sent and when it came.

The two clocks have nothing in common but their pace. So a piece is late by comparison with the one that came quickest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from narrate.probing.seen import Piece
from narrate.probing.words import Burst, Ended, Opened, Tick

HELD = 0.3
"""Seconds of lateness from which a piece was held, if others came with it. Less may be the net's, or a machine's."""

LATE = 1.0
"""Seconds of lateness that are told although no other piece came with it."""

FEW = 5
"""Pieces, sent one by one, without which nothing can be said about how they came."""

LOT = 3
"""Pieces that came at once, though not sent so, which are no accident."""


@dataclass(frozen=True, slots=True)
class Lot:
    """Pieces that came at once. `size` is in bytes, with all that came before them."""

    pieces: Sequence[Piece]
    size: int


@dataclass(frozen=True, slots=True)
class Flow:
    """How the small pieces of a probe came.

    - `count` of them, sent over so many seconds (`sent_over`), came over `came_over`.
    - `late`: how late the latest of them was; `first_late`: how late the very first was.
    - `first_lot`: how many came with the first, itself included, in `first_size` bytes.
    - `in_lots`: whether most of them came in lots, typically of `lot_size` bytes.
    - `until`: the large or last word that came with the last of them, if they all came at once: what let them go.
    """

    count: int
    sent_over: float
    came_over: float
    late: float
    first_late: float
    first_lot: int
    first_size: int
    in_lots: bool
    lots: int
    lot_size: int
    until: type[Burst] | type[Ended] | None

    @property
    def enough(self) -> bool:
        """Whether there were enough pieces to say anything."""
        return self.count >= FEW

    @property
    def at_once(self) -> bool:
        """Whether all of them came together, long after the first was sent."""
        return self.lots == 1 and self.first_late >= HELD

    @property
    def first_held(self) -> bool:
        """Whether the beginning was held back until more had come."""
        return self.first_lot >= LOT and self.first_late >= HELD


def flow_of(pieces: Sequence[Piece], every: float) -> Flow:
    """How the pieces came, of which one was sent `every` so many seconds. There is at least one."""
    quickest = min(piece.arrived - piece.word.t for piece in pieces)
    small = [piece for piece in pieces if isinstance(piece.word, Opened | Tick)]
    late = [piece.arrived - piece.word.t - quickest for piece in small]
    lots = _lots(small, every / 3)
    joined = [lot for lot in lots if len(lot.pieces) >= LOT]
    # One lot among many that came singly is a hiccup. Of several the last was let go by what came behind it.
    in_lots = 2 * sum(len(lot.pieces) for lot in joined) > len(small) and max(late) >= HELD
    filled = [lot.size for lot in (joined[:-1] or joined)]
    behind = [piece.word for piece in pieces if isinstance(piece.word, Burst | Ended) and _with(piece, small, every)]
    return Flow(
        count=len(small),
        sent_over=small[-1].word.t - small[0].word.t,
        came_over=small[-1].arrived - small[0].arrived,
        late=max(late),
        first_late=late[0],
        first_lot=len(lots[0].pieces),
        first_size=lots[0].size,
        in_lots=in_lots,
        lots=len(lots),
        lot_size=int(median(filled)) if filled else 0,
        until=type(behind[-1]) if behind else None,
    )


def _lots(pieces: Sequence[Piece], within: float) -> Sequence[Lot]:
    """The pieces, those together that came so soon one behind the other."""
    lots: list[list[Piece]] = []
    for piece in pieces:
        if lots and piece.arrived - lots[-1][-1].arrived <= within:
            lots[-1].append(piece)
        else:
            lots.append([piece])
    before = [0, *(lot[-1].at for lot in lots)]
    return [Lot(lot, lot[-1].at - start) for lot, start in zip(lots, before, strict=False)]


def _with(piece: Piece, small: Sequence[Piece], every: float) -> bool:
    return piece.arrived - small[-1].arrived <= every / 3
