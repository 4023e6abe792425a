"""What the training runs of the tests are made of: data, a network, a loss, and no bar."""

import pytest
import torch
from torch import nn
from torch.distributions import Independent, Normal

from dgm_lib.nets import MLP

TRUTH = Independent(Normal(*torch.tensor([[1.0, -2.0], [0.5, 3.0]]).double()), 1)
DATA = torch.linspace(-1, 1, 26).reshape(13, 2)
OPTIONS = dict(steps=24, lr=0.01, ema=0.9, clip=1.0, seed=3)


@pytest.fixture(autouse=True)
def no_bar(monkeypatch):
    """No progress bar, in every module that imports this."""
    monkeypatch.setenv("TQDM_DISABLE", "1")


def net(dropout=0.0):
    """A network with buffers and, if asked for, random numbers of its own."""
    torch.manual_seed(1)
    return nn.Sequential(MLP(2, 8, (8,)), nn.BatchNorm1d(8), nn.Dropout(dropout), MLP(8, 2, ()))


def square(model, x):
    """A loss that draws random numbers of its own."""
    return (model(x + 0.01 * torch.randn_like(x)) - x.sin()).square().mean()


def equal(a, b):
    """Whether two nested states agree to the bit."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(equal, a, b))
    return torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b
