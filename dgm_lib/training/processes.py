"""Several processes that train one model, as `torchrun` starts them: on a machine, or on many.

Each takes its rows of every batch, and all add their gradients up before each update, so that
their models stay the same. There is nothing else to it: the collectives are torch's own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, distributed, nn

from dgm_lib import core


@contextmanager
def processes() -> Iterator[distributed.ProcessGroup | None]:
    """All processes that `torchrun` started, as the `group` of `train`; None where it did not.

    So the same script runs alone and on many. From here on `core.device()` is, in each process,
    an accelerator of its own.

    >>> with processes() as group:
    ...     print(group)
    None
    """
    if not (distributed.is_available() and distributed.is_torchelastic_launched()):
        yield None
        return
    if core.device().type != "cpu":
        torch.accelerator.set_device_index(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group()
    yield distributed.group.WORLD
    # Not after an exception: the others may wait in a collective, which only our end breaks off.
    distributed.destroy_process_group()


def shows() -> bool:
    """Whether this process has the terminal to itself, or is the first of those that share it."""
    return not (distributed.is_available() and distributed.is_initialized()) or (
        distributed.get_rank() == 0
    )


class Team:
    """What the processes of a group do together; without a group, one process and nothing to do."""

    def __init__(self, group: distributed.ProcessGroup | None) -> None:
        self.group = group
        self.size, self.rank = (1, 0) if group is None else (group.size(), group.rank())

    @torch.no_grad()
    def agree(self, model: nn.Module) -> None:
        """Give all of them the weights and the buffers of the first."""
        if self.size > 1:
            for tensor in (*model.parameters(), *model.buffers()):
                sent = tensor.contiguous()
                distributed.broadcast(sent, group=self.group, group_src=0)
                tensor.copy_(sent)

    def share(self, batch: tuple) -> tuple[tuple, float]:
        """This process's rows of the batch, and their weight in the mean over all rows.

        Where there are fewer rows than processes, the last ones take the first row at weight 0.
        """
        if self.size == 1:
            return batch, 1.0
        lengths = {len(part) for part in batch if _has_rows(part)}
        if not lengths:  # the loss draws its points itself
            return batch, 1 / self.size
        if len(lengths) > 1 or 0 in lengths:
            raise ValueError(
                f"batches must hold tensors of one length, not 0, to be shared by {self.size} "
                f"processes, got {sorted(lengths)}"
            )
        shared = tuple(self._rows(part) if _has_rows(part) else part for part in batch)
        n = lengths.pop()
        return shared, len(range(n)[self._slice(n)]) / n

    def add_up(
        self, loss: Tensor, weight: float, parameters: list[nn.Parameter], buffers: list[Tensor]
    ) -> Tensor:
        """Add up the losses and the gradients by weight; the buffers become those of the first.

        All in one message, whose layout does not depend on who has a gradient of what.
        """
        return loss if self.size == 1 else self._added_up(loss, weight, parameters, buffers)

    @torch.no_grad()
    def _added_up(
        self, loss: Tensor, weight: float, parameters: list[nn.Parameter], buffers: list[Tensor]
    ) -> Tensor:
        used = loss.new_tensor([p.grad is not None for p in parameters])
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        kept = buffers if self.rank == 0 else [torch.zeros_like(buffer) for buffer in buffers]
        parts = [weight * loss, used, *(weight * gradient for gradient in gradients), *kept]
        message = torch.cat([part.flatten() for part in parts])
        distributed.all_reduce(message, group=self.group)
        sums = message.split([part.numel() for part in parts])
        loss, used, *sums = (total.view_as(part) for total, part in zip(sums, parts))
        for p, total, users in zip(parameters, sums, used.tolist()):
            p.grad = total.to(p.dtype) if users else None
        for buffer, total in zip(buffers, sums[len(parameters) :]):
            buffer.copy_(total)
        return loss

    def _slice(self, n: int) -> slice:
        """Which of n rows are this process's: as many as any other's, or one more or less."""
        return slice(self.rank * n // self.size, (self.rank + 1) * n // self.size)

    def _rows(self, part: Tensor) -> Tensor:
        mine = part[self._slice(len(part))]
        return mine if len(mine) else part[:1]


def _has_rows(part: object) -> bool:
    return isinstance(part, Tensor) and part.ndim > 0
