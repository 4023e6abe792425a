"""The log-determinant of a planar layer."""

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from dgm_lib.exercises import Exercise, Fail
from dgm_lib.exercises.flows.planar_mistakes import MISTAKES


def planar_ladj(x: Tensor, v: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """log |det dz/dx| of z = x + v tanh(w·x + b): x (*batch, d), v, w (d,), b () -> (*batch,).

    By the matrix determinant lemma, det(I + a cᵀ) = 1 + a·c, at the price of two dot products.
    """
    slope = 1 - torch.tanh(x @ w + b) ** 2
    return (1 + slope * (v @ w)).abs().log()


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def draw(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    def case(*shape, dot, b):
        """A layer with v·w = dot: below −1 the determinant turns negative."""
        x, v, w = draw(*shape), draw(shape[-1]), draw(shape[-1])
        v = v + (dot - v @ w) * w / (w @ w)
        return x.to(dtype), v.to(dtype), w.to(dtype), torch.tensor(b, dtype=dtype)

    return [
        case(2, 2, dot=1.7, b=0.6),
        case(3, dot=-0.8, b=-0.4),
        case(5, 3, dot=0.9, b=-0.7),
        case(6, 2, dot=-3.5, b=0.3),
        case(9, 1, dot=2.2, b=0.5),
        case(2, 3, 4, dot=-0.6, b=0.8),
        case(3, 3, dot=1.2, b=0.4),
    ]


class _Sizes(TorchFunctionMode):
    """Notes the size of the largest tensor that passes through a function of torch."""

    def __init__(self) -> None:
        super().__init__()
        self.largest = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        sizes = [value.numel() for value in (out, *args) if isinstance(value, Tensor)]
        self.largest = max([self.largest, *sizes])
        return out


def _no_matrix(fn, generator):
    """no d×d matrix"""
    x, v, w = torch.randn(3, 40, generator=generator)
    with _Sizes() as sizes:
        fn(x[None], v, w, torch.tensor(0.2))
    if sizes.largest >= 40 * 40:
        raise Fail(
            "the values are right, but you build a d×d matrix, whose determinant costs d³: "
            "1 + h'(w·x + b) v·w is all that is left of it"
        )


# ------------------------------------------------------------------------ right answers


def _as_on_the_slide(x, v, w, b):
    a = (x * w).sum(dim=-1, keepdim=True) + b
    psi = (1 - torch.tanh(a).square()) * w
    return torch.log(torch.abs(1 + (psi * v).sum(dim=-1)))


def _from_cosh(x, v, w, b):
    a = torch.einsum("...d,d->...", x, w) + b
    return (1 + torch.dot(v, w) / torch.cosh(a) ** 2).square().log() / 2


def _with_log1p(x, v, w, b):
    determinant = torch.addmv(x.new_ones(x[..., 0].numel()), x.reshape(-1, len(w)), w, beta=0)
    shrink = torch.sinh(determinant + b) / torch.cosh(determinant + b)
    change = ((1 - shrink) * (1 + shrink) * sum(v * w)).view(x.shape[:-1])
    return torch.log1p(torch.where(change > -1, change, -2 - change))


def _by_autograd(x, v, w, b):
    a = x @ w + b
    _, slope = torch.func.jvp(torch.tanh, (a,), (torch.ones_like(a),))
    return torch.log(abs(slope * w.dot(v) + 1))


Exercise(
    planar_ladj,
    title="The log-determinant of a planar layer",
    minutes=6,
    difficulty=1,
    returns="(*batch,), one number per point",
    cases=_cases,
    properties=[_no_matrix],
    grad_wrt=("x", "v", "w", "b"),
    mistakes=MISTAKES,
    accepts=[_as_on_the_slide, _from_cosh, _with_log1p, _by_autograd],
    hints=(
        "The Jacobian is I + v (h'(w·x + b) w)ᵀ: the identity and an outer product.",
        "det(I + a cᵀ) = 1 + a·c. No matrix is needed, only dot products.",
        "The derivative of tanh at a is 1 − tanh(a)², with a = x @ w + b for the whole batch.",
    ),
)
