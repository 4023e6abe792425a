"""What a step of guidance may ask, and the ways of guidance to choose from."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from dgm_lib.demo.diffusion.steps import Step
from dgm_lib.demo.diffusion.tilt import Labelled
from dgm_lib.models.diffusion import Exact, ExactClassifier
from dgm_lib.samplers import diffusion

LEAST = 1e-4  # standard deviation of a step


class Guide:
    """A label `y`, a weight `w`, a `path`, and what is known of points x (n, 2) at times t (n, 1).

    The model and the classifier are the exact ones of the law unless others are given.
    """

    def __init__(
        self,
        labelled: Labelled,
        path: Any,
        y: int,
        w: float,
        n: int,
        model: Any = None,
        classifier: Any = None,
    ) -> None:
        self.path, self.y, self.w = path, y, w
        self.model = Exact(path, labelled.law) if model is None else model
        exact = ExactClassifier(path, labelled.law)
        self.classifier = exact if classifier is None else classifier
        self.tilted = labelled.tilted(y, w, n)

    def alpha_bar(self, t: Tensor) -> Tensor:
        """ᾱ_t = alpha(t)², (n, 1); 1 - ᾱ_t is sigma² on paths that preserve variance."""
        return self.path.alpha(t) ** 2

    def eps(self, x: Tensor, t: Tensor) -> Tensor:
        """E[ε | x_t], without a label."""
        return self.model.eps(x, t)

    def eps_given_y(self, x: Tensor, t: Tensor) -> Tensor:
        """E[ε | x_t, y]."""
        return self.model.eps(x, t, self.y)

    def gradient(self, x: Tensor, t: Tensor) -> Tensor:
        """∇ log p(y | x_t)."""
        return self.classifier.score(x, t, self.y)

    def eps_tilted(self, x: Tensor, t: Tensor) -> Tensor:
        """E[ε | x_t] if x_0 has the tilted law: always exact."""
        return self.tilted.eps(self.path, x, t)

    def mean_and_sigma(self, x: Tensor, t: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        """mu (n, 2) and sigma (n, 1) of DDPM's step from t to s, without guidance."""
        mean, sigma = self.path.posterior(x, t, self.path.x0_from_eps(x, t, self.eps(x, t)), s)
        return mean, sigma.clamp(min=LEAST)


def classifier(guide: Guide, x: Tensor, t: Tensor, s: Tensor, noise: Tensor) -> Tensor:
    """DDIM with the gradient of a classifier."""
    eps = diffusion.classifier_guided_eps(guide.eps, guide.gradient, guide.path, guide.w)
    return diffusion.ddim_step(guide.path, x, t, s, eps(x, t), noise)


def classifier_free(guide: Guide, x: Tensor, t: Tensor, s: Tensor, noise: Tensor) -> Tensor:
    """DDIM with one model that knows of y and one that does not."""
    eps = diffusion.classifier_free(guide.eps_given_y, guide.eps, guide.w)
    return diffusion.ddim_step(guide.path, x, t, s, eps(x, t), noise)


def ancestral(guide: Guide, x: Tensor, t: Tensor, s: Tensor, noise: Tensor) -> Tensor:
    """DDPM, its mean shifted by w sigma² times the classifier's gradient."""
    mean, sigma = guide.mean_and_sigma(x, t, s)
    return mean + guide.w * sigma**2 * guide.gradient(mean, s) + sigma * noise


def exact_tilt(guide: Guide, x: Tensor, t: Tensor, s: Tensor, noise: Tensor) -> Tensor:
    """DDIM with the exact ε of the noised tilted law, which no guidance knows."""
    return diffusion.ddim_step(guide.path, x, t, s, guide.eps_tilted(x, t), noise)


WAYS: dict[str, Step] = {
    "classifier": classifier,
    "classifier-free": classifier_free,
    "ancestral": ancestral,
    "exact tilt": exact_tilt,
}
