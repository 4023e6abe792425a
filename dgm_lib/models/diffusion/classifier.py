"""Classifiers of noised points: log p(y | x_t), and the slope that guides towards a class."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from dgm_lib.core import whole
from dgm_lib.models.diffusion.labels import class_of, on_path
from dgm_lib.nets import TimeMLP
from dgm_lib.nets.inputs import network, require_floats, require_last, require_time


class Classifier(nn.Module):
    """p(y | x_t) for k classes, of points x_t `(*batch, d)` at times t `(*batch, 1)`."""

    path: object
    k: int

    def log_posterior(self, x_t: Tensor, t: Tensor) -> Tensor:
        """log p(y | x_t) of every class, `(*batch, k)`."""
        raise NotImplementedError

    def log_prob(self, x_t: Tensor, t: Tensor, y: int | Tensor) -> Tensor:
        """log p(y | x_t), `(*batch,)`."""
        log_p = self.log_posterior(x_t, t)
        return log_p.gather(-1, class_of(y, self.k, x_t)[..., None]).squeeze(-1)

    def score(self, x_t: Tensor, t: Tensor, y: int | Tensor) -> Tensor:
        """∇ log p(y | x_t), with respect to x_t, `(*batch, d)`. Dhariwal & Nichol (2021).

        It can be differentiated again where x_t requires a gradient.
        """
        require_floats(x_t, "x_t")
        keep = torch.is_grad_enabled() and x_t.requires_grad
        with torch.inference_mode(False), torch.enable_grad():
            at = x_t if keep else x_t.detach().clone().requires_grad_()
            total = self.log_prob(at, t, y).sum()
            return torch.autograd.grad(total, at, create_graph=keep)[0]


class NoisyClassifier(Classifier):
    """A network that learns p(y | x_t) of k classes from noised data; `net(x, t)` gives logits.

    >>> from dgm_lib import paths
    >>> classifier = NoisyClassifier(paths.cosine(), k=8)
    >>> x_t, t = torch.zeros(5, 2), torch.full((5, 1), 0.5)
    >>> classifier.log_prob(x_t, t, y=3).shape, classifier.score(x_t, t, y=3).shape
    (torch.Size([5]), torch.Size([5, 2]))
    """

    def __init__(
        self,
        path,
        k: int,
        net: nn.Module | None = None,
        d: int = 2,
        hidden: Sequence[int] = (128, 128),
    ) -> None:
        super().__init__()
        self.path, self.k, self.d = on_path(path), whole("k", k), whole("d", d)
        self.net = TimeMLP(self.d, self.k, hidden) if net is None else network("net", net)

    def log_posterior(self, x_t: Tensor, t: Tensor) -> Tensor:
        require_last(x_t, self.d, "x_t"), require_time(x_t, t)
        size = (self.path.alpha(t) ** 2 + self.path.sigma(t) ** 2).sqrt()
        logits = self.net(x_t / size, t)
        if logits.shape != (*x_t.shape[:-1], self.k):
            raise ValueError(
                f"net must return {self.k} logits per point, shape {(*x_t.shape[:-1], self.k)}, "
                f"got {tuple(logits.shape)}"
            )
        return logits.log_softmax(dim=-1)

    forward = log_posterior


class ExactClassifier(Classifier):
    """p(y | x_t) of the labels of a law whose noised laws are known; see `Exact`."""

    def __init__(self, path, target) -> None:
        super().__init__()
        if getattr(target, "labels", None) is None or not hasattr(target, "noised"):
            raise ValueError(f"target must have labels and known noised laws, got {target!r}")
        self.path, self.target = on_path(path), target
        self.k, self.d = len(target.labels), target.d

    def log_posterior(self, x_t: Tensor, t: Tensor) -> Tensor:
        require_time(x_t, t)
        return self.target.noised(self.path.alpha(t), self.path.sigma(t)).log_posterior(x_t)
