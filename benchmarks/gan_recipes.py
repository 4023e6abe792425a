"""GANs as racers: one game of two small perceptrons, and a class for each trick that changes it.

All see standardised data, by the mean and the one standard deviation of their first batch, and
answer on the data's own scale.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from dgm_lib import objectives
from dgm_lib.models import gan
from dgm_lib.nets import MLP, VirtualMLP, frozen

Judge = Callable[[Tensor], Tensor]

HIDDEN = (64, 64, 64)


class NonSaturating:
    """The non-saturating GAN, which all others change in what they say and in nothing else.

    Both players are perceptrons (64, 64, 64) with ReLU; z is N(0, I) in 2 dimensions. They take
    turns with half a batch each time, 256 points, by fused Adam with β = (0, 0.99) and the
    learning rate 4e-3, which falls linearly to 0.
    """

    lr, betas = 4e-3, (0.0, 0.99)
    d_z = 2
    parts = 2  # of a batch, a turn with each
    turns = 1  # steps of the discriminator for one of the generator

    def __init__(self, seed: int) -> None:
        self.G, self.D = self.generator(), self.discriminator()
        self.players = tuple(self.optimizer(net) for net in (self.D, self.G))
        self.done, self.count = 0.0, 0
        self.mean, self.scale = None, None

    def generator(self) -> gan.Generator:
        """The generator, before any training."""
        return gan.Generator(self.d_z, 2, net=self.generator_net())

    def generator_net(self) -> nn.Module:
        """What maps z to x."""
        return MLP(self.d_z, 2, HIDDEN, nn.ReLU)

    def discriminator(self) -> nn.Module:
        """The discriminator, before any training."""
        return gan.Discriminator(2, HIDDEN)

    def optimizer(self, net: nn.Module) -> torch.optim.Optimizer:
        """What moves a player."""
        return torch.optim.Adam(net.parameters(), lr=self.lr, betas=self.betas, fused=True)

    def loss_of_discriminator(self, D: Judge, x: Tensor, fake: Tensor) -> Tensor:
        """What the discriminator minimises, from data and samples, `(n, d)` each."""
        return objectives.discriminator_loss(*both(D, x, fake))

    def loss_of_generator(self, x: Tensor, fake: Tensor) -> Tensor:
        """What the generator minimises."""
        return objectives.non_saturating(self.D(fake))

    def after(self) -> None:
        """Called when the players have had their turns."""

    def progress(self, done: float) -> None:
        """The share of the budget that is spent, for the schedules."""
        self.done = done

    def step(self, x: Tensor) -> None:
        """The turns that a batch of data allows."""
        if self.mean is None:
            for net in (self.G, self.D):
                net.to(x.device)
            self.mean, self.scale = x.mean(dim=0), x.std(dim=0).mean()
        for player in self.players:
            player.param_groups[0]["lr"] = self.lr * (1 - self.done)
        for part in ((x - self.mean) / self.scale).chunk(self.parts):
            self.turn(part)

    def turn(self, x: Tensor) -> None:
        """A step of the discriminator and, every `turns` times, one of the generator."""
        fake = self.G.rsample((len(x),))
        of_D, of_G = self.players
        self.loss_of_discriminator(self.D, x, fake.detach()).backward()
        of_D.step()
        of_D.zero_grad()
        self.count += 1
        if self.count % self.turns == 0:
            with frozen(self.D):
                self.loss_of_generator(x, fake).backward()
            of_G.step()
            of_G.zero_grad()
        self.after()

    def sample(self, n: int) -> Tensor:
        """n draws, `(n, d)`."""
        return self.mean + self.scale * self.G.sample((n,))


class Saturating(NonSaturating):
    """The minimax game: the generator minimises log(1 - D). Goodfellow et al. (2014)."""

    def loss_of_generator(self, x: Tensor, fake: Tensor) -> Tensor:
        return objectives.saturating(self.D(fake))


class LabelSmoothing(NonSaturating):
    """One-sided label smoothing: D is to say 0.9 of data. Salimans et al. (2016)."""

    def loss_of_discriminator(self, D: Judge, x: Tensor, fake: Tensor) -> Tensor:
        return objectives.discriminator_loss(*both(D, x, fake), smooth=0.9)


class FeatureMatching(NonSaturating):
    """The generator matches the means of D's last hidden layer. Salimans et al. (2016)."""

    def loss_of_generator(self, x: Tensor, fake: Tensor) -> Tensor:
        return objectives.feature_matching(*both(self.D.features, x, fake))


class HistoricalAveraging(NonSaturating):
    """Both players pay 0.01 ‖θ - θ̄‖², θ̄ their mean so far. Salimans et al. (2016)."""

    weight = 0.01

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.averages = {net: AveragedModel(net) for net in (self.G, self.D)}

    def away(self, net: nn.Module) -> Tensor:
        """How far a player is from where it was on average."""
        average = self.averages[net]
        return objectives.historical_average(net.parameters(), average.module.parameters())

    def loss_of_discriminator(self, D: Judge, x: Tensor, fake: Tensor) -> Tensor:
        return super().loss_of_discriminator(D, x, fake) + self.weight * self.away(self.D)

    def loss_of_generator(self, x: Tensor, fake: Tensor) -> Tensor:
        return super().loss_of_generator(x, fake) + self.weight * self.away(self.G)

    def after(self) -> None:
        for net, average in self.averages.items():
            average.to(next(net.parameters()).device).update_parameters(net)


