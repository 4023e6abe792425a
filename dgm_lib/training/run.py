"""A training run: its parts, its state and its updates."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grads_with_norm_
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from dgm_lib.core import RandomStream
from dgm_lib.training.checkpoint import FORMAT, checked, load
from dgm_lib.training.divergence import Diverged, LastGood, likely_cause
from dgm_lib.training.schedule import Schedule, constant, cosine
from dgm_lib.training.step import Step

Loss = Callable[..., Tensor]
Optimizer = Callable[[list[nn.Parameter]], torch.optim.Optimizer]


class Run:
    """What `train` sets up, then one update after another; the arguments are explained there."""

    def __init__(
        self,
        model: nn.Module,
        loss: Loss,
        batches: Iterable,
        *,
        steps: int | None = None,
        lr: float | None = None,
        optimizer: Optimizer | None = None,
        schedule: Schedule | None = None,
        clip: float | None = None,
        ema: float | None = None,
        seed: int = 0,
        resume: dict | str | Path | None = None,
    ) -> None:
        _check(batches, steps, lr, schedule, clip, ema)
        trainable = [p for p in model.parameters() if p.requires_grad]
        if not trainable:
            raise ValueError("model must have parameters that require a gradient, got none")
        self.model, self.loss, self.batches = model, loss, batches
        self.steps, self.clip, self.index = steps, clip, 0
        self.settings = dict(steps=steps, lr=lr, clip=clip, ema=ema, seed=seed)
        self.schedule = schedule or (cosine if steps else constant)
        self.optimizer = (optimizer or _adam)(trainable)
        groups = self.optimizer.param_groups
        self.rates = [group["lr"] if lr is None else lr for group in groups]
        self.parameters = [p for group in groups for p in group["params"]]
        self.average = _average(model, ema) if ema else None
        kept = [*self.parameters, *model.buffers()]
        if self.average:
            kept += [*self.average.parameters(), *self.average.buffers()]
        self.last_good = LastGood(kept)
        self.stream = RandomStream(seed, trainable[0].device)
        self.iterator: Iterator | None = None
        if resume is not None:
            self._load(checked(resume, "resume") if isinstance(resume, dict) else load(resume))

    @property
    def averaged(self) -> nn.Module | None:
        """The average as a model of the same class: torch's wrapper would hide its methods."""
        return self.average.module if self.average else None

    def __iter__(self) -> Iterator[Step]:
        while self.steps is None or self.index < self.steps:
            with self.stream:
                batch = self._next_batch()
                if batch is None:
                    return
                step = self._update(batch)
            yield step

    def _next_batch(self) -> tuple | None:
        if self.iterator is None:
            self.iterator = iter(self.batches)
        batch = next(self.iterator, None)
        if batch is not None:
            return tuple(batch) if isinstance(batch, (tuple, list)) else (batch,)
        if self.steps is None:
            return None
        raise ValueError(
            f"batches must last for {self.steps} steps, but ended after {self.index}: "
            f"make them endless, as draws and epochs are"
        )

    def _update(self, batch: tuple) -> Step:
        lr = self._anneal()
        self.optimizer.zero_grad()
        with _training(self.model), torch.enable_grad():
            loss = self._checked(self.loss(self.model, *batch))
            loss.backward()
        norm = _norm(self._gradients())
        value, grad_norm = loss.item(), norm.item()
        if not math.isfinite(value):
            self.last_good.restore()
            raise self._diverged(value, f"the loss is {value}", batch)
        if not math.isfinite(grad_norm):
            raise self._diverged(value, f"the gradient has norm {grad_norm}", batch)

        if self.clip is not None:
            clip_grads_with_norm_(self.parameters, self.clip, norm)
        self.last_good.take()
        self.optimizer.step()
        if not math.isfinite(_norm(self.parameters).item()):
            self.last_good.restore()
            raise self._diverged(value, "the update made the weights infinite", batch)
        if self.average:
            self.average.update_parameters(self.model)
        self.index += 1
        return Step(self.index, value, grad_norm, lr, self.model, self.averaged, self.state)

    def _anneal(self) -> float:
        multiplier = self.schedule(self.index / self.steps) if self.steps else 1.0
        groups = self.optimizer.param_groups
        for group, rate in zip(groups, self.rates):
            group["lr"] = rate * multiplier
        return groups[0]["lr"]

    @property
    def _loss_name(self) -> str:
        return getattr(getattr(self.loss, "func", self.loss), "__name__", repr(self.loss))

    def _checked(self, loss: Tensor) -> Tensor:
        name = self._loss_name
        if not isinstance(loss, Tensor) or loss.ndim > 0:
            got = f"shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else repr(loss)
            raise ValueError(f"loss {name} must return a scalar tensor, got {got}")
        if not loss.requires_grad:
            raise ValueError(
                f"loss {name} must depend on the model's parameters, but it has no gradient: "
                f"was it computed under no_grad, or from detached or item() values?"
            )
        return loss

    def _gradients(self) -> list[Tensor]:
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        if not gradients:
            raise ValueError(f"loss {self._loss_name} must depend on the model's parameters")
        return gradients

    def _diverged(self, loss: float, what: str, batch: tuple) -> Diverged:
        cause = likely_cause(batch, self.model, self.optimizer.param_groups[0]["lr"])
        self.optimizer.zero_grad()
        return Diverged(self.index + 1, loss, what, cause)

    def state(self, index: int) -> dict:
        """See `Step.state`."""
        if index != self.index:
            raise RuntimeError(
                f"the run has gone on to step {self.index}: ask step {index} for its state "
                f"before taking the next"
            )
        remembers = hasattr(self.iterator, "state_dict")
        return deepcopy(
            {
                "format": FORMAT,
                "settings": self.settings,
                "index": self.index,
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "average": self.average.state_dict() if self.average else None,
                "stream": self.stream.state(),
                "batches": self.iterator.state_dict() if remembers else None,
            }
        )

    def _load(self, state: dict) -> None:
        """Go to where the run stood that had this state."""
        for name, mine in self.settings.items():
            theirs = state["settings"][name]
            if mine != theirs:
                raise ValueError(f"{name} must be {theirs}, as in the run to resume, got {mine}")
        try:
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            if self.average:
                self.average.load_state_dict(state["average"])
            self._go_to(state["index"], state["batches"])
        except (RuntimeError, ValueError, KeyError, AttributeError) as error:
            raise ValueError(
                f"resume does not fit this model, optimiser or batches: {error}"
            ) from error
        self.stream.load(state["stream"])

    def _go_to(self, index: int, place: dict | None) -> None:
        """Let the batches go on after `index` of them, from their own note of the place if any."""
        self.index = index
        with self.stream:
            self.iterator = iter(self.batches)
            if place is not None:
                self.iterator.load_state_dict(place)
            else:
                next(islice(self.iterator, index, index), None)  # draws so many, and drops them


