"""Wrong mean-field updates."""

import torch

from dgm_lib.exercises import Mistake


def _mean(value):
    """A wrong mean of factor i, with the right variance."""

    def wrong(Lambda, mu, m, i):
        new = m.clone()
        new[i] = value(Lambda, mu, m, i)
        return new, 1 / Lambda[i, i]

    return wrong


def _variance(value):
    """A wrong variance, with the right means."""
    return lambda Lambda, mu, m, i: (_right(Lambda, mu, m, i)[0], value(Lambda, i))


def _others(Lambda, mu, m, i):
    """Σ_{j≠i} Lambda_ij (m_j − mu_j)."""
    return Lambda[i] @ (m - mu) - Lambda[i, i] * (m[i] - mu[i])


_right = _mean(lambda L, mu, m, i: mu[i] - _others(L, mu, m, i) / L[i, i])


def _all_at_once(Lambda, mu, m, i):
    new = [_right(Lambda, mu, m, j)[0][j] for j in range(len(m))]
    return torch.stack(new), 1 / Lambda[i, i]


def _whole_sweep(Lambda, mu, m, i):
    for j in range(len(m)):
        m = _right(Lambda, mu, m, j)[0]
    return m, 1 / Lambda[i, i]


def _only_the_new_mean(*arguments):
    return _right(*arguments)[0][arguments[3]], _right(*arguments)[1]


def _in_place(Lambda, mu, m, i):
    m[i] = _right(Lambda, mu, m, i)[0][i]
    return m, 1 / Lambda[i, i]


def _other_entries_at_mu(Lambda, mu, m, i):
    new = mu.clone()
    new[i] = _right(Lambda, mu, m, i)[0][i]
    return new, 1 / Lambda[i, i]


def _other_entries_zero(Lambda, mu, m, i):
    new = torch.zeros_like(m)
    new[i] = _right(Lambda, mu, m, i)[0][i]
    return new, 1 / Lambda[i, i]


def _covariance_throughout(Lambda, mu, m, i):
    covariance = torch.linalg.inv(Lambda)
    return _right(covariance, mu, m, i)[0], covariance[i, i]


