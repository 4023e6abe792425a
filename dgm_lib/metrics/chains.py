"""How well Markov chains have mixed, and how many independent draws theirs are worth.

Draws come as `(n, chains, *event)`, n steps of each chain: usually `(n, chains, d)`, or
`(n, chains)` for one number. The answer has one number for each component, shape `(*event,)`, in
float64. It is NaN for a component that never moves, in any chain: nothing is known about it then.
"""

from __future__ import annotations

import math

import torch
from scipy.fft import next_fast_len
from torch import Tensor

from dgm_lib.core import whole
from dgm_lib.metrics.inputs import real

FEWEST = 4  # two draws in each half of a chain


@torch.no_grad()
def autocorrelation(x: Tensor, lags: int | None = None) -> Tensor:
    """The autocorrelation at the lags 0, 1, ..., `lags`: `(n, chains, *event) -> (lags+1, *event)`.

    ρ_t = mean over chains of Σ_i (x_i - m)(x_{i+t} - m) / (n s²), where m and s² are the mean and
    the variance of all draws of all chains: of chains that sit in different modes, ρ_t stays near
    1, as it should. Dividing by n and not n - t shrinks ρ_t by 1 - t/n, and keeps it in [-1, 1].
    All lags are found at once by a fast Fourier transform.

    >>> autocorrelation(torch.tensor([[1.0], [-1.0], [1.0], [-1.0]]), lags=1)
    tensor([ 1.0000, -0.7500], dtype=torch.float64)
    """
    x = _draws(x)
    lags = len(x) - 1 if lags is None else whole("lags", lags, 0, len(x) - 1)
    scaled = _scaled(x)
    covariance = _autocovariance(scaled - scaled.mean(dim=(0, 1)))[: lags + 1]
    return _unless_still(x, covariance / covariance[0])


@torch.no_grad()
def ess(x: Tensor) -> Tensor:
    """The effective sample size for the mean: `(n, chains, *event) -> (*event,)`.

    n · chains / τ with τ = 1 + 2 Σ_t ρ_t: as many independent draws would have a mean with the
    same standard error. The sum ends where the autocorrelations, added in pairs, turn negative,
    and the pairs are made to decrease; each chain is split in halves, so that a chain that drifts
    counts as little as chains that disagree. NaN for fewer than 4 draws.
    (Geyer, 1992; Gelman et al., Bayesian Data Analysis, 2013, §11.5.)
    """
    x = _draws(x)
    return _unless_still(x, _ess(_split(_scaled(x))))


@torch.no_grad()
def ess_bulk(x: Tensor) -> Tensor:
    """The effective sample size of the draws' normalised ranks: `(n, chains, *event) -> (*event,)`.

    Ranks make it well-defined where the law has no mean or no variance. NaN for fewer than 4
    draws. (Vehtari, Gelman, Simpson, Carpenter & Bürkner, 2021.)
    """
    x = _draws(x)
    return _unless_still(x, _ess(_normal_scores(_split(x))))


@torch.no_grad()
def rhat(x: Tensor) -> Tensor:
    """The rank-normalised split R-hat: `(n, chains, *event) -> (*event,)`; near 1 is good.

    R-hat² = ((n-1)/n · W + B/n) / W compares the variance of all draws with W, the variance
    within a chain; B/n is that of the chains' means. Each chain is split in halves, so one is
    enough. The larger of two is returned: that of the ranks' normal scores, which finds chains of
    different location, and that of |x - median|, which finds chains of different scale. More than
    1.01 is not trusted. NaN for fewer than 4 draws, inf for chains that each stand still at
    different points. (Vehtari, Gelman, Simpson, Carpenter & Bürkner, 2021.)
    """
    x = _draws(x)
    if len(x) < 4:
        return torch.full_like(x[0, 0], math.nan)
    halves = _split(x)
    folded = (halves - _median(halves)).abs()
    # A law of two values is all of one value once folded: the NaN of that tells nothing.
    larger = torch.fmax(_rhat(_normal_scores(halves)), _rhat(_normal_scores(folded)))
    return _unless_still(x, larger)


def _draws(x: Tensor) -> Tensor:
    """The draws `(n, chains, *event)` in float64, or a `ValueError` that names them."""
    x = real("x", x)
    if x.ndim < 2 or 0 in x.shape:
        raise ValueError(f"x must have shape (n, chains) or (n, chains, d), got {tuple(x.shape)}")
    if not x.isfinite().all():
        raise ValueError("x must be finite, got NaN or inf")
    has_float64 = x.device.type != "mps"
    return x.to(x.device if has_float64 else "cpu", torch.float64)


