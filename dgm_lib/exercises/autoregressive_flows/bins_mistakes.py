"""Bins of a logistic law as learners get them wrong."""

import math

import torch

from dgm_lib.exercises import Mistake

NAIVE = (
    "far from mu you subtract two nearly equal numbers, 1 − 1 = 0, and log P is −∞: sigmoid(b) − "
    "sigmoid(a) = sigmoid(−a) − sigmoid(−b), of which one form keeps its digits"
)
LAST_BIN = (
    "an edge bin is 1 minus a number near 1, which leaves nothing: the mass beyond an edge above "
    "is 1 − F(x) = sigmoid((mu − x)/s)"
)
CLAMPED = (
    "a clamp or a small number only hides the cancellation: bins far from mu all get the same "
    "probability, and no gradient"
)


def _inner_edges(mu, s, levels):
    """The edges between the bins on the scale of the law, (*batch, levels - 1)."""
    edges = (torch.arange(levels - 1) + 0.5).to(mu)
    return (edges - mu.unsqueeze(-1)) / s.unsqueeze(-1)


def _between(cdf, ends=(0.0, 1.0)):
    """Differences of neighbours of F at the inner edges, and of its two ends."""
    start, end = (torch.full_like(cdf[..., :1], value) for value in ends)
    return torch.cat([start, cdf, end], dim=-1).diff(dim=-1)


def version(cdf=torch.sigmoid, ends=(0.0, 1.0), a=_inner_edges):
    """The plain difference F(y + ½) − F(y − ½), with its own F, ends or edges."""
    return lambda mu, s, levels: _between(cdf(a(mu, s, levels)), ends)


naive = version()


def _closed(mu, s, levels):
    """The edge bins without their tails."""
    y, mu, s = torch.arange(levels).to(mu), mu[..., None], s[..., None]
    return torch.sigmoid((y + 0.5 - mu) / s) - torch.sigmoid((y - 0.5 - mu) / s)


def _with_mu(change):
    return lambda mu, s, levels: naive(change(mu), s, levels)


def _with_s(change):
    return lambda mu, s, levels: naive(mu, change(s), levels)


def _density(mu, s, levels):
    f = torch.sigmoid((torch.arange(levels).to(mu) - mu[..., None]) / s[..., None])
    return f * (1 - f) / s[..., None]


def _normalised(wrong):
    def normalised(mu, s, levels):
        p = wrong(mu, s, levels)
        return p / p.sum(-1, keepdim=True)

    return normalised


def _softmax(mu, s, levels):
    return (-((torch.arange(levels).to(mu) - mu[..., None]) / s[..., None]).abs()).softmax(-1)


def _own_halves(half):
    """Bins of another half-width, which leaves gaps between them or lets them overlap."""

    def wrong(mu, s, levels):
        y = torch.arange(levels).to(mu)
        lower, upper = (
            torch.sigmoid((y + side * half(levels, s[..., None]) - mu[..., None]) / s[..., None])
            for side in (-1, 1)
        )
        first, last = upper[..., :1], 1 - lower[..., -1:]
        return torch.cat([first, (upper - lower)[..., 1:-1], last], dim=-1)

    return wrong


def _lower_tail_only(mu, s, levels):
    p = naive(mu, s, levels)
    return torch.cat([p[..., :-1], _closed(mu, s, levels)[..., -1:]], dim=-1)


def _upper_tail_only(mu, s, levels):
    p = naive(mu, s, levels)
    return torch.cat([_closed(mu, s, levels)[..., :1], p[..., 1:]], dim=-1)


def _swapped_ends(mu, s, levels):
    a = _inner_edges(mu, s, levels)
    first, last = torch.sigmoid(-a[..., :1]), torch.sigmoid(a[..., -1:])
    return torch.cat([first, naive(mu, s, levels)[..., 1:-1], last], dim=-1)


def _cumulative(mu, s, levels):
    return naive(mu, s, levels).cumsum(-1)


def _by_hand(a):
    return a.exp() / (1 + a.exp())


def _gaussian(a):
    return 0.5 * (1 + torch.erf(a / math.sqrt(2)))


def _infinite_edges(mu, s, levels):
    inner = (torch.arange(levels - 1) + 0.5).to(mu)
    edges = torch.cat([inner.new_tensor([-math.inf]), inner, inner.new_tensor([math.inf])])
    return torch.sigmoid((edges - mu[..., None]) / s[..., None]).diff(dim=-1)


def _last_as_the_rest(mu, s, levels):
    a = _inner_edges(mu, s, levels)
    below, above, width = torch.sigmoid(a), torch.sigmoid(-a), 1 / s[..., None]
    inner = below[..., 1:] * above[..., :-1] * -torch.expm1(-width)
    return torch.cat([below[..., :1], inner, 1 - below[..., -1:]], dim=-1)


def _has_nan_gradient(fn, generator):
    mu, s = torch.tensor([1.2, 0.4]), torch.tensor([0.8, 1.3], requires_grad=True)
    p = fn(mu, s, 4)
    is_right = torch.allclose(p, naive(mu, s, 4), atol=1e-5)
    return is_right and bool(torch.autograd.grad(p.square().sum(), s)[0].isnan().any())


def _overflows(fn, generator):
    """Right near mu = 1.2, NaN where (y - mu)/s passes 88."""
    p = fn(torch.tensor([1.2]), torch.tensor([0.1]), 16)[0]
    return bool(p.isnan().any()) and torch.allclose(
        p[:4], torch.tensor([0.0009, 0.9502, 0.0474, 0.0]), atol=2e-3
    )


