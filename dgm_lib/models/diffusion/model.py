"""What every diffusion model can say of a noised point, and the one that learns to."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from dgm_lib.core import whole
from dgm_lib.models.diffusion.labels import class_of, on_path
from dgm_lib.models.diffusion.predictions import Prediction, noise
from dgm_lib.nets import TimeMLP
from dgm_lib.nets.inputs import network, require_last, require_time


class DiffusionModel(nn.Module):
    """The means of x_0 and ε given x_t, on a path, and what follows from them.

    Everything is asked of points x_t `(*batch, d)` at times t `(*batch, 1)`, and answered
    `(*batch, d)`. A model of labelled data may be told the label y, an integer or `(*batch,)` of
    them; without one it speaks of all the data.
    """

    def __init__(self, path, d: int) -> None:
        super().__init__()
        self.path, self.d = on_path(path), whole("d", d)

    def x0_and_eps(
        self, x_t: Tensor, t: Tensor, y: int | Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """E[x_0 | x_t] and E[ε | x_t]; alpha times the one and sigma times the other make x_t."""
        raise NotImplementedError

    def x0(self, x_t: Tensor, t: Tensor, y: int | Tensor | None = None) -> Tensor:
        """The denoised point, E[x_0 | x_t]."""
        return self.x0_and_eps(x_t, t, y)[0]

    def eps(self, x_t: Tensor, t: Tensor, y: int | Tensor | None = None) -> Tensor:
        """The noise, E[ε | x_t]."""
        return self.x0_and_eps(x_t, t, y)[1]

    def v(self, x_t: Tensor, t: Tensor, y: int | Tensor | None = None) -> Tensor:
        """v = alpha E[ε | x_t] - sigma E[x_0 | x_t]. Salimans & Ho (2022)."""
        x0, eps = self.x0_and_eps(x_t, t, y)
        return self.path.v(x0, t, eps)

    def score(self, x_t: Tensor, t: Tensor, y: int | Tensor | None = None) -> Tensor:
        """The score of the law of x_t, ∇ log p_t(x_t) = -E[ε | x_t] / sigma."""
        return self.path.score_from_eps(self.eps(x_t, t, y), t)

    def velocity(self, x_t: Tensor, t: Tensor, y: int | Tensor | None = None) -> Tensor:
        """E[dx_t/dt | x_t], the velocity of the probability-flow ODE. Song et al. (2021)."""
        x0, eps = self.x0_and_eps(x_t, t, y)
        return self.path.velocity(x0, t, eps)

    def given(self, y: int | Tensor) -> DiffusionModel:
        """The model of the data of this label: the same methods, without y."""
        return Given(self, y)


class Given(DiffusionModel):
    """A conditional model that has been told its label."""

    def __init__(self, model: DiffusionModel, y: int | Tensor) -> None:
        super().__init__(model.path, model.d)
        self.model, self.y = model, y

    def x0_and_eps(
        self, x_t: Tensor, t: Tensor, y: int | Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        if y is not None:
            raise ValueError(f"y must be None: the model is that of label {self.y}, got {y!r}")
        return self.model.x0_and_eps(x_t, t, self.y)


class Denoiser(DiffusionModel):
    """A network that says one of ε, x_0, v, the velocity or the score of a noised point.

    `predicts` is `noise`, `data`, `v`, `velocity` or `score`; all the others follow from it.
    `net(x, t)` is a perceptron with features of time, unless another one is given; it sees
    x_t / √(alpha² + sigma²), which is of one size on every path. For `labels` of k classes it sees
    an embedding of the label, too, behind x: `(*batch, d + embedding)`; the class `null` = k
    stands for "any". Ho, Jain & Abbeel (2020); Ho & Salimans (2022) for the null class.

    >>> from dgm_lib import paths
    >>> model = Denoiser(paths.cosine(), predicts=noise)
    >>> x_t, t = torch.zeros(5, 2), torch.full((5, 1), 0.5)
    >>> model.x0(x_t, t).shape, model.score(x_t, t).shape
    (torch.Size([5, 2]), torch.Size([5, 2]))
    """

    def __init__(
        self,
        path,
        net: nn.Module | None = None,
        d: int = 2,
        predicts: Prediction = noise,
        labels: int = 0,
        hidden: Sequence[int] = (128, 128, 128),
        embedding: int = 16,
    ) -> None:
        super().__init__(path, d)
        if not isinstance(predicts, Prediction):
            raise ValueError(
                f"predicts must be noise, data, v, velocity or score, got {predicts!r}"
            )
        self.predicts, self.labels = predicts, whole("labels", labels, at_least=0)
        self.null = self.labels
        size = whole("embedding", embedding) if labels else 0
        self.embed = nn.Embedding(self.labels + 1, size) if labels else None
        if net is None:
            net = TimeMLP(self.d + size, self.d, hidden)
        self.net = network("net", net)

    def forward(self, x_t: Tensor, t: Tensor, y: int | Tensor | None = None) -> Tensor:
        """What the network says: the mean of `predicts` given x_t."""
        require_last(x_t, self.d, "x_t")
        require_time(x_t, t)
        size = (self.path.alpha(t) ** 2 + self.path.sigma(t) ** 2).sqrt()
        value = self.net(self._told(x_t / size, y), t)
        if value.shape != x_t.shape:
            raise ValueError(
                f"net must return the shape of x, {tuple(x_t.shape)}, got {tuple(value.shape)}"
            )
        return value

    def x0_and_eps(
        self, x_t: Tensor, t: Tensor, y: int | Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        value = self(x_t, t, y)
        answer = (self.path, x_t, t, value)
        return self.predicts.x0(*answer), self.predicts.eps(*answer)

    def _told(self, x: Tensor, y: int | Tensor | None) -> Tensor:
        """The points with the embedding of their label behind them."""
        if self.embed is None:
            if y is not None:
                raise ValueError(f"y must be None for a model without labels, got {y!r}")
            return x
        y = class_of(self.null if y is None else y, self.labels + 1, x)
        return torch.cat([x, self.embed(y)], dim=-1)
