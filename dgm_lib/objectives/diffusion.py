"""Objectives of models that undo noise: regressions on what was mixed.

The model has a `path` and, at (x_t, t), `eps`, `x0`, `v`, `score` and `velocity`, as those of
`models.diffusion`: a loss may be taken of any of them, whatever the network itself predicts, and
the losses differ only in how they weigh the times. One time and one ε are drawn for each datum x_0
of `(*batch, d)`; all losses have the arguments of `noise_matching`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from dgm_lib.core import tensor
from dgm_lib.nets.inputs import between, drawing_device
from dgm_lib.objectives.inputs import able, per_point, points

Weight = Callable[[Tensor], Tensor]


class Noised(NamedTuple):
    """Data at random times: x_t and ε `(*batch, d)`, t `(*batch, 1)`, and the labels to be told."""

    x_t: Tensor
    t: Tensor
    eps: Tensor
    y: Tensor | None

    @property
    def asked(self) -> tuple[Tensor, ...]:
        """What a model is asked with; a model without labels has no argument for one."""
        return (self.x_t, self.t) if self.y is None else (self.x_t, self.t, self.y)


def noised(
    path,
    x0: Tensor,
    y: Tensor | None = None,
    times: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Noised:
    """Each datum at a time of its own, uniform in the path's `span` or among the `times` `(n,)`.

    The times of a batch are spread evenly from a random start, so that a mean over them varies
    less; each by itself is uniform. Kingma et al., "Variational diffusion models" (2021).
    """
    path, n = able("path", path, "noised"), points("x0", x0).shape[:-1].numel()
    place = torch.arange(n, dtype=x0.dtype, device=x0.device) / max(n, 1)
    u = (place + _drawn(torch.rand, (1,), x0, generator)).frac().reshape(*x0.shape[:-1], 1)
    if times is None:
        low, high = path.span
        t = low + (high - low) * u
    else:
        times = tensor("times", times)
        if times.ndim != 1 or not times.numel() or times.is_complex():
            raise ValueError(f"times must have shape (n,), got {tuple(times.shape)}")
        t = times.to(x0)[(u * len(times)).long().clamp(max=len(times) - 1)]
    eps = _drawn(torch.randn, x0.shape, x0, generator)
    return Noised(path.noised(x0, t, eps), t, eps, y)


def pooled(path, data: Tensor, at: Noised) -> tuple[Tensor, Tensor]:
    """The means of x_0 and of ε given x_t `(m, d)` and the data `(n, d)`, but not which was noised.

        x̄_0 = sum_i w_i x_i,  w_i ∝ N(x_t; alpha x_i, sigma² I),  ε̄ = (x_t - alpha x̄_0) / sigma

    `at` is `noised` of these data, or of some of them. If they are independent, x̄_0 and ε̄
    `(m, d)` have the same means given x_t as x_0 and ε: a regression on them learns the same, with
    less noise in its gradient (Rao-Blackwell). Labels are ignored; it takes m n numbers. Xu, Tong &
    Jaakkola, "Stable target field for reduced variance score estimation in diffusion models"
    (2023).
    """
    path = able("path", path, "alpha", "sigma")
    is_table = points("data", data).ndim == at.x_t.ndim == 2 and len(data) > 0
    if not is_table or at.x_t.shape[1] != data.shape[1]:
        raise ValueError(
            f"data must have shape (n, d), and x_t (m, d), got {tuple(data.shape)} "
            f"and {tuple(at.x_t.shape)}"
        )
    alpha, sigma = path.alpha(at.t), path.sigma(at.t)
    pull = alpha / sigma**2
    logits = (pull * at.x_t) @ data.T - alpha * pull / 2 * data.square().sum(dim=-1)
    mean = logits.softmax(dim=-1) @ data
    return mean, path.eps_from_x0(at.x_t, at.t, mean)


def noise_matching(
    model,
    x0: Tensor,
    y: Tensor | None = None,
    times: Tensor | None = None,
    drop: float = 0.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """mean ‖eps(x_t, t) - ε‖², DDPM's simple loss.

    Times are uniform in the path's `span`, or among `times` `(n,)`. For labelled data the model is
    told y; of a part `drop` of them it is told that it may be any, the class `model.null`.
    Ho, Jain & Abbeel (2020); Ho & Salimans (2022).
    """
    at = _noised(model, x0, y, times, drop, generator)
    return _error(model.eps(*at.asked), at.eps).mean()


def data_matching(
    model,
    x0: Tensor,
    y: Tensor | None = None,
    times: Tensor | None = None,
    drop: float = 0.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """mean ‖x0(x_t, t) - x_0‖², a denoiser's: at each time (sigma / alpha)² times that of ε."""
    at = _noised(model, x0, y, times, drop, generator)
    return _error(model.x0(*at.asked), x0).mean()


