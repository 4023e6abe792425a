"""The training loop, as a generator that yields after every update."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.distributed import ProcessGroup

from dgm_lib.training.run import Loss, Optimizer, Run
from dgm_lib.training.schedule import Schedule
from dgm_lib.training.step import Step


def train(
    model: nn.Module,
    loss: Loss,
    batches: Iterable[Tensor | tuple[Tensor, ...]],
    *,
    steps: int | None = None,
    lr: float | None = None,
    optimizer: Optimizer | None = None,
    schedule: Schedule | None = None,
    clip: float | None = None,
    ema: float | None = None,
    seed: int = 0,
    resume: dict | str | Path | None = None,
    precision: torch.dtype | None = None,
    group: ProcessGroup | None = None,
) -> Iterator[Step]:
    """Minimise `loss(model, *batch)` over the batches, yielding a `Step` after every update.

    Args:
        model: updated in training mode; its consumer finds all its modules in the mode it left
            them in. A part that was put in evaluation mode alone stays in it.
        batches: tensors or tuples of them, such as `draws(density, 512)` or `epochs(x, 128)`.
        steps: where to stop. Without it, at the end of the batches, or when the consumer does.
        lr: by default the optimiser's own, 1e-3 for Adam.
        optimizer: from parameters to an optimiser; by default Adam, fused where there is one.
        schedule: from the fraction of `steps` done to a multiplier of lr; by default `cosine`
            when `steps` is given, `constant` otherwise.
        clip: the largest norm of the gradient; longer ones are scaled down to it.
        ema: the decay β of an average of the weights, w̄ ← β w̄ + (1 - β) w after the first step.
        seed: of the run's own random numbers. Whatever the batches, the model and the loss draw
            from torch's global generator comes from there, and that generator is left alone. The
            batches have numbers of their own, whatever the model and the loss draw.
        resume: a `Step.state()` or the file of a `checkpoint`, and otherwise the same arguments.
        precision: of the matrix products in the loss, torch.bfloat16 or torch.float16; all else,
            the weights too, stays as it is. An update that float16 overflows is left out.
        group: the processes that train together, as `processes` has them. Each is given its rows
            of every batch, so that many do what one does, if the loss is a mean over the rows.
            What the loss draws differs between them, and then they do so in law only.

    To compile, compile the loss: `train(model, torch.compile(loss), ...)`. Of a compiled model only
    `forward` would be compiled, and not `log_prob`.

    When the loss, the gradient or the weights stop being finite, the run raises `Diverged`.
    """
    options = dict(steps=steps, lr=lr, optimizer=optimizer, schedule=schedule, clip=clip)
    options |= dict(ema=ema, seed=seed, resume=resume, precision=precision, group=group)
    return iter(Run(model, loss, batches, **options))