@torch.no_grad()
def _norm(tensors: list[Tensor]) -> Tensor:
    # get_total_norm would do, but sorts the tensors by device first, which takes longer than this.
    return torch.linalg.vector_norm(torch.stack(torch._foreach_norm(tensors)))


@contextmanager
def _training(model: nn.Module) -> Iterator[None]:
    """Put the model in training mode, and back: both walk all its modules, so only if needed."""
    if model.training:
        yield
        return
    model.train()
    try:
        yield
    finally:
        model.eval()


def _check(
    batches: object,
    steps: int | None,
    lr: float | None,
    schedule: Schedule | None,
    clip: float | None,
    ema: float | None,
) -> None:
    if isinstance(batches, Tensor) or not isinstance(batches, Iterable):
        raise ValueError(
            f"batches must be an iterable of batches, got a {type(batches).__name__}: "
            f"wrap data as epochs(x, size), a density as draws(p, size)"
        )
    if steps is not None and (not isinstance(steps, int) or steps < 1):
        raise ValueError(f"steps must be a positive integer or None, got {steps!r}")
    if schedule is not None and steps is None:
        raise ValueError("schedule needs steps: without them no fraction of them is done")
    for name, value in (("lr", lr), ("clip", clip)):
        if value is not None and not 0 < value < math.inf:
            raise ValueError(f"{name} must be positive and finite, got {value}")
    if ema is not None and not 0 < ema < 1:
        raise ValueError(f"ema must be a decay between 0 and 1, got {ema}")


def _average(model: nn.Module, decay: float) -> AveragedModel:
    return AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay)).eval()


def _adam(parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    try:
        return torch.optim.Adam(parameters, fused=True)
    except RuntimeError:  # this device or dtype has no fused one
        return torch.optim.Adam(parameters)
