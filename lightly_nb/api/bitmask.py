"""`BitMask`: what `TagData.bit_mask_data` says, bit n for sample n of the dataset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class BitMask:
    """A set of sample numbers, kept as the bits of a whole number `x`.

    Examples
    --------
    >>> mask = BitMask.from_hex("0x59")
    >>> mask.to_indices(), mask.masked_select_from_list("abcdefgh")
    ([0, 3, 4, 6], ['a', 'd', 'e', 'g'])
    >>> (mask - BitMask.from_bin("0b1001")).to_bin()
    '0b1010000'
    """

    def __init__(self, x: int) -> None:
        self.x = x

    @classmethod
    def from_hex(cls, hexstring: str) -> BitMask:
        """Return the mask of a hex number, such as '0x59'."""
        return cls(int(hexstring, 16))

    @classmethod
    def from_bin(cls, binstring: str) -> BitMask:
        """Return the mask of a binary number, such as '0b1010'."""
        return cls(int(binstring, 2))

    @classmethod
    def from_length(cls, length: int) -> BitMask:
        """Return the mask of the first `length` samples."""
        return cls((1 << length) - 1)

    def to_hex(self) -> str:
        """Return the mask as a hex number."""
        return hex(self.x)

    def to_bin(self) -> str:
        """Return the mask as a binary number."""
        return bin(self.x)

    def to_indices(self) -> list[int]:
        """Return the numbers of the samples, in rising order."""
        return [number for number, bit in enumerate(reversed(bin(self.x)[2:])) if bit == "1"]

    def invert(self, total_size: int) -> None:
        """Make it the mask of the other samples of `total_size`."""
        self.x ^= (1 << total_size) - 1

    def union(self, other: BitMask) -> None:
        """Add the samples of `other`."""
        self.x |= other.x

    def intersection(self, other: BitMask) -> None:
        """Keep the samples that `other` has too."""
        self.x &= other.x

    def difference(self, other: BitMask) -> None:
        """Take the samples of `other` away."""
        self.x &= ~other.x

    def get_kth_bit(self, k: int) -> bool:
        """Return whether sample `k` is in it."""
        return bool(self.x >> k & 1)

    def set_kth_bit(self, k: int) -> None:
        """Put sample `k` into it."""
        self.x |= 1 << k

    def unset_kth_bit(self, k: int) -> None:
        """Take sample `k` out of it."""
        self.x &= ~(1 << k)

    def masked_select_from_list(self, list_: Sequence[T]) -> list[T]:
        """Return the items of a list whose numbers are in it."""
        return [list_[number] for number in self.to_indices()]

    def __sub__(self, other: BitMask) -> BitMask:
        return BitMask(self.x & ~other.x)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BitMask) and self.x == other.x

    def __hash__(self) -> int:
        return hash(self.x)

    def __repr__(self) -> str:
        return f"BitMask({self.to_hex()!r})"
