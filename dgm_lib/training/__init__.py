"""Training: a generator of steps, and what consumes it.

`train` yields a `Step` after every update; a plot, a check, a checkpoint or a progress bar is a
loop over it, and two of them zipped are a GAN. `fit` is the loop that only wants the result.

>>> from itertools import repeat
>>> import torch
>>> model = torch.nn.Linear(1, 1)
>>> loss = lambda model, x: (model(x) - 2 * x).square().mean()
>>> for step in train(model, loss, repeat(torch.linspace(-1, 1, 9)[:, None]), steps=400, lr=0.05):
...     pass
>>> step.index, round(model.weight.item(), 3)
(400, 2.0)
"""

from dgm_lib.training.batches import draws, epochs
from dgm_lib.training.checkpoint import checkpoint, load
from dgm_lib.training.divergence import Diverged
from dgm_lib.training.fit import History, collect, fit
from dgm_lib.training.loop import train
from dgm_lib.training.processes import processes
from dgm_lib.training.schedule import constant, cosine
from dgm_lib.training.step import Step

__all__ = [
    "Diverged",
    "History",
    "Step",
    "checkpoint",
    "collect",
    "constant",
    "cosine",
    "draws",
    "epochs",
    "fit",
    "load",
    "processes",
    "train",
]
