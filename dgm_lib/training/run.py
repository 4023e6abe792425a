"""A training run: its parts, its state and its updates."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.distributed import ProcessGroup
from torch.nn.utils import clip_grads_with_norm_
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from dgm_lib.core import RandomStream
from dgm_lib.training import inputs
from dgm_lib.training.checkpoint import FORMAT, state_of
from dgm_lib.training.divergence import Diverged, LastGood, likely_cause
from dgm_lib.training.memory import within_memory
from dgm_lib.training.processes import Team
from dgm_lib.training.schedule import Schedule, constant, cosine
from dgm_lib.training.step import Step
from dgm_lib.training.streams import fresh, same, streams

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
        precision: torch.dtype | None = None,
        group: ProcessGroup | None = None,
    ) -> None:
        trainable = inputs.trainable(model)
        self.device = device = trainable[0].device
        self.model, self.loss = model, inputs.function("loss", loss)
        self.batches = inputs.iterable(batches)
        self.steps = None if steps is None else inputs.count("steps", steps)
        self.clip = None if clip is None else inputs.positive("clip", clip)
        lr = None if lr is None else inputs.positive("lr", lr)
        ema = None if ema is None else inputs.positive("ema", ema, below=1)
        seed = inputs.whole("seed", seed)
        if schedule is not None and steps is None:
            raise ValueError("schedule needs steps: without them no fraction of them is done")
        default = constant if steps is None else cosine
        self.schedule = default if schedule is None else inputs.function("schedule", schedule)
        self.optimizer = inputs.optimizer_of(_adam if optimizer is None else optimizer, trainable)
        groups = self.optimizer.param_groups
        self.rates = [group["lr"] if lr is None else lr for group in groups]
        self.parameters = [p for group in groups for p in group["params"]]
        self.buffers = [buffer for buffer in model.buffers() if buffer.is_floating_point()]
        self.autocast, self.scaler = _mixed(inputs.precision(precision), device.type)
        self.team = Team(inputs.group(group))
        self.team.agree(model)
        self.average = None if ema is None else _average(model, ema)
        self.batch_stream, self.update_stream = streams(seed, device)
        self.index, self.iterator = 0, None
        self.settings = dict(steps=self.steps, lr=lr, clip=self.clip, ema=ema, seed=seed)
        self.settings["optimizer"] = type(self.optimizer).__name__
        self.settings["precision"] = precision and str(precision)
        self.settings["processes"] = self.team.size
        if resume is not None:
            self._load(state_of(resume))
        kept = [*self.parameters, *model.buffers()]
        if self.average:
            kept += [*self.average.parameters(), *self.average.buffers()]
        self.last_good = LastGood(kept)

    @property
    def averaged(self) -> nn.Module | None:
        """The average as a model of the same class: torch's wrapper would hide its methods."""
        return self.average.module if self.average else None

    def __iter__(self) -> Iterator[Step]:
        while self.steps is None or self.index < self.steps:
            with within_memory(self.index + 1), self.batch_stream:
                batch = self._next_batch()
            if batch is None:
                return
            with within_memory(self.index + 1), self._noise():
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
        mine, weight = self.team.share(batch)
        self.optimizer.zero_grad()
        with _training(self.model), torch.enable_grad():
            with self.autocast:
                loss = self._checked(self.loss(self.model, *mine))
            self.scaler.scale(loss).backward()
        loss = self.team.add_up(loss, weight, self.parameters, self.buffers)
        self.scaler.unscale_(self.optimizer)
        norm = _norm(self._gradients())
        value, grad_norm = loss.item(), norm.item()
        if not math.isfinite(value):
            self.last_good.restore()
            raise self._diverged(value, f"the loss is {value}", batch)
        overflow = not math.isfinite(grad_norm)
        if overflow and self.scaler.get_scale() <= 1:
            raise self._diverged(value, f"the gradient has norm {grad_norm}", batch)

        self.last_good.take()
        if not overflow:
            if self.clip is not None:
                clip_grads_with_norm_(self.parameters, self.clip, norm)
            self.optimizer.step()
        self.scaler.update()
        if not math.isfinite(_norm(self.parameters).item()):
            self.last_good.restore()
            raise self._diverged(value, "the update made the weights infinite", batch)
        if self.average:
            self.average.update_parameters(self.model)
        self.index += 1
        told = self.index, value, grad_norm, lr, self.model, self.averaged
        return Step(*told, self.state, leads=self.team.rank == 0)

    def _noise(self) -> RandomStream:
        """The random numbers of this update, in the first process those of a run by itself.

        Any other begins anew at each update, so that the first's checkpoint is enough for all.
        """
        if self.team.rank == 0:
            return self.update_stream
        return fresh(self.device, self.settings["seed"], self.team.rank, self.index)

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
                "scaler": self.scaler.state_dict(),
                "batches": self.iterator.state_dict() if remembers else None,
                "batch_stream": self.batch_stream.state(),
                "update_stream": self.update_stream.state(),
            }
        )

    def _load(self, state: dict) -> None:
        """Go to where the run stood that had this state, or leave the model as it is."""
        for name, mine in self.settings.items():
            theirs = {"precision": None, "processes": 1, **state["settings"]}[name]
            if mine != theirs:
                raise ValueError(f"{name} must be {theirs}, as in the run to resume, got {mine}")
        before = deepcopy(self.model.state_dict())
        try:
            self._go_to(state["index"], state["batches"], state["batch_stream"])
            self.update_stream.load(state["update_stream"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.scaler.load_state_dict(state.get("scaler", {}))
            if self.average:
                self.average.load_state_dict(state["average"])
            self.model.load_state_dict(state["model"])
        except (RuntimeError, ValueError, KeyError, AttributeError, TypeError) as error:
            self.model.load_state_dict(before)
            raise ValueError(
                f"resume does not fit this model, optimiser or batches: {error}"
            ) from error

    def _go_to(self, index: int, place: dict | None, stream: dict[str, Tensor]) -> None:
        """Let the batches go on after `index` of them, from their own note of the place if any."""
        with self.batch_stream:
            self.iterator = iter(self.batches)
            if place is not None:
                self.iterator.load_state_dict(place)
            else:
                replayed = sum(1 for _ in islice(self.iterator, index))
        if place is not None:
            self.batch_stream.load(stream)
        elif replayed < index or not same(self.batch_stream.state(), stream):
            raise ValueError(
                f"batches must be those of the run to resume, but replaying its {index} batches "
                f"drew other random numbers than it did, or there were fewer of them"
            )
        self.index = index


@torch.no_grad()
def _norm(tensors: list[Tensor]) -> Tensor:
    # get_total_norm would do, but sorts the tensors by device first, which takes longer than this.
    return torch.linalg.vector_norm(torch.stack(torch._foreach_norm(tensors)))


@contextmanager
def _training(model: nn.Module) -> Iterator[None]:
    """Put the model in training mode, and each of its modules back as it was.

    One that is in training mode is left alone, with the parts of it that are not, such as a
    frozen BatchNorm: nothing has to be walked then.
    """
    if model.training:
        yield
        return
    modes = [(module, module.training) for module in model.modules()]
    model.train()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def _mixed(precision: torch.dtype | None, device: str) -> tuple:
    """What the loss is computed under, and what keeps the gradients within float16's range."""
    autocast = torch.autocast(device, precision) if precision else nullcontext()
    return autocast, torch.amp.GradScaler(device, enabled=precision is torch.float16)


def _average(model: nn.Module, decay: float) -> AveragedModel:
    return AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay)).eval()


def _adam(parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    try:
        return torch.optim.Adam(parameters, fused=True)
    except RuntimeError:  # this device or dtype has no fused one
        return torch.optim.Adam(parameters)
