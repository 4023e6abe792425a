"""The diffusion model of a law whose noised laws are known, without any network."""

from __future__ import annotations

from torch import Tensor

from dgm_lib.models.diffusion.model import DiffusionModel
from dgm_lib.nets.inputs import require_time


class Exact(DiffusionModel):
    """What a perfectly trained model of `target` would say: its methods, and the law of x_t.

    `target` needs `noised(alpha, sigma)`, as the Gaussian mixtures among `dgm_lib.targets`. In
    double precision for points in double precision.

    >>> import torch
    >>> from dgm_lib import paths, targets
    >>> model = Exact(paths.cosine(), targets.ring())
    >>> model.score(torch.zeros(5, 2), torch.full((5, 1), 0.5)).shape
    torch.Size([5, 2])
    """

    def __init__(self, path, target) -> None:
        if not hasattr(target, "noised"):
            raise ValueError(f"target must have known noised laws, as a mixture, got {target!r}")
        super().__init__(path, target.d)
        self.target = target

    def law(self, t: Tensor):
        """The law p_t of x_t: `log_prob`, `score`, `denoise`, `posterior`, `sample`."""
        return self.target.noised(self.path.alpha(t), self.path.sigma(t))

    def x0_and_eps(
        self, x_t: Tensor, t: Tensor, y: int | Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        law = self._law(x_t, t)
        return law.denoise(x_t, y), self.path.eps_from_score(law.score(x_t, y), t)

    def score(self, x_t: Tensor, t: Tensor, y: int | Tensor | None = None) -> Tensor:
        """The score of p_t, also at t = 0."""
        return self._law(x_t, t).score(x_t, y)

    def velocity(self, x_t: Tensor, t: Tensor, y: int | Tensor | None = None) -> Tensor:
        """alpha' E[x_0 | x_t] - (sigma²)'/2 · score, at both ends as well."""
        law = self._law(x_t, t)
        noise = self.path.variance_dot(t) / 2 * law.score(x_t, y)
        return self.path.alpha_dot(t) * law.denoise(x_t, y) - noise

    def log_prob(self, x_t: Tensor, t: Tensor, y: int | Tensor | None = None) -> Tensor:
        """log p_t(x_t), `(*batch, d) -> (*batch,)`."""
        return self._law(x_t, t).log_prob(x_t, y)

    def _law(self, x_t: Tensor, t: Tensor):
        """The law at a time that goes with the points."""
        require_time(x_t, t)
        return self.law(t)
