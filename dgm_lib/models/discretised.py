"""A law of integers that knows they are ordered: a continuous mixture, cut into bins by its CDF."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from dgm_lib.core import shape as checked_shape
from dgm_lib.core import tensor, whole
from dgm_lib.nets.inputs import drawing_device, require_floats


class DiscretisedLogistics:
    """A mixture of K logistics on the levels y = 0, ..., levels - 1, in bins [y - ½, y + ½].

    P(y) = sum_k pi_k (F((y + ½ - mu_k) / s_k) - F((y - ½ - mu_k) / s_k)) with F the sigmoid,
    pi = softmax(logits) and s = exp(log_s), all counted in levels. The two edge bins reach to
    -inf and +inf, so that the bins sum to one. `logits`, `mu` and `log_s` are `(*batch, K)`: one
    law for each of the batch's numbers. Salimans et al., "PixelCNN++" (2017).

    >>> zero = torch.zeros(1)
    >>> DiscretisedLogistics(logits=zero, mu=zero + 1, log_s=zero, levels=3).probabilities()
    tensor([0.3775, 0.2449, 0.3775])
    """

    def __init__(self, logits: Tensor, mu: Tensor, log_s: Tensor, levels: int) -> None:
        for name, value in (("logits", logits), ("mu", mu), ("log_s", log_s)):
            require_floats(value, name)
        try:
            logits, self.mu, log_s = torch.broadcast_tensors(logits, mu, log_s)
        except RuntimeError:
            shapes = ", ".join(str(tuple(p.shape)) for p in (logits, mu, log_s))
            raise ValueError(
                f"logits, mu and log_s must have one shape (*batch, K), got {shapes}"
            ) from None
        if logits.ndim == 0:
            raise ValueError("logits, mu and log_s must have shape (*batch, K), got numbers")
        self.levels = whole("levels", levels)
        self.log_weights = logits.log_softmax(dim=-1)
        # So that neither s nor 1 / s, times any number of levels, leaves the range of the floats.
        reach = 0.5 * math.log(torch.finfo(log_s.dtype).max)
        self.log_s = log_s.clamp(-reach, reach)

    def log_prob(self, y: Tensor) -> Tensor:
        """log P(y) in nats, `(*batch,) -> (*batch,)`; -inf for a y that is not a level.

        No difference of two nearly equal numbers is taken, however far the tail, as
        F(b) - F(a) = F(b) F(-a) (1 - exp(a - b)), where b - a = 1 / s in each inner bin.
        """
        y, last = self._checked(tensor("y", y)), self.levels - 1
        is_level = (y >= 0) & (y <= last) & (y == y.round())
        y = y[..., None]
        to_inverse = (-self.log_s).exp()
        below_top = logsigmoid((y + 0.5 - self.mu) * to_inverse)  # log F(b)
        above_bottom = logsigmoid((self.mu - y + 0.5) * to_inverse)  # log F(-a)
        width = (-torch.expm1(-to_inverse)).log()
        log_bins = (
            torch.where(y < last, below_top, 0)
            + torch.where(y > 0, above_bottom, 0)
            + torch.where((y > 0) & (y < last), width, 0)
        )
        log_p = (self.log_weights + log_bins).logsumexp(dim=-1)
        return log_p.masked_fill(~is_level, -math.inf)

    def _checked(self, y: Tensor) -> Tensor:
        """The argument `y`, once it is known to be real numbers that go with the laws."""
        batch = self.mu.shape[:-1]
        try:
            torch.broadcast_shapes(y.shape, batch)
        except RuntimeError:
            raise ValueError(f"y must have shape {tuple(batch)}, got {tuple(y.shape)}") from None
        if y.is_complex():
            raise ValueError(f"y must hold real numbers, got {y.dtype}")
        return y

    def probabilities(self) -> Tensor:
        """P(y) of every level, `(*batch, levels)`."""
        y = torch.arange(self.levels, device=self.mu.device)
        every = y.reshape(-1, *(1,) * (self.mu.ndim - 1))
        return self.log_prob(every).exp().movedim(0, -1)

    def sample(
        self, shape: tuple[int, ...] = (), generator: torch.Generator | None = None
    ) -> Tensor:
        """Independent draws, integers `(*shape, *batch)`."""
        shape = checked_shape("shape", shape) + self.mu.shape
        device = drawing_device(generator, self.mu.device)

        def uniform(*shape: int) -> Tensor:
            u = torch.rand(shape, generator=generator, dtype=self.mu.dtype, device=device)
            return u.to(self.mu.device)

        with torch.no_grad():
            gumbel = -(-uniform(*shape).log()).log()
            component = (self.log_weights + gumbel).argmax(dim=-1, keepdim=True)
            mu = self.mu.expand(shape).gather(-1, component).squeeze(-1)
            s = self.log_s.exp().expand(shape).gather(-1, component).squeeze(-1)
            # The last bits of u are all that the tails have: 0 would be at minus infinity.
            logistic = uniform(*shape[:-1]).logit(eps=torch.finfo(self.mu.dtype).eps)
            return (mu + s * logistic).add(0.5).floor().clamp(0, self.levels - 1).long()
