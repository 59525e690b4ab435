"""The questions. Each is a function from a `Bench` to rows. The first line of its docstring is its help."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .columns import columns, mirror, parquet
from .cost import cores, cpu, decode
from .imports import imports
from .losses import beyond, drift, faults
from .size import growth, memory, waveforms
from .speed import count, details, first, ideal, walks, wall

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from benchmarks.bench import Bench
    from benchmarks.measure import Row

__all__ = ["QUESTIONS"]

QUESTIONS: Sequence[Callable[[Bench], Iterable[Row]]] = (
    *(decode, cpu, cores, columns, first, wall, ideal, details, count, walks),
    *(faults, beyond, drift),
    *(memory, waveforms, parquet, mirror, growth, imports),
)
