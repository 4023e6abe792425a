"""Training runs that come out the same in several processes, and what else to see of them there.

python -m torch.distributed.run --standalone --nproc-per-node=2 tests/together.py FOLDER
"""

import io
import math
import os
import sys
from contextlib import redirect_stderr
from itertools import islice, repeat
from pathlib import Path

import torch
from torch import distributed, nn
from torch.distributions import Independent, Normal

sys.path[:0] = [os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]

from dgm_lib.models import flow, vae
from dgm_lib.nets import MLP
from dgm_lib.objectives import nll
from dgm_lib.targets import GALLERY
from dgm_lib.training import Diverged, checkpoint, draws, epochs, fit, processes, train

MOONS = GALLERY["moons"].to(dtype=torch.float64)
NOISE = Independent(Normal(torch.zeros(2).double(), torch.ones(2).double()), 1)
LINE = torch.linspace(-1, 1, 26).double().reshape(13, 2)


def flow_by_likelihood(**options):
    return train(
        flow.spline(2, layers=2, hidden=(16,), bins=8).double(),
        nll,
        draws(MOONS, 512),
        steps=50,
        ema=0.9,
        **options,
    )


def vae_with_noise_in_its_batches(**options):
    """Whose noise is split with the points."""

    def loss(model, x, eps):
        q = model.encoder(x)
        z = q.mean + q.variance.sqrt() * eps
        return -(model.decoder(z).log_prob(x) + model.prior.log_prob(z) - q.log_prob(z)).mean()

    parts = vae.StandardNormal(2), vae.GaussianEncoder(2, 2), vae.GaussianDecoder(2, 2)
    batches = zip(draws(MOONS, 512), draws(NOISE, 512))
    return train(vae.VAE(*parts).double(), loss, batches, steps=50, clip=1.0, **options)


def epochs_that_end_in_a_single_point(**options):
    def loss(model, x):
        return (model(x) - x.sin()).square().mean()

    return train(MLP(2, 2, (8,)).double(), loss, epochs(LINE, 4), steps=50, **options)


def part_of_the_model_that_only_some_points_use(**options):
    """The second half of them: the first process has no gradient of it; nobody of the third."""

    def loss(model, x):
        right = x[x[:, 0] > 0]
        second = model[1](right).square().sum() / len(x) if len(right) else 0
        return model[0](x).square().mean() + second

    def decaying(parameters):
        return torch.optim.AdamW(parameters, weight_decay=0.1)

    model = nn.ModuleList(nn.Linear(2, 1) for _ in range(3)).double()
    return train(model, loss, repeat(LINE), steps=50, optimizer=decaying, **options)


SAME = [
    flow_by_likelihood,
    vae_with_noise_in_its_batches,
    epochs_that_end_in_a_single_point,
    part_of_the_model_that_only_some_points_use,
]


def told(make, seed, **options):
    """The losses, the gradients' norms and the weights of a run that starts from the seed's."""
    torch.manual_seed(seed)
    steps = list(make(**options))
    weights = steps[-1].averaged or steps[-1].model
    return [s.loss for s in steps], [s.grad_norm for s in steps], dict(weights.state_dict())


def with_noise(seen, **options):
    """Dropout, BatchNorm, and a loss that draws noise and shows it."""

    def loss(model, x):
        seen.append(torch.randn_like(x))
        return (model(x + 0.1 * seen[-1]) - x.sin()).square().mean()

    model = nn.Sequential(MLP(2, 8, (8,)), nn.BatchNorm1d(8), nn.Dropout(0.3), MLP(8, 2, ()))
    return train(model.double(), loss, epochs(LINE[:12], 6), steps=24, ema=0.9, seed=3, **options)


def resumed(folder, group):
    """A run, and its second half once more from a checkpoint that every process asks for."""
    path, seen = folder / f"run of {group.rank()}.pt", []
    torch.manual_seed(0)
    list(islice(checkpoint(with_noise([], group=group), path, every=11), 12))
    written = path.exists()
    distributed.barrier()
    path = folder / "run of 0.pt"
    whole = told(with_noise, 0, seen=seen, group=group)
    rest = told(with_noise, 1, seen=[], group=group, resume=path)
    return dict(written=written, noise=torch.stack(seen), whole=whole, rest=rest)


def diverged(group):
    """A run whose third batch has NaN in its last row, which is the last process's."""
    bad = LINE.clone()
    bad[-1] = math.nan
    model = nn.Linear(2, 2).double()
    run = train(model, lambda m, x: m(x).square().mean(), [LINE, LINE, bad], group=group)
    try:
        list(run)
    except Diverged as error:
        return error.step, str(error), dict(model.state_dict())


def bar(group):
    """What a process writes to its terminal."""
    with redirect_stderr(io.StringIO()) as terminal:
        fit(nn.Linear(2, 2), lambda m, x: m(x).mean(), repeat(LINE.float()), steps=3, group=group)
    return terminal.getvalue()


def refused(group):
    """The message for a batch that nobody can share out."""
    batch = LINE, LINE[:5]
    try:
        next(train(nn.Linear(2, 2).double(), lambda m, x, y: m(x).mean(), [batch], group=group))
    except ValueError as error:
        return str(error)


def main(folder):
    with processes() as group:
        seed = group.rank()  # as if somebody had forgotten to start them alike
        found = {make.__name__: told(make, seed, group=group) for make in SAME}
        found |= dict(resumed=resumed(folder, group), diverged=diverged(group))
        found |= dict(bar=bar(group), refused=refused(group))
        torch.save(found, folder / f"{group.rank()}.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
