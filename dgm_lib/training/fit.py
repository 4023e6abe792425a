"""Train to the end under a progress bar, and keep what happened."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import pad
from tqdm.auto import tqdm

from dgm_lib.training import inputs
from dgm_lib.training.processes import shows
from dgm_lib.training.run import Loss, Run
from dgm_lib.training.step import Step


@dataclass
class History:
    """What happened in a run: one value per step `(steps,)`, and the models it left."""

    model: nn.Module | None
    averaged: nn.Module | None
    losses: Tensor
    grad_norms: Tensor
    lrs: Tensor
    seconds: float

    def smooth(self, k: int = 100) -> Tensor:
        """The mean loss of the last k steps at every step `(steps,)`; of fewer at the start."""
        k = inputs.count("k", k)
        windows = pad(self.losses, (k, 0)).unfold(0, k, 1)[1:]
        return windows.sum(-1) / torch.arange(1, len(windows) + 1).clamp(max=k)

    def __repr__(self) -> str:
        return f"History({len(self.losses)} steps)"


def fit(model: nn.Module, loss: Loss, batches: Iterable, *, steps: int, **options) -> History:
    """Train the model for so many steps; `options` are those of `train`.

    An interrupt (Ctrl-C, or the notebook's stop button) ends it early and loses nothing.

    >>> loss = lambda model, x: (model(x) - x).square().mean()
    >>> fit(nn.Linear(1, 1), loss, [torch.ones(8, 1)] * 20, steps=20)
    History(20 steps)
    """
    steps = inputs.count("steps", steps)
    run = Run(model, loss, batches, steps=steps, **options)
    history = collect(run, steps - run.index)
    history.model, history.averaged = model, run.averaged  # even when there was no step to take
    return history


def collect(run: Iterable[Step], total: int | None = None) -> History:
    """Consume a run of `total` steps under a progress bar, which `TQDM_DISABLE=1` hides.

    >>> run = checkpoint(train(...), "flow.pt")  # doctest: +SKIP
    >>> collect(run)  # doctest: +SKIP
    """
    start, rows, step = time.perf_counter(), [], None
    hidden = os.environ.get("TQDM_DISABLE", "0") not in ("", "0") or not shows()
    with tqdm(run, total=total, disable=hidden, unit="step") as bar:
        try:
            for step in bar:
                rows.append((step.loss, step.grad_norm, step.lr))
                bar.set_postfix_str(f"loss {step.loss:.4g}", refresh=False)
        except KeyboardInterrupt:
            print(f"interrupted after {len(rows)} steps: the model keeps what they taught it")
    losses, grad_norms, lrs = torch.tensor(rows, dtype=torch.float64).reshape(-1, 3).unbind(1)
    models = (step.model, step.averaged) if step else (None, None)
    return History(*models, losses, grad_norms, lrs, time.perf_counter() - start)
