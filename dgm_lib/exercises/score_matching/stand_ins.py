"""A small field that the losses of this lecture are tried on, and what trains it."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from dgm_lib.exercises import Fail


def _numbers(*shape: int, start: float, dtype: torch.dtype) -> nn.Parameter:
    """Weights between -1 and 1, no two alike."""
    count = torch.arange(torch.Size(shape).numel(), dtype=torch.float64)
    return nn.Parameter((start + 1.7 * count).sin().reshape(shape).to(dtype))


class Field(nn.Module):
    """x (n, d) -> s(x) (n, d), bent in every direction; its Jacobian is not symmetric."""

    name = "a field"

    def __init__(self, d: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.first = _numbers(d, 5, start=1.3, dtype=dtype)
        self.last = _numbers(5, d, start=0.2, dtype=dtype)
        self.bias = _numbers(d, start=0.8, dtype=dtype)

    def forward(self, x: Tensor) -> Tensor:
        """s(x), (*batch, d) -> (*batch, d)."""
        return (x @ self.first).tanh() @ self.last - 0.4 * x + self.bias


class Spy(Field):
    """A field that keeps the points it was asked at last."""

    def forward(self, x: Tensor) -> Tensor:
        """s(x), (*batch, d) -> (*batch, d)."""
        self.x = x
        return super().forward(x)

    @classmethod
    def of(cls, loss: Callable, *args: object) -> "Spy":
        """A spy that loss(field, *args) has asked."""
        spy = cls(2, torch.float64)
        loss(spy, *args)
        return spy


def points() -> Tensor:
    """Three points of the plane."""
    return torch.tensor([[0.3, -1.1], [1.4, 0.2], [-0.7, 0.9]], dtype=torch.float64)


def gradients(loss: Callable, *args: object) -> list[Tensor]:
    """Gradients of loss(field, *args) in the field's parameters, zeros where none arrives."""
    field = Field(2, torch.float64)
    value, leaves = loss(field, *args), list(field.parameters())
    if not value.requires_grad:
        return [torch.zeros_like(leaf) for leaf in leaves]
    options = {"allow_unused": True, "materialize_grads": True}
    return list(torch.autograd.grad(value, leaves, **options))


def same(mine: list[Tensor], others: list[Tensor]) -> bool:
    """Whether all gradients agree."""
    return all(map(torch.allclose, mine, others))


def require_training(mine: list[Tensor], right: list[Tensor]) -> None:
    """Raise Fail unless a loss trains the field as it should."""
    if not any(gradient.any() for gradient in mine):
        raise Fail("no gradient of the loss reaches the network: no `.detach()`, `.item()`")
    if not same(mine, right):
        raise Fail("the value is right, but the gradients in the network's parameters are not")


def raises(words: str, *args: object) -> Callable:
    """Recognises what ends in an error that says these words."""

    def recognise(fn: Callable, generator: torch.Generator) -> bool:
        try:
            fn(Field(2, torch.float64), points(), *args)
        except RuntimeError as error:
            return words in str(error)
        return False

    return recognise


def is_random(*args: object) -> Callable:
    """Recognises what gives two numbers for the same arguments."""

    def recognise(fn: Callable, generator: torch.Generator) -> bool:
        first, second = (fn(Field(2, torch.float64), points(), *args) for _ in range(2))
        return bool((first != second).any())

    return recognise