def _unless_still(x: Tensor, values: Tensor) -> Tensor:
    """The values, but NaN for the components of which all draws are the same."""
    still = x.amax(dim=(0, 1)) == x.amin(dim=(0, 1))
    return torch.where(still, math.nan, values)


def _scaled(x: Tensor) -> Tensor:
    """The draws in units of the largest of each component, whose squares are within range."""
    largest = x.abs().amax(dim=(0, 1))
    return x / largest.where(largest > 0, 1)


def _split(x: Tensor) -> Tensor:
    """Each chain as two chains, its halves; a middle draw is left out."""
    half = len(x) // 2
    return torch.cat([x[:half], x[len(x) - half :]], dim=1)


def _autocovariance(centred: Tensor) -> Tensor:
    """Σ_i x_i x_{i+t} / n at all lags, averaged over chains: `(n, chains, *event) -> (n, *event)`.

    The transform is linear, so that only the mean of the power spectra is transformed back.
    """
    n = len(centred)
    padded = next_fast_len(2 * n, real=True)  # zeros, so that the ends do not meet
    spectrum = torch.fft.rfft(centred, n=padded, dim=0)
    power = spectrum.real.square() + spectrum.imag.square()
    return torch.fft.irfft(power.mean(dim=1), n=padded, dim=0)[:n] / n


def _ess(x: Tensor) -> Tensor:
    """The effective sample size of chains that are halves already."""
    n, chains, *event = x.shape
    if n < FEWEST // 2:
        return x.new_full(event, math.nan)
    means = x.mean(dim=0)
    covariance = _autocovariance(x - means)
    within = covariance[0] * n / (n - 1)
    variance = covariance[0] + means.var(dim=0)
    rho = 1 - (within - covariance) / variance
    rho[0] = 1
    even, odd = rho[0::2], rho[1::2]
    m = max((n - 1) // 2, 1)  # the pairs in use: the last lag or two rest on too few draws
    pairs = even[:m] + odd[:m]
    last = (pairs > 0).cumprod(dim=0).sum(dim=0, keepdim=True).clamp(max=m - 1)
    before = torch.arange(m, device=x.device).reshape(-1, *[1] * len(event)) < last
    # The even lag of the last pair counts once, unless the pair and the lag are negative.
    tail, pair = even.gather(0, last).squeeze(0), pairs.gather(0, last).squeeze(0)
    tail = torch.where(pair < 0, tail.clamp(min=0), tail)
    tau = -1 + 2 * torch.where(before, pairs.cummin(dim=0).values, 0).sum(dim=0) + tail
    draws = n * chains
    return draws / tau.clamp(min=1 / math.log10(draws))


def _rhat(x: Tensor) -> Tensor:
    """R-hat of chains that are halves already."""
    n, _, *event = x.shape
    if n < FEWEST // 2:
        return x.new_full(event, math.nan)
    within = x.var(dim=0).mean(dim=0)
    between = x.mean(dim=0).var(dim=0)
    return (between / within + (n - 1) / n).sqrt()


def _median(x: Tensor) -> Tensor:
    """The median over draws and chains, the middle between two where they are even in number."""
    ordered = x.flatten(0, 1).sort(dim=0).values
    n = len(ordered)
    return (ordered[(n - 1) // 2] + ordered[n // 2]) / 2


def _normal_scores(x: Tensor) -> Tensor:
    """Φ⁻¹((rank - 3/8) / (N + 1/4)) among all N draws of all chains; ties share their mean rank."""
    columns = x.flatten(0, 1).flatten(1) if x.ndim > 2 else x.flatten()[:, None]
    ranks = torch.stack([_ranks(column) for column in columns.unbind(dim=1)], dim=1)
    return torch.special.ndtri((ranks - 3 / 8) / (len(ranks) + 1 / 4)).reshape(x.shape)


def _ranks(values: Tensor) -> Tensor:
    """The ranks 1 to n of the numbers `(n,)`, in which equal ones share their mean rank."""
    _, place, counts = values.unique(return_inverse=True, return_counts=True)
    return (counts.cumsum(0) - (counts - 1) / 2).to(values.dtype)[place]