MISTAKES = (
    Mistake(
        "sign",
        _mean(lambda L, mu, m, i: mu[i] + _others(L, mu, m, i) / L[i, i]),
        "the sum over the others has the wrong sign: a positive precision pulls the other way",
    ),
    Mistake(
        "own term",
        _mean(lambda L, mu, m, i: mu[i] - L[i] @ (m - mu) / L[i, i]),
        "the sum runs over j = i too: leave that term out",
    ),
    Mistake(
        "own term, plus",
        _mean(lambda L, mu, m, i: mu[i] + L[i] @ (m - mu) / L[i, i]),
        "the sum runs over j = i too and has the wrong sign: leave that term out, subtract",
    ),
    Mistake(
        "not divided",
        _mean(lambda L, mu, m, i: mu[i] - _others(L, mu, m, i)),
        "the sum is not divided by Lambda_ii",
    ),
    Mistake(
        "multiplied",
        _mean(lambda L, mu, m, i: mu[i] - _others(L, mu, m, i) * L[i, i]),
        "the sum is multiplied by Lambda_ii: divide by it",
    ),
    Mistake(
        "divided by the square",
        _mean(lambda L, mu, m, i: mu[i] - _others(L, mu, m, i) / L[i, i] ** 2),
        "the sum is divided by Lambda_ii twice",
    ),
    Mistake(
        "divided by the root",
        _mean(lambda L, mu, m, i: mu[i] - _others(L, mu, m, i) / L[i, i].sqrt()),
        "the sum is divided by the root of Lambda_ii: divide by Lambda_ii itself",
    ),
    Mistake(
        "everything divided",
        _mean(lambda L, mu, m, i: (mu[i] - _others(L, mu, m, i)) / L[i, i]),
        "mu_i is divided by Lambda_ii too: only the sum is",
    ),
    Mistake(
        "m for the distance",
        _mean(lambda L, mu, m, i: mu[i] - (L[i] @ m - L[i, i] * m[i]) / L[i, i]),
        "the sum takes m_j: it takes m_j − mu_j, how far the others are from their mean",
    ),
    Mistake(
        "no mu_i",
        _mean(lambda L, mu, m, i: -_others(L, mu, m, i) / L[i, i]),
        "mu_i is missing: the sum shifts the mean away from it",
    ),
    Mistake(
        "from the old mean",
        _mean(lambda L, mu, m, i: m[i] - _others(L, mu, m, i) / L[i, i]),
        "the shift starts at the old m_i: it starts at mu_i",
    ),
    Mistake(
        "mu_j minus m_j",
        _mean(lambda L, mu, m, i: mu[i] - (L[i] @ (mu - m) - L[i, i] * (mu - m)[i]) / L[i, i]),
        "the sum over the others has the wrong sign: a positive precision pulls the other way",
    ),
    Mistake(
        "mu_i for mu_j",
        _mean(lambda L, mu, m, i: mu[i] - (L[i] @ (m - mu[i]) - L[i, i] * (m - mu)[i]) / L[i, i]),
        "the sum takes m_j − mu_i: each m_j is compared with its own mu_j",
    ),
    Mistake(
        "m_i for m_j",
        _mean(lambda L, mu, m, i: mu[i] - (L[i] @ (m[i] - mu) - L[i, i] * (m - mu)[i]) / L[i, i]),
        "the sum takes m_i − mu_j: each other factor comes with its own m_j",
    ),
    Mistake(
        "straight to mu",
        _mean(lambda L, mu, m, i: mu[i]),
        "m_i jumps to mu_i: that is where many sweeps end, one update depends on the others",
    ),
    Mistake(
        "unchanged",
        _mean(lambda L, mu, m, i: m[i]),
        "m comes back as it was: entry i must change",
    ),
    Mistake(
        "only those before",
        _mean(lambda L, mu, m, i: mu[i] - L[i, :i] @ (m - mu)[:i] / L[i, i]),
        "the sum stops before i: it runs over all j ≠ i",
    ),
    Mistake(
        "only those after",
        _mean(lambda L, mu, m, i: mu[i] - L[i, i + 1 :] @ (m - mu)[i + 1 :] / L[i, i]),
        "the sum starts after i: it runs over all j ≠ i",
    ),
    Mistake(
        "divided by Lambda_jj",
        _mean(lambda L, mu, m, i: mu[i] - (L[i] / L.diagonal()) @ (m - mu) + (m - mu)[i]),
        "each term is divided by Lambda_jj: divide by Lambda_ii, the precision of factor i",
    ),
    Mistake(
        "plain sum",
        _mean(lambda L, mu, m, i: mu[i] - ((m - mu).sum() - (m - mu)[i]) / L[i, i]),
        "Lambda_ij is missing in the sum: it weighs how factor j bears on factor i",
    ),
    Mistake(
        "mean",
        _mean(lambda L, mu, m, i: mu[i] - _others(L, mu, m, i) / L[i, i] / max(len(m) - 1, 1)),
        "you average over the others: sum over them",
    ),
    Mistake(
        "covariance for precision",
        lambda L, *rest: _right(torch.linalg.inv(L), *rest),
        "Lambda is inverted, but it is the precision already, not the covariance",
    ),
    Mistake(
        "covariance in the mean",
        _mean(lambda L, *rest: _right(torch.linalg.inv(L), *rest)[0][rest[2]]),
        "Lambda is inverted in the mean, but it is the precision already, not the covariance",
    ),
    Mistake(
        "conditional by the covariance",
        _mean(lambda L, mu, m, i: mu[i] - _others(torch.linalg.inv(L), mu, m, i) / L[i, i]),
        "the sum takes the covariance Lambda⁻¹: it takes the precision Lambda",
    ),
    Mistake(
        "marginal variance",
        _variance(lambda L, i: torch.linalg.inv(L)[i, i]),
        "this is the marginal variance (Lambda⁻¹)_ii: the factor's is 1 / Lambda_ii, which is "
        "smaller: mean field is too sure",
    ),
    Mistake(
        "precision",
        _variance(lambda L, i: L[i, i].clone()),
        "you return the precision Lambda_ii: the variance is its inverse",
    ),
    Mistake(
        "standard deviation",
        _variance(lambda L, i: L[i, i].rsqrt()),
        "you return the standard deviation: the variance is 1 / Lambda_ii",
    ),
    Mistake(
        "variance squared",
        _variance(lambda L, i: L[i, i] ** -2),
        "you square 1 / Lambda_ii: it is a variance already",
    ),
    Mistake(
        "log variance",
        _variance(lambda L, i: -L[i, i].log()),
        "this is the log of the variance: return 1 / Lambda_ii",
    ),
    Mistake(
        "all variances",
        _variance(lambda L, i: 1 / L.diagonal()),
        "these are the variances of all factors: return that of factor i",
    ),
    Mistake(
        "inverse matrix",
        _variance(lambda L, i: torch.linalg.inv(L)),
        "this is a whole covariance: q is factorised, return the variance 1 / Lambda_ii",
    ),
    Mistake(
        "all at once",
        _all_at_once,
        "all means are updated: only entry i changes, the others wait for their turn",
    ),
    Mistake(
        "whole sweep",
        _whole_sweep,
        "this is a whole sweep: only entry i changes, the others wait for their turn",
    ),
    Mistake(
        "only the new mean",
        _only_the_new_mean,
        "this is the new m_i alone: return all of m with entry i changed",
    ),
    Mistake("only m", lambda *a: _right(*a)[0], "the variance is missing: return new, 1 / …"),
    Mistake(
        "variance first",
        lambda *a: _right(*a)[::-1],
        "the order is another: return the means, then the variance",
    ),
    Mistake(
        "others at mu",
        _other_entries_at_mu,
        "the other entries become mu: they stay as they are in m",
    ),
    Mistake(
        "others at zero",
        _other_entries_zero,
        "the other entries become zero: they stay as they are in m",
    ),
    Mistake("in place", _in_place, "m is changed in place: change a copy, m.clone()"),
    Mistake(
        "covariance throughout",
        _covariance_throughout,
        "Lambda is inverted, but it is the precision already, not the covariance",
    ),
    Mistake(
        "half",
        _mean(lambda L, mu, m, i: mu[i] - 0.5 * _others(L, mu, m, i) / L[i, i]),
        "the sum is halved: the ½ of the Gaussian cancels, since Lambda_ij stands there twice",
    ),
    Mistake(
        "own term added",
        _mean(lambda L, mu, m, i: mu[i] - L[i] @ (m - mu) / L[i, i] - (m - mu)[i]),
        "the term with j = i is subtracted twice: leave it out of the sum",
    ),
    Mistake(
        "times the marginal variance",
        _mean(lambda L, mu, m, i: mu[i] - _others(L, mu, m, i) * torch.linalg.inv(L)[i, i]),
        "the sum is multiplied by the marginal variance (Lambda⁻¹)_ii: divide by Lambda_ii",
    ),
)
