"""The ground: devices, random numbers, estimates with their errors, densities and grids.

Every other room of the library imports from here, and this room imports from none.
"""

from __future__ import annotations

import math
import operator
import os
from functools import cached_property
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

Device = torch.device | str | None

# --------------------------------------------------------------------------- arguments


def whole(name: str, value: object, at_least: int = 1, at_most: int = 2**48) -> int:
    """The argument `name`, an integer in this range; numpy's and torch's integers are welcome."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    is_flag = isinstance(value, bool) or getattr(value, "dtype", None) == torch.bool
    if number is None or is_flag or not at_least <= number <= at_most:
        raise ValueError(
            f"{name} must be an integer of at least {at_least} and at most {at_most}, got {value!r}"
        )
    return number


def shape(name: str, value: int | tuple[int, ...]) -> torch.Size:
    """A shape: integers of at least zero (a lone integer is a shape of one axis)."""
    sizes = value if isinstance(value, (tuple, list)) else (value,)
    return torch.Size(whole(name, size, at_least=0) for size in sizes)


def tensor(name: str, value: object, device: Device = None) -> Tensor:
    """The argument `name` as a tensor of whatever type it has."""
    try:
        return torch.as_tensor(value, device=device)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        raise ValueError(f"{name} must be a tensor or an array, got {value!r}") from None


def array(name: str, value: object) -> Tensor:
    """The argument `name`, finite real numbers, in double precision on the CPU: a private copy."""
    try:
        # Nested lists by way of numpy: torch would take them for single precision.
        found = value if isinstance(value, Tensor) else torch.from_numpy(np.array(value))
    except (TypeError, ValueError, RuntimeError):
        found = None
    if found is None or found.is_complex() or found.dtype == torch.bool:
        raise ValueError(f"{name} must be an array of real numbers, got {value!r}")
    copied = found.detach().to("cpu", torch.float64, copy=True)
    if not copied.isfinite().all():
        raise ValueError(f"{name} must be finite everywhere, got NaN or infinite values")
    return copied


def floating(name: str, dtype: object) -> torch.dtype:
    """The argument `name`, a torch.dtype of floating-point numbers."""
    if not (isinstance(dtype, torch.dtype) and dtype.is_floating_point):
        raise ValueError(f"{name} must be a floating-point torch.dtype, got {dtype!r}")
    return dtype


# --------------------------------------------------------------------------- devices


def device(name: Device = None) -> torch.device:
    """The device to compute on: `name`, else `$DGM_DEVICE`, else an accelerator, else the CPU.

    An accelerator is whatever this build of torch drives: CUDA, MPS, XPU, ... Asking for one that
    is not there is a `RuntimeError`, so that nothing runs on the wrong device unnoticed.

    >>> device("cpu")
    device(type='cpu')
    """
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    asked = name or os.environ.get("DGM_DEVICE") or accelerator or "cpu"
    count = torch.accelerator.device_count() if accelerator else 0
    try:
        found = torch.device(asked)
    except RuntimeError:
        found = None
    if found is not None and found.type == "cpu":
        return torch.device("cpu")
    if found is not None and accelerator and found.type == accelerator.type:
        if (found.index or 0) < count:
            return found
    here = ["cpu"] + [f"{accelerator.type}:{i}" for i in range(count) if accelerator]
    source = "" if name else " (the environment variable DGM_DEVICE)"
    raise RuntimeError(
        f"device {str(asked)!r}{source} was asked for, but this machine offers {', '.join(here)}; "
        f"ask for one of these, or install a build of torch that drives it"
    )


_pick = device  # a second name for where `device` is an argument


# --------------------------------------------------------------------------- random numbers


def generator(seed: int, device: Device = None) -> torch.Generator:
    """A fresh random generator with this seed, on the CPU unless another device is named.

    >>> torch.randn(1, generator=generator(0)) == torch.randn(1, generator=generator(0))
    tensor([True])
    """
    seed = whole("seed", seed, at_least=-(2**63), at_most=2**64 - 1)  # what torch takes
    return torch.Generator(device or "cpu").manual_seed(seed)


class RandomStream:
    """A private stream of random numbers for code that draws from torch's global generators.

    `with stream:` swaps the stream in and puts the global state back at the end, so that what
    runs inside is reproducible and leaves no trace outside. The stream goes on where it
    stopped at the next `with`. The CPU is always covered, and so is `device` (by default the
    one that `dgm_lib.core.device` picks).

    >>> stream = RandomStream(seed=0)
    >>> saved = stream.state()
    >>> with stream: first = torch.rand(3)
    >>> stream.load(saved)
    >>> with stream: again = torch.rand(3)
    >>> torch.equal(first, again)
    True
    """

    def __init__(self, seed: int, device: Device = None) -> None:
        self._device = _pick(device)
        types = {"cpu": "cpu", self._device.type: self._device}
        self._states = {kind: generator(seed, on).get_state() for kind, on in types.items()}
        self._outside: dict[str, Tensor] | None = None

    def __enter__(self) -> RandomStream:
        if self._outside is not None:
            raise RuntimeError("this RandomStream is already in use: do not nest it in itself")
        self._outside = self._read()
        self._write(self._states)
        return self

    def __exit__(self, *exception: object) -> None:
        self._states = self._read()
        self._write(self._outside)
        self._outside = None

    def state(self) -> dict[str, Tensor]:
        """Where the stream stands, one byte tensor per kind of device; `torch.save` takes it."""
        states = self._states if self._outside is None else self._read()
        return {kind: state.clone() for kind, state in states.items()}

    def load(self, state: dict[str, Tensor]) -> None:
        """Go back to where the stream stood when `state()` returned `state`."""
        if set(state) != set(self._states):
            raise ValueError(
                f"state must come from a stream on {' and '.join(self._states)}, "
                f"got one on {' and '.join(state)}"
            )
        # Loaded checkpoints may have been mapped to an accelerator; torch wants CPU bytes.
        self._states = {kind: bytes_.detach().cpu().clone() for kind, bytes_ in state.items()}
        if self._outside is not None:
            self._write(self._states)

    def _read(self) -> dict[str, Tensor]:
        states = {"cpu": torch.get_rng_state()}
        if self._device.type != "cpu":
            states[self._device.type] = self._accelerator.get_rng_state(*self._index)
        return states

    def _write(self, states: dict[str, Tensor]) -> None:
        torch.set_rng_state(states["cpu"])
        if self._device.type != "cpu":
            self._accelerator.set_rng_state(states[self._device.type], *self._index)

    @cached_property
    def _accelerator(self):
        return torch.get_device_module(self._device)

    @property
    def _index(self) -> tuple[torch.device, ...]:
        # MPS has one device, and its functions take it by another type than CUDA's and XPU's.
        return () if self._device.type == "mps" else (self._device,)


# --------------------------------------------------------------------------- estimates


class Estimate(NamedTuple):
    """A number that was estimated, with its standard error; prints only the digits it knows.

    >>> print(Estimate(0.44321, 0.0021))
    0.443 ± 0.002
    """

    value: float
    stderr: float

    @classmethod
    def of(cls, values: Tensor) -> Estimate:
        """The mean of independent, identically distributed values, and its standard error."""
        if (values := tensor("values", values)).is_complex():
            raise ValueError(f"values must be real numbers, got {values.dtype}")
        values = values.detach().flatten().cpu().double()
        n = len(values)
        if n == 0:
            raise ValueError("values must hold at least one number, got none")
        stderr = values.std().item() / math.sqrt(n) if n > 1 else math.nan
        return cls(values.mean().item(), stderr)

    def __str__(self) -> str:
        value, stderr = self
        if not (math.isfinite(value) and 1e-9 < stderr < 1e6):  # nor for 0 and NaN
            return f"{value:.6g} ± {stderr:.2g}"
        decimals = -math.floor(math.log10(stderr))
        decimals += stderr * 10**decimals < 2  # 0.012 keeps two digits: rounding it loses too much
        fixed = max(decimals, 0)
        return f"{round(value, decimals):.{fixed}f} ± {round(stderr, decimals):.{fixed}f}"


# --------------------------------------------------------------------------- densities and grids


@runtime_checkable
class Density(Protocol):
    """What can be sampled and scored: the contract of `torch.distributions`, for points in R^d."""

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) in nats, `(*batch, d) -> (*batch,)`."""

    def sample(
        self, shape: tuple[int, ...] = (), generator: torch.Generator | None = None
    ) -> Tensor:
        """Independent draws, `(*shape, d)`."""


