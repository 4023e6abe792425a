"""What is seen of a VAE with two latents: its codes, its decoded laws, its density, its bounds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Independent, Normal

from dgm_lib import metrics, objectives
from dgm_lib.core import Estimate, Grid, generator
from dgm_lib.demo.latent.truth import Truth
from dgm_lib.models import vae
from dgm_lib.models.vae import laws

WATCHED, CLOUD, JUDGED = 30, 400, 1000  # data: with ellipses, as means, for the curves
PRIOR = ((-4.0, 4.0), (-4.0, 4.0))  # holds all but 1e-4 of N(0, I)
CODES = 75  # per axis, of the quadrature over z
PIXELS = 64  # per axis, of the model's density
LEAST = 0.6  # spacings: a grid of Gaussians of this sigma ripples by 2 exp(-2 (0.6 pi)²) = 0.2 %
REACH = 3.5  # of the latent plane at first
REACHES = [REACH * 1.5**k for k in range(30)]
DRAWS = 200  # for the moments of a law that does not tell them
WEIGHTS = 100  # importance weights for each datum
RATE_EVERY, GAP_EVERY = 10, 200  # steps


class Seen:
    """A model in training beside the law that it learns, with the data at which it is watched."""

    def __init__(self, model: vae.VAE, truth: Truth, rng: torch.Generator) -> None:
        self.model, self.truth = model, truth
        self.like = next(model.parameters(), torch.zeros(()))
        self.x, self.colors = truth.sample(WATCHED, rng)
        self.cloud, self.cloud_colors = truth.sample(CLOUD, rng)
        self.judged = truth.law.sample((JUDGED,), generator=rng)
        self.log_p = truth.law.log_prob(self.judged)
        self.grid = Grid(PRIOR, CODES, self.like.dtype)
        self.rates, self.active, self.gap = torch.zeros(0), 0, Estimate(math.nan, math.nan)
        self.reach = REACH  # of the latent plane, to either side: wider where codes leave it

    # ---- numbers

    @torch.no_grad()
    def numbers(self, step: int) -> Mapping[str, Any]:
        """The scalars of a frame: some of them now and then, none at most steps.

        The draws are the same each time, so that curves show the model and not the noise.
        """
        found: dict[str, Any] = {}
        if step % RATE_EVERY == 0:
            terms = self.model.terms(self.judged.to(self.like), generator(0))
            mu, _ = moments(self.model.encoder(self.judged.to(self.like)))
            self.rates = torch.cat([kl.mean(0) for kl in terms.kls])
            self.active = metrics.active_units(mu).count
            kl, distortion = terms.kl.mean(), -terms.log_px.mean()
            found |= dict(negative_elbo=kl + distortion, kl=kl, distortion=distortion)
            found |= dict(entropy=self.truth.entropy)
            far = float(mu.abs().double().quantile(0.98))
            self.reach = next((r for r in REACHES if far < 0.97 * r), REACHES[-1])
        if step % GAP_EVERY == 0:
            x = self.judged[: JUDGED // 2]
            log_q = objectives.iwae(self.model, x.to(self.like), WEIGHTS, generator(1))
            self.gap = Estimate.of(self.log_p[: len(x)].double() - log_q.cpu().double())
            found["gap"] = self.gap
        return found

    # ---- the latent plane

    @torch.no_grad()
    def prior(self) -> tuple[np.ndarray, Any]:
        """The density (n, n) of the prior, and its box."""
        return self.model.prior.log_prob(self.grid.points).double().exp().cpu().numpy(), PRIOR

    @torch.no_grad()
    def posteriors(self) -> tuple[Tensor, np.ndarray]:
        """One standard deviation around q(z | x) for the watched data, (k, m, 2)."""
        return ellipses(*moments(self.model.encoder(self.x.to(self.like)))), self.colors

    @torch.no_grad()
    def means(self) -> tuple[Tensor, np.ndarray]:
        """The means of q(z | x) for the cloud, (n, 2)."""
        return moments(self.model.encoder(self.cloud.to(self.like)))[0], self.cloud_colors

    @torch.no_grad()
    def centres(self) -> tuple[Tensor, np.ndarray]:
        """The means of q(z | x) for the watched data, (k, 2)."""
        return moments(self.model.encoder(self.x.to(self.like)))[0], self.colors

    def limits(self) -> Any:
        """Those of the latent plane."""
        return ((-self.reach, self.reach), (-self.reach, self.reach))

    def walk(self, z: Tensor) -> Tensor:
        """Two straight ways through z across the plane, along z1 and along z2, (2, m, 2)."""
        way = torch.linspace(-self.reach, self.reach, 200).to(z)
        along = [torch.stack([way, z[1].expand_as(way)], -1)]
        return torch.stack([*along, torch.stack([z[0].expand_as(way), way], -1)])

    # ---- the data plane

    @torch.no_grad()
    def decoded(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """The means (*batch, 2) and the covariances (*batch, 2, 2) of p(x | z)."""
        return moments(self.model.decoder(z.to(self.like)))

    @torch.no_grad()
    def reconstructions(self) -> tuple[Tensor, np.ndarray]:
        """From each watched datum to the decoded mean of its code's mean, (k, 2, 2)."""
        mu, colors = self.centres()
        return torch.stack([self.x.to(self.like), self.decoded(mu)[0]], 1), colors

    def samples(self) -> Tensor:
        """Draws of the model (n, 2), with the same noise each time."""
        return self.model.sample((CLOUD,), generator(2))

    @torch.no_grad()
    def density(self) -> tuple[np.ndarray, Any] | None:
        """The model's p(x) = ∫ p(x | z) p(z) dz over the view (n, n), by quadrature over z.

        Where p(x | z) is too narrow for the grids of z or x, it is widened until they do not show.
        None where it is no product of Gaussians: that would take too long.
        """
        z = self.grid.points.to(self.like.device)
        law = self.model.decoder(z)
        if not (isinstance(law, Independent) and isinstance(law.base_dist, Normal)):
            return None
        weights = (self.model.prior.log_prob(z).exp() * self.grid.cell).reshape(-1, 1)
        mean, sigma = law.base_dist.mean, law.base_dist.stddev
        by_z1, by_z2 = torch.gradient(mean, dim=(0, 1))  # from a cell to the next
        reach = LEAST * torch.hypot(by_z1, by_z2)
        sides = []
        for k, axis in enumerate(Grid(self.truth.box, PIXELS, mean.dtype).axes):
            width = sigma[..., k].maximum(reach[..., k]).clamp(min=LEAST * float(axis[1] - axis[0]))
            width = width.reshape(-1, 1)
            t = (axis.to(mean.device) - mean[..., k].reshape(-1, 1)) / width
            sides.append(t.square_().mul_(-0.5).exp_().div_(width))
        values = (sides[0] * weights).T @ sides[1] / (2 * math.pi)
        return values.double().cpu().numpy(), self.truth.box


