"""KL by sampling, with its error bar."""

import math

import torch

from dgm_lib.core import Estimate
from dgm_lib.exercises import Exercise, Fail, Mistake
from dgm_lib.targets import GaussianMixture


def monte_carlo_kl(p, q, n: int, generator: torch.Generator) -> tuple[float, float]:
    """Densities p and q -> an estimate of KL(p‖q) from n samples, and its standard error."""
    x = p.sample((n,), generator=generator)
    log_ratio = p.log_prob(x) - q.log_prob(x)
    return log_ratio.mean().item(), log_ratio.std().item() / math.sqrt(n)


def _monte_carlo_cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def law(d):
        mu = torch.randn(1, d, generator=generator, dtype=torch.float64)
        scale = 0.6 + torch.rand(1, generator=generator).item()
        return GaussianMixture(mu, scale=scale).to(dtype=dtype)

    def seeded():
        return torch.Generator().manual_seed(int(torch.randint(2**31, (), generator=generator)))

    return [(law(d), law(d), n, seeded()) for d, n in ((1, 4000), (2, 6000), (3, 5000))]


MAY_BE_NEGATIVE = "you cut off negative values: an estimate of a KL near 0 is sometimes below 0"
SAME_NUMBERS = "other seeds give the same numbers: use the generator as it comes, unseeded"


def _honest_near_zero(fn, generator):
    """laws that are nearly equal"""
    p, q = (GaussianMixture([[mu]], scale=1.0) for mu in (0.0, 0.01))
    seeds = [torch.Generator().manual_seed(seed) for seed in range(12)]
    if min(float(fn(p, q, 50, seeded)[0]) for seeded in seeds) >= 0:
        raise Fail(MAY_BE_NEGATIVE)


def _new_samples(fn, generator):
    """other seeds"""
    p, q = (GaussianMixture([[mu]], scale=1.0) for mu in (0.0, 1.0))
    seeds = [torch.Generator().manual_seed(seed) for seed in range(3)]
    if len({float(fn(p, q, 50, seeded)[0]) for seeded in seeds}) < 3:
        raise Fail(SAME_NUMBERS)


def _like_the_reference(out, expected, args) -> str | None:
    """A right answer may use the generator in another order: agree within the error bars."""
    (value, stderr), (value_ref, stderr_ref) = (tuple(map(float, pair)) for pair in (out, expected))
    if not abs(stderr - stderr_ref) <= 0.2 * stderr_ref:
        return f"your standard error is {stderr:.4g}, expected about {stderr_ref:.4g}"
    if not abs(value - value_ref) <= 6 * stderr_ref:
        return f"your estimate is {value:.4g}, expected {value_ref:.4g} ± {stderr_ref:.2g}"
    return None


def _terms(p, q, x):
    return p.log_prob(x) - q.log_prob(x)


def _mean_and_error(terms):
    return terms.mean(), terms.std() / math.sqrt(len(terms))


def _from_q(p, q, n, generator):
    return _mean_and_error(_terms(p, q, q.sample((n,), generator=generator)))


def _reverse(p, q, n, generator):
    return monte_carlo_kl(q, p, n, generator)


def _sign(p, q, n, generator):
    return _mean_and_error(-_terms(p, q, p.sample((n,), generator=generator)))


def _no_root(p, q, n, generator):
    terms = _terms(p, q, p.sample((n,), generator=generator))
    return terms.mean(), terms.std()


def _over_n(p, q, n, generator):
    terms = _terms(p, q, p.sample((n,), generator=generator))
    return terms.mean(), terms.std() / n


def _variance_over_n(p, q, n, generator):
    terms = _terms(p, q, p.sample((n,), generator=generator))
    return terms.mean(), terms.var() / n


def _variance(p, q, n, generator):
    terms = _terms(p, q, p.sample((n,), generator=generator))
    return terms.mean(), terms.var() / math.sqrt(n)


def _no_logs(p, q, n, generator):
    return _mean_and_error(_terms(p, q, p.sample((n,), generator=generator)).exp())


def _log_of_mean(p, q, n, generator):
    terms = _terms(p, q, p.sample((n,), generator=generator))
    return terms.exp().mean().log(), terms.std() / math.sqrt(n)


def _weighted_again(p, q, n, generator):
    x = p.sample((n,), generator=generator)
    return _mean_and_error(p.log_prob(x).exp() * _terms(p, q, x))


def _cross_entropy(p, q, n, generator):
    return _mean_and_error(-q.log_prob(p.sample((n,), generator=generator)))


def _summed(p, q, n, generator):
    terms = _terms(p, q, p.sample((n,), generator=generator))
    return terms.sum(), terms.std() / math.sqrt(n)


def _swapped(p, q, n, generator):
    return monte_carlo_kl(p, q, n, generator)[::-1]


def _two_errors(p, q, n, generator):
    value, stderr = monte_carlo_kl(p, q, n, generator)
    return value, 2 * stderr


def _bits(p, q, n, generator):
    value, stderr = monte_carlo_kl(p, q, n, generator)
    return value / math.log(2), stderr / math.log(2)


