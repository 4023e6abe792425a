"""The p-value of a permutation test."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Fail, Mistake


def permutation_p_value(
    x: Tensor, y: Tensor, statistic, permutations: int, generator: torch.Generator
) -> float:
    """Samples x (n, d), y (m, d) -> the share of deals at least as extreme, in (0, 1]."""
    observed = statistic(x, y)
    pooled, n = torch.cat([x, y]), len(x)
    at_least = 0
    for _ in range(permutations):
        order = torch.randperm(len(pooled), generator=generator)
        at_least += int(statistic(pooled[order[:n]], pooled[order[n:]]) >= observed)
    return (1 + at_least) / (1 + permutations)


def _difference(x, y):
    return (x.mean(0) - y.mean(0)).sum()


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(n, m, shift, permutations):
        x = shift + torch.randn(n, 1, generator=generator, dtype=torch.float64)
        y = torch.randn(m, 1, generator=generator, dtype=torch.float64)
        seed = int(torch.randint(2**31, (), generator=generator))
        generator_ = torch.Generator().manual_seed(seed)
        return x.to(dtype), y.to(dtype), _difference, permutations, generator_

    return [case(6, 4, 0.3, 399), case(5, 9, -0.4, 399), case(20, 12, 0.2, 399)]


def _near(out, expected, args) -> str | None:
    """Right answers may deal in another order: compare within the noise of the permutations."""
    permutations = args[3]
    out, expected = float(out), float(expected)
    noise = max(expected * (1 - expected) / permutations, 0) ** 0.5 + 1 / permutations
    if not abs(out - expected) <= 6 * noise:
        return f"your p-value is {out:.4g}, expected {expected:.4g} ± {noise:.2g}"
    return None


def _run(fn, x, y, statistic, permutations=19, seed=0):
    return float(fn(x, y, statistic, permutations, torch.Generator().manual_seed(seed)))


def _apart(generator):
    """Two samples so far apart that no other deal is as extreme (and n is not m)."""
    x = 50 + torch.randn(12, 2, generator=generator)
    return x, torch.randn(7, 2, generator=generator)


ONCE = "a deal must use every point exactly once: shuffle, do not draw with replacement"


def _smallest(fn, generator):
    """two samples far apart"""
    p_value = _run(fn, *_apart(generator), _difference)
    if p_value <= 0:
        raise Fail("your p-value can be 0: the observed deal counts too, add 1 above and below")
    if abs(p_value - 1 / 19) < 1e-6:
        raise Fail("1 is added to the count but not to the number of permutations")
    if not abs(p_value - 1 / 20) < 1e-6:
        raise Fail("for samples far apart and 19 permutations the p-value must be 1/20")


def _ties(fn, generator):
    """a constant statistic"""
    x, y = _apart(generator)
    if not abs(_run(fn, x, y, lambda x, y: torch.tensor(1.0)) - 1) < 1e-6:
        raise Fail("ties count as at least as extreme (≥): a constant statistic has p-value 1")


def _deals_fairly(fn, generator):
    """each deal uses every point once, in bags of the right sizes"""
    x, y = _apart(generator)
    seen = []

    def watch(a, b):
        seen.append((a.clone(), b.clone()))
        return _difference(a, b)

    _run(fn, x, y, watch)
    if any((len(a), len(b)) != (12, 7) for a, b in seen):
        raise Fail("a permuted bag has the wrong size: the first n points go to x, the rest to y")
    every = {tuple(point) for point in torch.cat([x, y]).tolist()}
    deals = [{tuple(point) for point in torch.cat(deal).tolist()} for deal in seen]
    if any(deal - every for deal in deals):
        raise Fail("a deal takes points apart: shuffle whole rows of the pool, not their numbers")
    if any(deal != every for deal in deals):
        raise Fail(ONCE)
    if len({round(a.sum().item(), 3) for a, _ in seen}) < 5:
        raise Fail("the points never change bags: pool x and y before you shuffle")


def _new_deals(fn, generator):
    """the deals come from the generator"""
    x, y = torch.randn(8, 1, generator=generator), torch.randn(8, 1, generator=generator)
    if len({_run(fn, x, y, _difference, 97, seed) for seed in range(12)}) == 1:
        raise Fail("other seeds give the same deals: pass the generator on to torch.randperm")


def _always_below_one(fn, generator):
    """With every deal tied: B / (1 + B)."""
    p_value = _run(fn, *_apart(generator), lambda x, y: torch.tensor(1.0))
    return abs(p_value - 19 / 20) < 1e-6


def _is_one_minus(fn, generator):
    """Far apart it is 19/20, tied it is 0: the other way round."""
    x, y = _apart(generator)
    tied = _run(fn, x, y, lambda x, y: torch.tensor(1.0))
    return abs(tied) < 1e-6 and abs(_run(fn, x, y, _difference) - 19 / 20) < 1e-6


def _count(compare, value):
    """A version of the test with its own comparison and its own formula for the p-value."""

    def wrong(x, y, statistic, permutations, generator):
        observed, pooled, n = statistic(x, y), torch.cat([x, y]), len(x)
        count = 0
        for _ in range(permutations):
            order = torch.randperm(len(pooled), generator=generator)
            count += int(compare(statistic(pooled[order[:n]], pooled[order[n:]]), observed))
        return value(count, permutations)

    return wrong


def _dealt_by(deal):
    """A version of the test with its own way to deal: deal(x, y, generator) -> two bags."""

    def wrong(x, y, statistic, permutations, generator):
        observed = statistic(x, y)
        bags = [deal(x, y, generator) for _ in range(permutations)]
        return (1 + sum(int(statistic(*bag) >= observed) for bag in bags)) / (1 + permutations)

    return wrong


def _at_least(permuted, observed):
    return permuted >= observed


def _share(count, permutations):
    return (1 + count) / (1 + permutations)


def _with_replacement(x, y, generator):
    pooled = torch.cat([x, y])
    rows = torch.randint(len(pooled), (len(pooled),), generator=generator)
    return pooled[rows[: len(x)]], pooled[rows[len(x) :]]


def _within_bags(x, y, generator):
    def shuffled(v):
        return v[torch.randperm(len(v), generator=generator)]

    return shuffled(x), shuffled(y)


def _halves(x, y, generator):
    pooled = torch.cat([x, y])[torch.randperm(len(x) + len(y), generator=generator)]
    return pooled[: len(pooled) // 2], pooled[len(pooled) // 2 :]


def _swapped_sizes(x, y, generator):
    pooled = torch.cat([x, y])[torch.randperm(len(x) + len(y), generator=generator)]
    return pooled[: len(y)], pooled[len(y) :]


def _columns_apart(x, y, generator):
    pooled = torch.cat([x, y])
    columns = [v[torch.randperm(len(v), generator=generator)] for v in pooled.T]
    return torch.stack(columns, dim=-1).split([len(x), len(y)])


def _own_seed(x, y, generator):
    order = torch.randperm(len(x) + len(y), generator=torch.Generator().manual_seed(0))
    pooled = torch.cat([x, y])[order]
    return pooled[: len(x)], pooled[len(x) :]


def _all_at_once(x, y, statistic, permutations, generator):
    pooled, n = torch.cat([x, y]), len(x)
    orders = torch.rand(permutations, len(pooled), generator=generator).argsort(-1)
    permuted = torch.stack([statistic(pooled[o[:n]], pooled[o[n:]]) for o in orders])
    return ((permuted >= statistic(x, y)).sum().item() + 1) / (permutations + 1)


def _observed_in_the_list(x, y, statistic, permutations, generator):
    values = [float(statistic(x, y))]
    pooled, n, m = torch.cat([x, y]), len(x), len(y)
    for _ in range(permutations):
        shuffled = pooled[torch.randperm(n + m, generator=generator)]
        values.append(float(statistic(shuffled[m:], shuffled[:m])))
    return sum(value >= values[0] for value in values) / len(values)


def _tensor(x, y, statistic, permutations, generator):
    pooled, n, observed = torch.cat([x, y]), len(x), statistic(x, y)
    orders = [torch.randperm(len(pooled), generator=generator) for _ in range(permutations)]
    values = torch.stack([statistic(pooled[o[:n]], pooled[o[n:]]) for o in orders])
    return (1 + (values >= observed).sum()) / (1 + permutations)


Exercise(
    permutation_p_value,
    title="Permutation p-value",
    minutes=10,
    difficulty=2,
    returns="one number in (0, 1]",
    cases=_cases,
    compare=_near,
    properties=[_smallest, _ties, _deals_fairly, _new_deals],
    mistakes=[
        Mistake(
            "no plus one",
            _count(_at_least, lambda count, b: count / b),
            "your p-value can be 0: the observed deal counts too, add 1 above and below",
        ),
        Mistake(
            "plus one above only",
            _count(_at_least, lambda count, b: (1 + count) / b),
            "1 is added to the count but not to the number of permutations",
        ),
        Mistake(
            "plus one below only",
            _count(_at_least, lambda count, b: count / (1 + b)),
            "1 is added to the number of permutations but not to the count",
            _always_below_one,
        ),
        Mistake(
            "strictly larger",
            _count(lambda permuted, observed: permuted > observed, _share),
            "ties count as at least as extreme (≥)",
        ),
        Mistake(
            "smaller",
            _count(lambda permuted, observed: permuted <= observed, _share),
            "you count the deals that are at most as extreme; count those at least as extreme",
        ),
        Mistake(
            "two-sided",
            _count(lambda permuted, observed: permuted.abs() >= observed.abs(), _share),
            "this is two-sided: only large values of the statistic itself count as extreme",
        ),
        Mistake(
            "one minus",
            _count(_at_least, lambda count, b: 1 - (1 + count) / (1 + b)),
            "this is one minus the p-value",
            _is_one_minus,
        ),
        Mistake(
            "count",
            _count(_at_least, lambda count, b: float(1 + count)),
            "this is the count: divide it by 1 + permutations",
        ),
        Mistake(
            "with replacement",
            _dealt_by(_with_replacement),
            ONCE,
        ),
        Mistake(
            "numbers, not points",
            _dealt_by(_columns_apart),
            "a deal takes points apart: shuffle whole rows of the pool, not their numbers",
        ),
        Mistake(
            "within bags",
            _dealt_by(_within_bags),
            "the points never change bags: pool x and y before you shuffle",
        ),
        Mistake(
            "halves",
            _dealt_by(_halves),
            "a permuted bag has the wrong size: the first n points go to x, the rest to y",
        ),
        Mistake(
            "swapped sizes",
            _dealt_by(_swapped_sizes),
            "a permuted bag has the wrong size: the first n points go to x, the rest to y",
        ),
        Mistake(
            "own seed",
            _dealt_by(_own_seed),
            "every deal is the same: use the generator you are given, seeded once outside",
        ),
    ],
    accepts=[_all_at_once, _observed_in_the_list, _tensor],
    hints=(
        "Compute the observed statistic once. Then pool: torch.cat([x, y]).",
        "order = torch.randperm(len(pooled), generator=generator); the first n rows are the new x.",
        "Count permuted >= observed, ties included, and add one for the observed deal itself.",
    ),
)