class Grid:
    """A regular grid of n cells per axis over a box, for pictures and integrals in 1D or 2D.

    `points` (n, d) or (n, n, d) are the cells' mid-points, the first axis being x1; `cell` is a
    cell's volume. The mid-point rule sum_i f(x_i) * cell is exact to far below 1e-3 for a
    density that is smooth on the scale of a cell.

    >>> grid = Grid([[0, 1], [0, 2]], n=50)
    >>> round(grid.integrate(grid.points[..., 0] ** 2), 3)
    0.667
    """

    def __init__(
        self,
        box: Tensor | list,
        n: int = 200,
        dtype: torch.dtype = torch.float64,
        device: Device = None,
    ) -> None:
        box = array("box", box)
        if box.ndim != 2 or box.shape[0] not in (1, 2) or box.shape[1] != 2:
            raise ValueError(f"box must have shape (d, 2) with d 1 or 2, got {tuple(box.shape)}")
        if not (box[:, 0] < box[:, 1]).all():
            raise ValueError(f"box must hold rows with low < high, got {box.tolist()}")
        self.box, self.n, self.dtype = box, whole("n", n), floating("dtype", dtype)
        self.device = torch.device(device or "cpu")
        self.shape = (self.n,) * len(box)
        self.cell = ((box[:, 1] - box[:, 0]) / self.n).prod().item()

    @cached_property
    def axes(self) -> tuple[Tensor, ...]:
        """The mid-points along each axis, d tensors (n,)."""
        unit = (torch.arange(self.n, dtype=torch.float64) + 0.5) / self.n
        axes = (low + (high - low) * unit for low, high in self.box)
        return tuple(axis.to(self.dtype).to(self.device) for axis in axes)

    @cached_property
    def points(self) -> Tensor:
        """The mid-points of all cells, `(*shape, d)`; `points[i, j]` is `(x1_i, x2_j)`."""
        return torch.stack(torch.meshgrid(*self.axes, indexing="ij"), dim=-1)

    def integrate(self, values: Tensor) -> float:
        """The integral over the box of a function with these `values` `(*shape,)` at the points."""
        values = tensor("values", values)
        if tuple(values.shape) != self.shape:
            raise ValueError(f"values must have shape {self.shape}, got {tuple(values.shape)}")
        return values.detach().cpu().double().sum().item() * self.cell

    def coarser(self) -> Grid:
        """The same box with half as many cells per axis: compare to see the error of the rule."""
        return Grid(self.box, max(self.n // 2, 1), self.dtype, self.device)

    def __repr__(self) -> str:
        box = " x ".join(f"[{low:g}, {high:g}]" for low, high in self.box.tolist())
        return f"Grid({box}, n={self.n})"