def _two_samples(p, q, n, generator):
    x = p.sample((n,), generator=generator)
    return _mean_and_error(p.log_prob(x) - q.log_prob(p.sample((n,), generator=generator)))


def _median(p, q, n, generator):
    terms = _terms(p, q, p.sample((n,), generator=generator))
    return terms.median(), terms.std() / math.sqrt(n)


def _fixed_number(p, q, n, generator):
    return monte_carlo_kl(p, q, 1000, generator)


class _Counted:
    """A law that notes how many samples were drawn from it."""

    def __init__(self, law) -> None:
        self.log_prob, self.law, self.drawn = law.log_prob, law, 0

    def sample(self, shape=(), generator=None):
        x = self.law.sample(shape, generator=generator)
        self.drawn += x.shape[:-1].numel()
        return x


def _draws_too_few(fn, generator):
    p, q = (_Counted(GaussianMixture([[mu]], scale=1.0)) for mu in (0.0, 1.0))
    fn(p, q, 3000, generator)
    return p.drawn not in (0, 3000, 6000)


def _never_negative(p, q, n, generator):
    value, stderr = monte_carlo_kl(p, q, n, generator)
    return max(value, 0.0), stderr


def _own_seed(p, q, n, generator):
    return monte_carlo_kl(p, q, n, torch.Generator().manual_seed(0))


def _var_mean(p, q, n, generator):
    x = p.sample((n,), generator=generator)
    var, mean = torch.var_mean(p.log_prob(x) - q.log_prob(x), correction=0)
    return mean, (var / n).sqrt()


def _one_by_one(p, q, n, generator):
    xs = [p.sample((1,), generator=generator)[0] for _ in range(n)]
    return _mean_and_error(_terms(p, q, torch.stack(xs)))


def _estimate(p, q, n, generator):
    x = p.sample((n,), generator=generator)
    return tuple(Estimate.of(p.log_prob(x) - q.log_prob(x)))


def _two_means(p, q, n, generator):
    x = p.sample((n,), generator=generator)
    terms = _terms(p, q, x)
    mean = terms.sum() / n
    return mean, torch.sqrt(((terms - mean) ** 2).sum() / (n - 1)) / n**0.5


MISTAKES = (
    Mistake(
        "samples from q",
        _from_q,
        "your samples come from q: KL(p‖q) is an average over samples from p",
    ),
    Mistake("reverse", _reverse, "this is the reverse divergence, KL(q‖p): p and q are swapped"),
    Mistake("sign", _sign, "the sign is flipped: average log p(x) − log q(x)"),
    Mistake(
        "deviation of one term",
        _no_root,
        "this is the standard deviation of one term; that of their mean is smaller by √n",
    ),
    Mistake("over n", _over_n, "you divide the standard deviation by n: divide by √n"),
    Mistake(
        "variance over n",
        _variance_over_n,
        "this is the squared standard error: take the root of var / n",
    ),
    Mistake("variance", _variance, "you take the variance where the standard deviation belongs"),
    Mistake("no logs", _no_logs, "you average p(x)/q(x) itself: take its logarithm first"),
    Mistake(
        "log of the mean",
        _log_of_mean,
        "you take the log of the mean ratio: KL is the mean of the log ratio",
    ),
    Mistake(
        "weighted again",
        _weighted_again,
        "you weight by p(x) again: samples from p come with the right frequency already",
    ),
    Mistake(
        "cross-entropy",
        _cross_entropy,
        "this is the cross-entropy −E log q: the term log p(x) is missing",
    ),
    Mistake("summed", _summed, "you sum the terms: the estimate is their mean"),
    Mistake("swapped", _swapped, "your two numbers are swapped: the estimate comes first"),
    Mistake("two errors", _two_errors, "this is two standard errors; return one"),
    Mistake("bits", _bits, "this is in bits: use natural logarithms"),
    Mistake(
        "two samples",
        _two_samples,
        "log p and log q are taken at different samples: use the same x, their noise then cancels",
    ),
    Mistake(
        "median",
        _median,
        "this is the median of the terms; KL is their mean",
    ),
    Mistake(
        "fixed number",
        _fixed_number,
        "you draw another number of samples than the n that is asked for",
        _draws_too_few,
    ),
    Mistake("never negative", _never_negative, MAY_BE_NEGATIVE),
    Mistake("own seed", _own_seed, SAME_NUMBERS),
)

Exercise(
    monte_carlo_kl,
    title="Monte-Carlo KL with its error bar",
    minutes=8,
    difficulty=1,
    returns="two numbers, the estimate and its standard error",
    cases=_monte_carlo_cases,
    compare=_like_the_reference,
    properties=[_new_samples, _honest_near_zero],
    mistakes=MISTAKES,
    accepts=[_var_mean, _one_by_one, _estimate, _two_means],
    hints=(
        "KL(p‖q) is an average over samples from p. Which law must x come from?",
        "log_ratio = p.log_prob(x) - q.log_prob(x), one per sample. Its mean is the estimate.",
        "The standard error of a mean of n terms is their standard deviation over √n.",
    ),
)