def _has_a_floor(fn, generator):
    """One probability for all far bins."""
    far = fn(torch.tensor([1.2]), torch.tensor([0.2]), 16)[0, 10:14]
    return bool((far > 0).all() and (far == far[0]).all())


MISTAKES = (
    Mistake("naive", naive, NAIVE),
    Mistake("last bin as 1 - F", _last_as_the_rest, LAST_BIN),
    Mistake("clamped", lambda *args: naive(*args).clamp(min=1e-12), CLAMPED, _has_a_floor),
    Mistake("small number", lambda *args: naive(*args) + 1e-7, CLAMPED, _has_a_floor),
    Mistake(
        "infinite edges",
        _infinite_edges,
        "edges at ±∞ make the gradient in s NaN (∞ · 0): take the two edge bins by themselves",
        _has_nan_gradient,
    ),
    Mistake(
        "exp by hand",
        version(_by_hand),
        "exp overflows and ∞/∞ is NaN: torch.sigmoid does not",
        _overflows,
    ),
    Mistake(
        "edge bins closed",
        _closed,
        "the edge bins have lost their tails: the first begins at −∞, the last ends at ∞, so that "
        "all sum to 1",
    ),
    Mistake(
        "lower tail only",
        _lower_tail_only,
        "the last bin has lost its tail: it ends at ∞, not at levels − ½",
    ),
    Mistake(
        "upper tail only",
        _upper_tail_only,
        "the first bin has lost its tail: it begins at −∞, not at −½",
    ),
    Mistake(
        "normalised",
        _normalised(_closed),
        "you divide by the sum to make it 1: the missing mass belongs to the two edge bins alone",
    ),
    Mistake(
        "from y to y + 1",
        _with_mu(lambda mu: mu - 0.5),
        "your bins are [y, y + 1]: y is in the middle of its bin here, [y − ½, y + ½]",
    ),
    Mistake(
        "from y - 1 to y",
        _with_mu(lambda mu: mu + 0.5),
        "your bins are [y − 1, y]: y is in the middle of its bin, [y − ½, y + ½]",
    ),
    Mistake(
        "levels from 1",
        _with_mu(lambda mu: mu - 1),
        "your levels are 1, …, levels; they count from 0",
    ),
    Mistake(
        "density",
        _density,
        "this is the density at y: the probability of a bin is a difference of F",
    ),
    Mistake(
        "density without scale",
        lambda mu, s, levels: _density(mu, s, levels) * s[..., None],
        "F(1 − F) at y is a density (times s): the probability of a bin is a difference of F",
    ),
    Mistake(
        "density normalised",
        _normalised(_density),
        "a density at the levels, divided by its sum, is another law: take differences of F",
    ),
    Mistake(
        "softmax",
        _softmax,
        "softmax of distances is another law: take differences of F",
    ),
    Mistake(
        "mirrored",
        version(a=lambda *args: -_inner_edges(*args)),
        "F grows with x, sigmoid((x − mu)/s): the sign inside is turned around",
    ),
    Mistake(
        "backwards",
        lambda *args: -naive(*args),
        "your probabilities are negative: F at the upper edge comes first",
    ),
    Mistake(
        "s inverse",
        _with_s(lambda s: 1 / s),
        "you multiply by s: it is the scale, divide by it",
    ),
    Mistake("s a logarithm", _with_s(lambda s: s.exp()), "s is the scale itself, not its log"),
    Mistake(
        "s not used",
        _with_s(lambda s: torch.ones_like(s)),
        "the scale s is not used: divide x − mu by it",
    ),
    Mistake(
        "s a deviation",
        _with_s(lambda s: s * math.sqrt(3) / math.pi),
        "s is the scale in sigmoid((x − mu)/s), not the standard deviation, π·s/√3",
    ),
    Mistake(
        "half not scaled",
        _own_halves(lambda levels, s: 0.5 * s),
        "½ is added after dividing by s: the edge is y + ½, so (y + ½ − mu)/s",
    ),
    Mistake(
        "width 1/levels",
        _own_halves(lambda levels, s: 0.5 / levels),
        "levels are 1 apart here: the half-width of a bin is ½, not ½ over levels",
    ),
    Mistake(
        "width 1/(levels - 1)",
        _own_halves(lambda levels, s: 0.5 / (levels - 1)),
        "levels are 1 apart here, not scaled to [0, 1]: the half-width of a bin is ½",
    ),
    Mistake(
        "ends swapped",
        _swapped_ends,
        "the two edge bins have each other's form: the first is F(½), the last 1 − F(levels − 3/2)",
    ),
    Mistake("tanh", version(torch.tanh, (-1.0, 1.0)), "tanh runs from −1 to 1: F is the sigmoid"),
    Mistake(
        "tanh without half",
        version(lambda a: 0.5 * (1 + torch.tanh(a))),
        "sigmoid(a) is ½(1 + tanh(a/2)): the half inside is missing",
    ),
    Mistake("Gaussian", version(_gaussian), "this is the Gaussian F: the logistic's is sigmoid"),
    Mistake("cumulative", _cumulative, "this is F at the upper edges: take differences"),
    Mistake(
        "log",
        lambda *args: naive(*args).clamp(min=1e-30).log(),
        "these are log-probabilities: return the probabilities",
    ),
    Mistake(
        "levels first",
        lambda *args: naive(*args).movedim(-1, 0),
        "the levels come first in your result: they belong in the last dimension",
    ),
)