def v_matching(
    model,
    x0: Tensor,
    y: Tensor | None = None,
    times: Tensor | None = None,
    drop: float = 0.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """mean ‖v(x_t, t) - v‖² for v = alpha ε - sigma x_0. Salimans & Ho (2022)."""
    at = _noised(model, x0, y, times, drop, generator)
    return _error(model.v(*at.asked), model.path.v(x0, at.t, at.eps)).mean()


def flow_matching(
    model,
    x0: Tensor,
    y: Tensor | None = None,
    times: Tensor | None = None,
    drop: float = 0.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """mean ‖velocity(x_t, t) - (alpha' x_0 + sigma' ε)‖². Lipman et al. (2023)."""
    at = _noised(model, x0, y, times, drop, generator)
    return _error(model.velocity(*at.asked), model.path.velocity(x0, at.t, at.eps)).mean()


def score_matching(
    model,
    x0: Tensor,
    y: Tensor | None = None,
    times: Tensor | None = None,
    drop: float = 0.0,
    generator: torch.Generator | None = None,
    weight: Weight | None = None,
) -> Tensor:
    """½ mean λ(t) ‖score(x_t, t) + ε / sigma‖²: denoising score matching at all levels of noise.

    `weight` is λ of times `(*batch, 1)`, by default sigma², for which it is half of
    `noise_matching`; g(t)² bounds the likelihood. Song & Ermon (2019); Song et al. (2021).
    """
    at = _noised(model, x0, y, times, drop, generator)
    error = _error(model.score(*at.asked), model.path.score_from_eps(at.eps, at.t))
    scale = model.path.sigma(at.t) ** 2 if weight is None else weight(at.t)
    return (per_point(scale.squeeze(-1), x0, "weight") * error).mean() / 2


def noisy_classification(
    classifier,
    x0: Tensor,
    y: Tensor,
    times: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """-mean log p(y | x_t), the cross-entropy of a classifier of noised data, in nats.

    The classifier has `log_prob(x_t, t, y)`, as `diffusion.NoisyClassifier`. Dhariwal & Nichol
    (2021).
    """
    able("classifier", classifier, "path", "log_prob")
    at = noised(classifier.path, x0, y, times, generator)
    return -per_point(classifier.log_prob(*at.asked), x0, "classifier.log_prob").mean()


def _noised(
    model,
    x0: Tensor,
    y: Tensor | None,
    times: Tensor | None,
    drop: float,
    generator: torch.Generator | None,
) -> Noised:
    """Data at random times, with a part of the labels dropped."""
    able("model", model, "path")
    if between("drop", drop, 0, 1) and y is None:
        raise ValueError("y must be given for some of it to be dropped")
    at = noised(model.path, x0, y, times, generator)
    if not drop:
        return at
    gone, y = _drawn(torch.rand, x0.shape[:-1], x0, generator) < drop, tensor("y", y)
    if y.ndim and y.shape != gone.shape:
        raise ValueError(
            f"y must be a label, or have shape {tuple(gone.shape)}, got {tuple(y.shape)}"
        )
    return at._replace(y=torch.where(gone, model.null, y.to(x0.device)))


def _error(found: Tensor, target: Tensor) -> Tensor:
    """‖found - target‖² of each point, which must be of one shape: broadcasting hides mistakes."""
    if found.shape != target.shape:
        raise ValueError(
            f"model must return the shape of x, {tuple(target.shape)}, got {tuple(found.shape)}"
        )
    return (found - target).square().sum(dim=-1)


def _drawn(draw, shape, like: Tensor, generator: torch.Generator | None) -> Tensor:
    """Random numbers as the points are and where they are; the generator may live elsewhere."""
    device = drawing_device(generator, like.device)
    return draw(shape, generator=generator, dtype=like.dtype, device=device).to(like.device)
