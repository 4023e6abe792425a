"""One match: a generator and a discriminator that learn in turns, and what is noted of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import torch
from torch import Generator, Tensor, nn

from dgm_lib import training
from dgm_lib.core import Grid, generator
from dgm_lib.demo.laboratory.losses import Losses
from dgm_lib.demo.laboratory.truth import PIXELS, SAMPLES, Score, Truth
from dgm_lib.models import gan
from dgm_lib.nets import frozen

FAKES, REAL = 120, 300  # that are watched
FOREVER = 10**9  # updates
KEPT = 800  # points of a curve
D, G, BOTH = "D", "G", "both"
GAP = "d_gap"

Networks = Callable[[Any], tuple[nn.Module, nn.Module]]


def plane_networks(prior: Any) -> tuple[nn.Module, nn.Module]:
    """A generator that is fed with this noise, and a discriminator, for laws of the plane."""
    return gan.Generator(prior.d, 2, (64, 64), prior=prior), gan.Discriminator(2, (64, 64))


def adam(parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    """Adam with a short memory, as the other player moves: Radford, Metz & Chintala (2016)."""
    return torch.optim.Adam(parameters, betas=(0.5, 0.9), fused=True)


class Match:
    """Two networks with their losses; `p` holds the rates, the batch size, and whose turn it is.

    `x` and `z` are the data and the noise that are watched, `judged` (SAMPLES, 2) the samples
    that the last `score` is of: of the same noise each time, so that curves show the networks.
    """

    def __init__(
        self,
        name: str,
        losses: Losses,
        truth: Truth,
        networks: tuple[nn.Module, nn.Module],
        p: SimpleNamespace,
        seed: int,
    ) -> None:
        self.name, self.losses, self.truth, self.p = name, losses, truth, p
        self.g, self.d = networks
        self.is_critic = losses.is_critic()
        self.like = next(self.g.parameters(), torch.zeros(()))
        self.x, self.z = self.data(REAL, generator(1)), self.g.latent((FAKES,), generator(2))
        self._judged_z = self.g.latent((SAMPLES,), generator(3))
        self._pixels = Grid(truth.box, PIXELS, self.like.dtype).points.to(self.like.device)
        self.round, self.said = 0, ""
        self.history = {key: History() for key in (D, G, *Score._fields, GAP)}
        self._runs = {
            D: self._training(D, self.d, self.loss_of_d, self._batches(), "lr_d", seed),
            G: self._training(G, self.g, self._loss_of_batch, self._nothing(), "lr_g", seed + 1),
        }
        self.judge()

    # ---- learning

    def updates(self) -> Iterator[bool]:
        """One round, update by update, D's and then G's; whether there is another one to come."""
        turn, times = self.p.turn, self.p.n_d if self.p.turn == BOTH else 1
        self.round += 1
        players = [D] * times * (turn != G) + [G] * (turn != D)
        for k, player in enumerate(players):
            loss = self._update(player)
            if player == G or k + 1 == players.count(D):
                self.history[player].add(self.round, loss)
            count = f" ({k + 1} of {times})" if player == D and times > 1 else ""
            self.said = f"{player} has learned{count}"
            yield k + 1 < len(players)

    def _update(self, player: str) -> float:
        try:
            return next(self._runs[player]).loss
        except training.Diverged as error:
            error.args = (f"{player} of {self.name!r}: {error}",)
            raise

    def loss_of_d(self, d: nn.Module, x: Tensor) -> Tensor:
        """D's loss of a batch of data (n, 2), with as many fakes and the penalty."""
        fakes = self.g.sample((len(x),))
        loss = self._scalar(self.losses.d(d(x), d(fakes)), "loss of D")
        if self.losses.penalty is None:
            return loss
        return loss + self._scalar(self.losses.penalty(d, x, fakes), "penalty")

    def loss_of_g(self, fakes: Tensor) -> Tensor:
        """G's loss of fakes (n, 2)."""
        with frozen(self.d):
            return self._scalar(self.losses.g(self.d(fakes)), "loss of G")

    def _loss_of_batch(self, g: nn.Module) -> Tensor:
        return self.loss_of_g(g.rsample((self.p.batch,)))

    def _scalar(self, loss: Any, what: str) -> Tensor:
        if isinstance(loss, Tensor) and loss.ndim == 0:
            return loss
        got = f"shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else repr(loss)
        raise ValueError(f"the {what} of {self.name!r} must return a scalar tensor, got {got}")

    def _training(
        self, player: str, net: nn.Module, loss: Any, batches: Any, rate: str, seed: int
    ) -> Iterator[training.Step]:
        def named(*arguments: Any) -> Tensor:
            return loss(*arguments)

        named.__name__ = f"of {player} in {self.name!r}"  # for what goes wrong
        # The schedule is how a run asks for its rate at each update: so the sliders are live.
        live = dict(lr=1.0, schedule=lambda done: getattr(self.p, rate), steps=FOREVER)
        return training.train(net, named, batches, optimizer=adam, seed=seed, **live)

    def data(self, n: int, rng: Generator | None = None) -> Tensor:
        """Draws (n, 2) of the law, of the networks' precision."""
        return self.truth.law.sample((n,), generator=rng).to(self.like)

    def _batches(self) -> Iterator[Tensor]:
        while True:
            yield self.data(self.p.batch)

    def _nothing(self) -> Iterator[tuple]:
        while True:
            yield ()

    # ---- judging

    @torch.no_grad()
    def judge(self) -> None:
        """Hold many samples against the exact law."""
        self.judged = self.g(self._judged_z).double().cpu().numpy()
        self.score = self.truth.score(self.judged)
        for key, value in self.score._asdict().items():
            self.history[key].add(self.round, value)
        if not self.is_critic:
            found = torch.sigmoid(self.d(self._pixels)).double().cpu().numpy()
            self.history[GAP].add(self.round, self.truth.gap(found, self.judged))


class History:
    """Numbers over the rounds. Of a long run every second, fourth, ... is kept, and the last."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, float]] = []
        self.stride, self._n = 1, 0

    @property
    def last(self) -> float:
        """The last value; NaN if there is none."""
        return self.rows[-1][1] if self.rows else math.nan

    def add(self, at: int, value: float) -> None:
        """Note a value."""
        if self._n % self.stride:
            self.rows[-1] = at, value
        else:
            self.rows.append((at, value))
        self._n += 1
        if len(self.rows) > KEPT:
            self.rows, self.stride = self.rows[::2], 2 * self.stride
