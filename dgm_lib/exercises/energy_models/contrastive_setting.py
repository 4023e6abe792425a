"""What a contrastive loss does to a model: its gradients, where samples depend on parameters."""

from collections.abc import Callable

import torch
from torch import Tensor

from dgm_lib.exercises.energy_models.stand_ins import Model


def data() -> Tensor:
    """Four points."""
    return torch.tensor(
        [[0.3, -1.1, 0.8], [1.4, 0.2, -0.5], [-0.7, 0.9, 1.6], [0.1, 2.1, -0.4]],
        dtype=torch.float64,
    )


def drawn(model: Model) -> Tensor:
    """Two points that a step down the energy has made: they hang on the model's parameters."""
    start = torch.tensor([[1.2, -0.6, 0.4], [-1.5, 0.7, 2.0]], dtype=torch.float64)
    return start - 0.4 * (model.slope + model.stiffness * start)


def gradients(loss: Callable) -> list[Tensor]:
    """Gradients of a loss in the parameters, [] if it has none."""
    return _value_and_gradients(loss)[1]


def _value_and_gradients(loss: Callable) -> tuple[Tensor, list[Tensor]]:
    model = Model(3, torch.float64)
    value, leaves = loss(model, data(), drawn(model)), list(model.parameters())
    if not value.requires_grad:
        return value, []
    found = torch.autograd.grad(value, leaves, allow_unused=True, materialize_grads=True)
    return value.detach(), list(found)


def trains_like(wrong: Callable) -> Callable:
    """Whether an answer has value and gradients of a wrong version: a `recognise` for mistakes."""

    def recognise(fn, generator):
        (value, mine), (same_value, theirs) = map(_value_and_gradients, (fn, wrong))
        same = len(mine) == len(theirs) and all(map(torch.allclose, mine, theirs))
        return same and torch.allclose(value.to(same_value), same_value)

    return recognise


def asks(loss: Callable, *methods: str) -> bool:
    """Whether a loss calls one of these methods, which the models of this lecture do not have."""
    asked = []

    def noting(name):
        def method(self, *args):
            asked.append(name)
            return self.energy(*args)

        return method

    model = type("Model", (Model,), {name: noting(name) for name in methods})(3, torch.float64)
    try:
        loss(model, data(), data() + 0.2)
    except Exception:
        pass
    return bool(asked)


def takes_pairs(loss: Callable, dimensions: int) -> bool:
    """Whether a loss works only where there are as many negatives as data.

    dimensions: how many its result has where it works.
    """
    model, x = Model(3, torch.float64), data()
    value = loss(model, x, x + 0.2)
    try:
        loss(model, x, x[:3] + 0.2)
    except RuntimeError as error:
        return value.ndim == dimensions and "must match the size" in str(error)
    return False


def takes_one_dimension(loss: Callable, right: Callable) -> bool:
    """Whether a loss is right for batches of one dimension alone."""
    model, x = Model(3, torch.float64), data()
    flat, right_value = loss(model, x, x[:3] + 0.2), right(model, x, x[:3] + 0.2)
    try:
        deep = loss(model, x.reshape(2, 2, 3), x[:3, None] + 0.2)
    except RuntimeError:
        deep = torch.full((), torch.nan)
    return bool(torch.allclose(flat, right_value) and not torch.allclose(deep, right_value))


def calls_backward(loss: Callable) -> bool:
    """Whether a loss fills the parameters' .grad."""
    model = Model(3, torch.float64)
    loss(model, data(), data() + 0.2)
    return any(parameter.grad is not None for parameter in model.parameters())


def underflows(loss: Callable, right: Callable) -> bool:
    """Whether a loss is right for small energies, and not finite or wrong for large ones."""
    model, x = Model(3, torch.float64), data()
    values = [(fn(model, x, x + 0.2), fn(model, x + 300, x - 300)) for fn in (loss, right)]
    (near, far), (right_near, right_far) = values
    return bool(torch.isclose(near, right_near) and not torch.isclose(far, right_far))
