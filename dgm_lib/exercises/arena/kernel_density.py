"""A family in ten lines: a density that remembers the data, for the arena to race."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Fail, Mistake
from dgm_lib.exercises.arena.kernel_mistakes import WRONG
from dgm_lib.exercises.arena.kernel_samples import WRONG_SAMPLES
from dgm_lib.exercises.arena.kernel_setting import data, differ, story, where


class KernelDensity:
    """The mean of Gaussians N(x_i, h² I) around the last `most` points x_i that it was shown.

    q(x) = (1 / m) Σ_i N(x; x_i, h² I), over the m ≤ `most` points kept. Parzen (1962).
    """

    def __init__(self, h: float, most: int) -> None:
        self.h, self.most, self.kept = h, most, None

    def step(self, x: Tensor) -> None:
        """Keep the points of a batch (n, d) too, and forget the oldest beyond `most`."""
        kept = x if self.kept is None else torch.cat([self.kept, x])
        self.kept = kept[-self.most :].clone()

    def log_prob(self, x: Tensor) -> Tensor:
        """log q(x), (n, d) -> (n,)."""
        squares = (x[:, None] - self.kept).square().sum(2)
        log_norm = x.shape[1] * math.log(self.h * math.sqrt(2 * math.pi)) + math.log(len(self.kept))
        return (-squares / (2 * self.h**2)).logsumexp(1) - log_norm

    def sample(self, n: int) -> Tensor:
        """n draws (n, d): one of the points, each as likely, and Gaussian noise around it."""
        chosen = self.kept[torch.randint(len(self.kept), (n,))]
        return torch.normal(chosen, self.h)


# ------------------------------------------------------------------------ what is asked


def _density(cls, generator):
    """log q after one batch, in 1, 2 and 3 dimensions"""
    for d, h in ((2, 0.6), (1, 0.8), (3, 1.7)):
        for dtype in (torch.float32, torch.float64):
            _compare(cls, h, 20, [data(4, d, dtype)], where(5, d, dtype))


def _several(cls, generator):
    """several batches"""
    _compare(cls, 0.4, 20, [data(4, 2), data(3, 2, shift=2), data(1, 2, shift=5)], where(5, 2))


def _forgets(cls, generator):
    """the last `most` points, and no older ones"""
    batches = [data(4, 2), data(3, 2, shift=2), data(4, 2, shift=5)]
    _compare(cls, 0.4, 6, batches, where(5, 2))
    _compare(cls, 0.7, 3, [data(7, 2)], where(5, 2))
    _compare(cls, 0.7, 4, [data(4, 2), data(1, 2, shift=3)], where(5, 2))


def _far(cls, generator):
    """points far from all that is kept"""
    _compare(cls, 0.01, 20, [data(4, 2)], where(5, 2) + 30, "\nexp underflows there: use logsumexp")


def _compare(cls, h: float, most: int, batches: list[Tensor], x: Tensor, advice: str = "") -> None:
    made, right = cls(h, most), KernelDensity(h, most)
    for batch in batches:
        made.step(batch.clone())
        right.step(batch)
    out, expected = made.log_prob(x.clone()), right.log_prob(x)
    if words := differ(out, expected):
        shapes = " and ".join(str(tuple(batch.shape)) for batch in batches)
        asked = f"log_prob with h = {h:g}, most = {most}, after batches of shape {shapes}"
        raise Fail(f"{asked}: {words}{advice}")


def _samples_are_kept_points(cls, generator):
    """samples around every kept point alike"""
    x = torch.tensor([[0.0, 0.0], [1.0, 5.0], [-4.0, 2.0], [3.0, -3.0], [8.0, 1.0]])
    made = cls(1e-3, 4)
    made.step(x[:3])
    made.step(x[3:])
    many = _points(made, 8000, x)
    shares = many.bincount(minlength=5) / len(many)
    if shares.max() == 1:
        raise Fail("all samples of a call lie at one point: draw one for each sample anew")
    if shares[4] == 0 and shares[1:4].all():
        raise Fail("the last of the points is never drawn: torch.randint(m, (n,)) ends before m")
    if (shares - torch.tensor([0.0, 0.25, 0.25, 0.25, 0.25])).abs().max() > 0.03:  # 6 sigma
        raise Fail(
            "each of the points that are kept must be as likely: draw their numbers with "
            "torch.randint, with repetition"
        )
    if abs((many[1:] == many[:-1]).double().mean() - 0.25) > 0.03:  # 6 sigma
        raise Fail("the points are taken in an order: draw one for each sample anew")
    single = torch.cat([_points(made, 1, x) for _ in range(600)])
    if (single.bincount(minlength=5)[1:] - 150).abs().max() > 70:  # 6 sigma
        raise Fail("sample(1) prefers some of the points: draw one anew in each call")


def _drawn(made: KernelDensity, n: int, like: Tensor) -> Tensor:
    """Samples (n, d); raises Fail if they are not of that shape, and of the dtype of `like`."""
    drawn = made.sample(n)
    if words := differ(torch.zeros_like(drawn), torch.zeros(n, like.shape[1]).to(like)):
        raise Fail(f"sample({n}): {words}")
    return drawn


def _points(made: KernelDensity, n: int, x: Tensor) -> Tensor:
    """The numbers (n,) of the points x (m, d) that n samples lie at; raises Fail if not there."""
    drawn = _drawn(made, n, x)
    distance, nearest = torch.cdist(drawn, x).min(1)
    if distance.max() > 0.02:
        raise Fail(
            "with a very small h, samples must lie at the points that were kept: around one of "
            "them each, and not between them"
        )
    return nearest


def _noise(cls, generator):
    """Gaussian noise of standard deviation h around them"""
    h, centre = 0.35, torch.tensor([2.0, -1.0], dtype=torch.float64)
    made = cls(h, 10)
    made.step(centre.repeat(2, 1))
    noise = _drawn(made, 20_000, centre[None]) - centre
    if noise.abs().max() < 1e-6:
        raise Fail("samples repeat the points that are kept: add Gaussian noise")
    if noise.std(0).min() < 1e-6:
        raise Fail("all samples of a call have the same noise: draw it for each, (n, d)")
    scaled = (noise - noise.mean(0)) / noise.std(0)
    if not 2.7 < (scaled**4).mean() < 3.3:
        raise Fail("the noise must be Gaussian: torch.randn, and not torch.rand")
    if (noise.mean(0) / noise.std(0)).abs().max() > 0.05:  # 7 sigma
        raise Fail("the noise of the samples must have mean 0")
    if (noise.std(0) / h - 1).abs().max() > 0.03:  # 6 sigma
        found = f"{noise.std():.1g}"  # no more digits than are certain
        raise Fail(
            f"the noise of the samples must have the standard deviation h: yours is about {found} "
            f"for h = {h:g}"
        )
    if (scaled[:, 0] * scaled[:, 1]).mean().abs() > 0.05:  # 7 sigma
        raise Fail("the noise must be drawn for each coordinate by itself")


def _fresh(cls, generator):
    """fresh samples in each call"""
    made = cls(0.3, 10)
    made.step(data(4, 2))
    if torch.equal(made.sample(5), made.sample(5)):
        raise Fail("two calls of sample give the same points: draw them afresh")


def _a_copy(cls, generator):
    """keeps a copy of the batch"""
    batch, x = data(4, 2), where(5, 2)
    made = cls(0.5, 20)
    made.step(batch)
    before = made.log_prob(x)
    batch.mul_(2)
    if differ(made.log_prob(x), before):
        raise Fail("the density changes when the batch is written to later: keep a copy of it")


def _apart(cls, generator):
    """two of them know nothing of each other"""
    one, other = cls(0.5, 20), cls(0.5, 20)
    one.step(data(4, 2))
    other.step(data(3, 2, shift=2))
    right = KernelDensity(0.5, 20)
    right.step(data(4, 2))
    if differ(one.log_prob(where(5, 2)), right.log_prob(where(5, 2))):
        raise Fail("two densities share their points: keep them in `self`, set in `__init__`")


# ------------------------------------------------------------------------ right answers


class _Laws:
    def __init__(self, h, most):
        self.h, self.most, self.batches = h, most, []

    def step(self, x):
        self.batches.append(x.detach().clone())

    def law(self):
        kept = torch.cat(self.batches)[-self.most :]
        parts = torch.distributions.Normal(kept, torch.full_like(kept, self.h))
        mixing = torch.distributions.Categorical(logits=torch.zeros_like(kept[:, 0]))
        each = torch.distributions.Independent(parts, 1)
        return torch.distributions.MixtureSameFamily(mixing, each)

    def log_prob(self, x):
        return self.law().log_prob(x)

    def sample(self, n):
        return self.law().sample((n,))


class _Rows:
    def __init__(self, h, most):
        self.h, self.most = h, most
        self.rows = []

    def step(self, x):
        self.rows += [row.clone() for row in x]
        while len(self.rows) > self.most:
            self.rows.pop(0)

    def log_prob(self, x):
        each = [
            torch.distributions.Normal(row, self.h).log_prob(x).sum(dim=-1) for row in self.rows
        ]
        return torch.stack(each).logsumexp(dim=0) - torch.tensor(float(len(each))).log().to(x)

    def sample(self, n):
        kept = torch.stack(self.rows)
        index = (torch.rand(n) * len(kept)).long()
        return kept[index] + self.h * torch.randn(n, kept.shape[1], dtype=kept.dtype)


class _Distances:
    def __init__(self, h, most):
        self.h, self.most, self.points = h, most, None

    def step(self, x):
        points = x.clone() if self.points is None else torch.cat((self.points, x), dim=0)
        self.points = points[max(0, len(points) - self.most) :]

    def log_prob(self, x):
        d = self.points.shape[1]
        mode = "donot_use_mm_for_euclid_dist"
        z = torch.cdist(x, self.points, compute_mode=mode) / self.h
        log_parts = -0.5 * z**2 - d * (0.5 * math.log(2 * math.pi) + math.log(self.h))
        largest = log_parts.max(dim=1, keepdim=True).values
        return largest[:, 0] + (log_parts - largest).exp().mean(dim=1).log()

    def sample(self, n):
        weights = torch.ones(len(self.points))
        chosen = self.points[weights.multinomial(n, replacement=True)]
        return chosen + torch.empty_like(chosen).normal_(0, self.h)


# ------------------------------------------------------------------------ which mistake it is


def _behaves_like(wrong: type) -> Callable:
    """Whether the answer's densities are those of a wrong version, and those are wrong."""

    def recognise(cls, generator):
        mine = story(cls)
        return mine != story(KernelDensity) and mine == story(wrong)

    return recognise


MISTAKES = [
    Mistake(name, wrong, hint, _behaves_like(wrong))
    for name, wrong, hint in (*WRONG, *WRONG_SAMPLES)
]

Exercise(
    KernelDensity,
    title="A family in ten lines",
    minutes=12,
    difficulty=2,
    properties=[
        _density,
        _several,
        _forgets,
        _far,
        _noise,
        _samples_are_kept_points,
        _fresh,
        _a_copy,
        _apart,
    ],
    mistakes=MISTAKES,
    accepts=[_Laws, _Rows, _Distances],
    hints=(
        "In step: torch.cat of what is kept and x, and of that the last rows, [-self.most:].",
        "x[:, None] - self.kept are all differences, (n, m, d). The log of a mean of exponentials "
        "is logsumexp less log m.",
        "log N(x; x_i, h² I) = −‖x − x_i‖² / 2h² − d log h − d/2 log 2π: the constant counts d "
        "times.",
        "In sample: self.kept[torch.randint(len(self.kept), (n,))], and h times torch.randn_like "
        "of that.",
    ),
)
