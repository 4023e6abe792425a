"""Planar and Sylvester layers: one or several hidden tanh units added to the identity."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import celu

from dgm_lib.core import whole
from dgm_lib.models.flow.conditioner import Coefficients
from dgm_lib.models.flow.transform import Transform
from dgm_lib.nets.inputs import require_points

LEAST_PRODUCT = -0.9  # of w·v; at -1 the slope along w reaches 0, and space begins to fold over
NEWTON_STEPS = 10  # reach the last digit of double precision while w·v < 10⁴


class Planar(Transform):
    """z = x + v tanh(w·x + b), with log|det| = log(1 + w·v tanh'(w·x + b)).

    It is invertible while w·v > -1, which the parametrisation ensures; it starts at v = 0, the
    identity. The inverse solves one scalar equation per point. With a context, the parameters are
    a network's function of it. (Rezende and Mohamed, 2015.)
    """

    def __init__(self, d: int, context: int = 0, hidden: Sequence[int] = (64, 64)) -> None:
        super().__init__()
        self.d, self.context = whole("d", d), whole("context", context, at_least=0)
        start = torch.cat([torch.zeros(d), torch.randn(d), torch.randn(1)])
        self.coefficients = Coefficients(start, context, hidden)

    def parameters_at(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, ...]:
        """v and w `(…, d)` and b `(…,)`, for points x with their context."""
        v, w, b = self.coefficients(x, context).split([self.d, self.d, 1], dim=-1)
        return unfolded(v, w), w, b.squeeze(-1)

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        require_points(x, self.d, "x")
        v, w, b = self.parameters_at(x, context)
        h = torch.tanh((w * x).sum(-1) + b)
        return x + v * h.unsqueeze(-1), torch.log1p((w * v).sum(-1) * (1 - h**2))

    def inverse(self, z: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        require_points(z, self.d, "z")
        v, w, b = self.parameters_at(z, context)
        c = (w * v).sum(-1)
        h = torch.tanh(solve((w * z).sum(-1) + b, c))
        return z - v * h.unsqueeze(-1), -torch.log1p(c * (1 - h**2))


class Sylvester(Transform):
    """z = x + Q R tanh(S Qᵀx + b): m units, Q `(d, m)` orthonormal, R and S upper triangular.

    log|det| = Σ_i log(1 + R_ii S_ii tanh'_i) by Sylvester's identity. It is invertible while each
    R_ii S_ii > -1, which the parametrisation ensures; it starts at R = 0, the identity. The
    inverse solves m scalar equations, the last coordinate of Qᵀx first. With a context, R, S and b
    are a network's function of it. (van den Berg et al., 2018.)
    """

    def __init__(self, d: int, m: int, context: int = 0, hidden: Sequence[int] = (64, 64)) -> None:
        super().__init__()
        self.d, self.m = whole("d", d), whole("m", m, at_most=d)
        self.context = whole("context", context, at_least=0)
        self.directions = torch.nn.Parameter(torch.randn(d, m))
        start = torch.cat([torch.zeros(m * m), torch.randn(m * m) / m**0.5, torch.randn(m)])
        self.coefficients = Coefficients(start, context, hidden)

    def parameters_at(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, ...]:
        """Q `(d, m)`, R and S `(…, m, m)` and b `(…, m)`, for points x with their context."""
        m = self.m
        r, s, b = self.coefficients(x, context).split([m * m, m * m, m], dim=-1)
        R, S = (square.unflatten(-1, (m, m)).triu() for square in (r, s))
        diagonals = (square.diagonal(dim1=-2, dim2=-1).unsqueeze(-1) for square in (R, S))
        R = R.triu(1) + torch.diag_embed(unfolded(*diagonals).squeeze(-1))
        # torch has no QR in half precision.
        precision = torch.promote_types(self.directions.dtype, torch.float32)
        Q, _ = torch.linalg.qr(self.directions.to(precision))
        return Q.to(self.directions), R, S, b

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        require_points(x, self.d, "x")
        Q, R, S, b = self.parameters_at(x, context)
        h = torch.tanh(times(S, x @ Q) + b)
        return x + times(R, h) @ Q.T, self._ladj(R, S, h)

    def inverse(self, z: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        require_points(z, self.d, "z")
        Q, R, S, b = self.parameters_at(z, context)
        # With u = Qᵀx and h = tanh(S u + b), Qᵀz = u + R h; row i has u_i, h_i and later ones only.
        rest, later = z @ Q, b.expand(z.shape[:-1] + b.shape[-1:])
        found = []
        for i in reversed(range(self.m)):
            r, s = R[..., i, i], S[..., i, i]
            h = torch.tanh(solve(s * rest[..., i] + later[..., i], r * s))
            u = rest[..., i] - r * h
            rest = rest - R[..., :, i] * h.unsqueeze(-1)
            later = later + S[..., :, i] * u.unsqueeze(-1)
            found.append(h)
        h = torch.stack(found[::-1], dim=-1)
        return z - times(R, h) @ Q.T, -self._ladj(R, S, h)

    def _ladj(self, R: Tensor, S: Tensor, h: Tensor) -> Tensor:
        products = R.diagonal(dim1=-2, dim2=-1) * S.diagonal(dim1=-2, dim2=-1)
        return torch.log1p(products * (1 - h**2)).sum(-1)


def times(matrix: Tensor, vector: Tensor) -> Tensor:
    """The products `(…, m, m), (*batch, m) -> (*batch, m)`."""
    return (vector.unsqueeze(-2) @ matrix.mT).squeeze(-2)


def unfolded(v: Tensor, w: Tensor) -> Tensor:
    """The v `(…, d)`, changed along w only, and only where w·v < 0, so that w·v > -0.9.

    The product a becomes celu(a), smoothly; as w → 0 the change vanishes too.
    """
    product = (w * v).sum(-1, keepdim=True)
    change = celu(product, alpha=-LEAST_PRODUCT) - product
    return v + change * w / (w.square().sum(-1, keepdim=True) + torch.finfo(w.dtype).tiny)


def solve(y: Tensor, c: Tensor) -> Tensor:
    """The root a of a + c tanh(a) = y for c > -1, elementwise, with its gradients.

    The left side is odd, so y may be taken positive; there it is concave for c > 0 and convex for
    c < 0. In both cases Newton's steps from the start below approach the root from one side, and
    never cross it: they need no bisection to be safe.
    """
    with torch.no_grad():
        sign, y_, c_ = y.sign(), y.abs(), c.detach()
        linear, shifted = y_ / (1 + c_), y_ - c_
        a = torch.where(c_ > 0, linear.maximum(shifted), linear.minimum(shifted))
        for _ in range(NEWTON_STEPS):
            a = _newton(a, y_, c_)
        a = sign * a
    # One step with gradients makes the first derivatives right (the implicit function theorem),
    # and two the second and third.
    return _newton(_newton(a, y, c), y, c)


def _newton(a: Tensor, y: Tensor, c: Tensor) -> Tensor:
    h = torch.tanh(a)
    return a - (a + c * h - y) / (1 + c * (1 - h**2))