class VirtualBatchNorm(NonSaturating):
    """The generator's layers are normalised with 64 fixed z. Salimans et al. (2016)."""

    def generator_net(self) -> nn.Module:
        return VirtualMLP(self.d_z, 2, torch.randn(64, self.d_z), HIDDEN, nn.ReLU)


class Unrolled(NonSaturating):
    """The generator sees how D would answer with 3 steps of descent at 0.001. Metz et al. (2017).

    Of 0.1, 0.01 and 0.001 (seed 100) the last: at the others D, steep at such narrow modes, is
    thrown about by its own steps, and the generator finds nothing.
    """

    def loss_of_generator(self, x: Tensor, fake: Tensor) -> Tensor:
        return objectives.unrolled(
            self.D,
            lambda D: self.loss_of_discriminator(D, x, fake),
            lambda D: objectives.non_saturating(D(fake)),
            steps=3,
            lr=0.001,
        )


class R1(NonSaturating):
    """D pays γ/2 ‖∇D‖² at the data, γ = 0.1. Mescheder, Geiger & Nowozin (2018)."""

    gamma = 0.1

    def loss_of_discriminator(self, D: Judge, x: Tensor, fake: Tensor) -> Tensor:
        loss = super().loss_of_discriminator(D, x, fake)
        return loss + objectives.r1(D, x, self.gamma)


class Best(NonSaturating):
    """R1 whose γ falls geometrically from 0.5 to 0.0002, paid every 4th time, fourfold; z in 8-D.

    A large γ first lets every mode be found, a small one at last lets D see how narrow they are.
    From 2 dimensions a mode is a fold, thin as a thread, from 8 a blob, though one of 0.7 to 0.8 of
    its true standard deviation, which flatters the share of high quality. Paying now and then is
    from Karras et al., StyleGAN2 (2020).
    """

    d_z = 8
    first, last, every = 0.5, 0.0002, 4
    gamma = first

    def progress(self, done: float) -> None:
        super().progress(done)
        self.gamma = self.first * (self.last / self.first) ** done

    def loss_of_discriminator(self, D: Judge, x: Tensor, fake: Tensor) -> Tensor:
        loss = super().loss_of_discriminator(D, x, fake)
        if self.gamma == 0 or self.count % self.every:
            return loss
        return loss + objectives.r1(D, x, self.every * self.gamma)


class Waves(nn.Linear):
    """x `(*batch, d)` and 64 sines of it, `(*batch, d + 64)`, in directions drawn at random.

    Their frequencies are spaced geometrically from 1 to 64 radians, and learned on. A perceptron
    that sees them can be steep where it must. Tancik et al., "Fourier features" (2020).
    """

    def __init__(self, d: int, waves: int = 64, fastest: float = 64.0) -> None:
        super().__init__(d, waves)
        omega = torch.logspace(0, math.log10(fastest), waves)
        directions = nn.functional.normalize(torch.randn(waves, d), dim=1)
        self.weight = nn.Parameter(omega[:, None] * directions)
        nn.init.uniform_(self.bias, 0, 2 * math.pi)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, super().forward(x).sin()], dim=-1)


class BestRejection(Best):
    """The best, sifted by a judge of its own: kept with chance min(1, p/q over its 95 % quantile).

    p/q is exp(logit), by 4,096 samples at a time. The judge is a new discriminator that sees x in
    64 waves. It learns alone, for the last 0.3 of the budget, from whole batches, unpenalised, with
    β = (0.9, 0.99) and a learning rate that falls anew. A mode is left with about 0.9 of its true
    standard deviation. Azadi et al., "Discriminator rejection sampling" (2019); there D sifts.
    """

    game = 0.7  # the share of the budget that the two play for

    def judge(self) -> nn.Module:
        """Who sifts, before any training."""
        waves = Waves(2)
        net = MLP(2 + waves.out_features, 1, HIDDEN[1:], nn.ReLU)
        return gan.Discriminator(2, net=nn.Sequential(waves, net))

    def progress(self, done: float) -> None:
        if done < self.game:
            return super().progress(done / self.game)
        if self.turns == 1:  # the game is over
            self.parts, self.turns, self.gamma = 1, math.inf, 0.0
            self.betas = (0.9, 0.99)
            self.D = self.judge().to(next(self.D.parameters()).device)
            self.players = (self.optimizer(self.D), self.players[1])
        self.done = (done - self.game) / (1 - self.game)

    def sample(self, n: int) -> Tensor:
        kept, found = [], 0
        while found < n:
            x = self.G.sample((4096,))
            with torch.no_grad():
                logits = self.D(x)
            chance = (logits - logits.quantile(0.95)).exp()
            # A NaN is kept, to be seen, where "< chance" would look for samples without end.
            kept.append(x[~(torch.rand_like(chance) >= chance)])
            found += len(kept[-1])
        return self.mean + self.scale * torch.cat(kept)[:n]


class Packing(NonSaturating):
    """D judges two points together. Lin, Khetan, Fanti & Oh, PacGAN (2018)."""

    def discriminator(self) -> nn.Module:
        return gan.Packed(gan.Discriminator(4, HIDDEN), 2)


class R1Packing(R1, Packing):
    """R1 with γ = 0.1, for a D that judges two points together."""


def both(judge: Judge, x: Tensor, fake: Tensor) -> tuple[Tensor, ...]:
    """What the judge says of data and of samples, in one pass."""
    return judge(torch.cat([x, fake])).chunk(2)