def moments(law: Any) -> tuple[Tensor, Tensor]:
    """The means (*batch, d) and covariances (*batch, d, d) of a law; of draws if it has none."""
    if hasattr(law, "covariance_matrix"):
        return law.mean, law.covariance_matrix
    if hasattr(law, "mean") and hasattr(law, "variance"):
        return law.mean, law.variance.diag_embed()
    z = laws.sample(law, (DRAWS,), generator(3))
    apart = (z - z.mean(0)).movedim(0, -1)
    return z.mean(0), apart @ apart.mT / DRAWS


def ellipses(mean: Tensor, covariance: Tensor) -> Tensor:
    """The points at one standard deviation around Gaussians of the plane, (*batch, m, 2)."""
    variances, axes = torch.linalg.eigh(covariance)
    angle = torch.linspace(0, 2 * math.pi, 50).to(mean)
    circle = torch.stack([angle.cos(), angle.sin()])
    around = (axes * variances.clamp(min=0).sqrt()[..., None, :]) @ circle
    return mean[..., None, :] + around.mT


def plane_to_plane(model: Any) -> None:
    """Refuse what is no VAE from the plane to the plane."""
    if not isinstance(model, vae.VAE):
        raise ValueError(f"make must return a vae.VAE, got {model!r}")
    for name, d in (("d", model.d), ("d_z", model.d_z)):
        if d not in (2, None):
            raise ValueError(f"make must return a VAE with {name} = 2, got {d}")
