"""Normalizing flows side by side with those of zuko and normflows: see `benchmarks.race`.

    python -m benchmarks.flows [--targets moons,ring] [--models spline,zuko-nsf] [--budget 10,30,60]
                               [--seeds 0,1,2] [--device cpu] [--json FILE]
    python -m benchmarks.flows --profile [--json FILE]    # where the time of our best flow goes

The peers come with the extra `bench`. Everybody is trained by maximum likelihood with fused Adam
and a cosine schedule. Each peer has the settings and the learning rate that were best among those
tried at 10 CPU-s on moons and ring with seed 100; its docstring says which.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import torch
from torch import Tensor, nn

from benchmarks import race, step_time
from benchmarks.race import Entry
from dgm_lib.models import flow
from dgm_lib.training import cosine


class Trained:
    """A flow as a racer; `build(x)` makes it when the first batch x is there."""

    def __init__(self, build: Callable[[Tensor], nn.Module], lr: float) -> None:
        self.build, self.lr = build, lr
        self.model, self.done = None, 0.0

    def progress(self, done: float) -> None:
        """The share of the budget that is spent, for the schedule."""
        self.done = done

    def step(self, x: Tensor) -> None:
        """One step of Adam on the mean of -log q(x)."""
        if self.model is None:
            self.model = self.build(x).to(x.device)
            self.optimizer = torch.optim.Adam(self.model.parameters(), lr=self.lr, fused=True)
        self.optimizer.param_groups[0]["lr"] = self.lr * cosine(self.done)
        loss = -self.log_prob(x).mean()
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()

    def log_prob(self, x: Tensor) -> Tensor:
        """log q(x), `(n, d) -> (n,)`."""
        return self.model.log_prob(x)

    def sample(self, n: int) -> Tensor:
        """n draws, `(n, d)`."""
        return self.model.sample((n,))


class FromZuko(Trained):
    """zuko's flows are called to give a distribution."""

    def log_prob(self, x: Tensor) -> Tensor:
        """log q(x), `(n, d) -> (n,)`."""
        return self.model().log_prob(x)

    def sample(self, n: int) -> Tensor:
        """n draws, `(n, d)`."""
        return self.model().sample((n,))


class FromNormflows(Trained):
    """normflows' samples come with their log q."""

    def sample(self, n: int) -> Tensor:
        """n draws, `(n, d)`."""
        return self.model.sample(n)[0]


def spline(seed: int) -> Trained:
    """`flow.spline` as it comes, standardised by the first batch."""
    return Trained(lambda x: flow.spline(x.shape[-1], data=x), lr=1e-2)


def realnvp(seed: int) -> Trained:
    """`flow.realnvp` as it comes: 8 affine couplings of perceptrons (64, 64)."""
    return Trained(lambda x: flow.realnvp(x.shape[-1]), lr=3e-3)


def zuko_nsf(seed: int) -> Trained:
    """zuko's neural spline flow of 2 autoregressive transforms, 16 bins, perceptrons (64, 64).

    Better, or as good, on moons and ring at 10 and 60 CPU-s, and faster, than 3 transforms of 8
    bins (zuko's own default) or of 16, and than 5 of 8; better at 1e-2 than at 3e-3 or 1e-3.
    """
    import zuko

    return FromZuko(lambda x: zuko.flows.NSF(x.shape[-1], transforms=2, bins=16), lr=1e-2)


def zuko_nsf_default(seed: int) -> Trained:
    """zuko's neural spline flow as it comes: 3 autoregressive transforms of 8 bins, (64, 64)."""
    import zuko

    return FromZuko(lambda x: zuko.flows.NSF(x.shape[-1]), lr=1e-2)


def normflows_realnvp(seed: int) -> Trained:
    """normflows' RealNVP of 8 affine couplings of perceptrons (64, 64), swapped in between.

    4 or 16 couplings, and 1e-3 or 1e-2, were worse on the mean of moons and ring.
    """
    import normflows as nf

    def build(x: Tensor) -> nn.Module:
        layers = []
        for _ in range(8):
            net = nf.nets.MLP([1, 64, 64, 2], init_zeros=True)
            layers += [nf.flows.AffineCouplingBlock(net), nf.flows.Permute(2, mode="swap")]
        return nf.NormalizingFlow(nf.distributions.DiagGaussian(2, trainable=False), layers)

    return FromNormflows(build, lr=3e-3)


MODELS = {
    "spline": Entry(spline, ours=True),
    "realnvp": Entry(realnvp, ours=True),
    "zuko-nsf": Entry(zuko_nsf),
    "normflows-realnvp": Entry(normflows_realnvp),
}


def main(arguments: list[str] | None = None) -> None:
    """Race, or profile."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if "--profile" in arguments:
        step_time.main("python -m benchmarks.flows", arguments)
    else:
        race.main(MODELS, "python -m benchmarks.flows", arguments)


if __name__ == "__main__":
    main()
