"""Guidance without a classifier: one network, asked with and without the class."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Fail, Mistake
from dgm_lib.exercises.engine.terms import points, wrong_terms


def classifier_free(eps_c: Tensor, eps_u: Tensor, w: float) -> Tensor:
    """ε_u + w (ε_c − ε_u): w = 0 is unconditional, w = 1 conditional, above 1 exaggerated.

    eps_c with and eps_u without the class, (*batch, d) -> (*batch, d). Ho & Salimans (2022) call
    w − 1 what is w here.
    """
    return eps_u + w * (eps_c - eps_u)


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(*shape: int, w: float) -> tuple:
        eps_c, eps_u = torch.randn(2, *shape, generator=generator, dtype=torch.float64)
        return (1.2 * eps_c + 0.3).to(dtype), (0.8 * eps_u - 0.2).to(dtype), w

    return [
        case(1, 2, w=3.0),
        case(3, 2, w=1.5),
        case(4, w=0.4),
        case(2, 3, 2, w=7.0),
        case(5, 3, w=1.0),
        case(4, 1, w=0.0),
        case(3, 4, w=-0.5),
    ]


def _many_weights(fn, generator):
    """a tensor of many weights, which broadcasts"""
    eps_c, eps_u = torch.randn(2, 4, 2, generator=generator)
    weights = torch.tensor([0.0, 1.0, 3.0])[:, None, None]
    try:
        found = fn(eps_c, eps_u, weights)
        right = torch.allclose(found, classifier_free(eps_c, eps_u, weights), atol=1e-5)
    except (RuntimeError, TypeError, ValueError):
        right = False
    if not right:
        raise Fail(_NUMBERS_ONLY)


# ------------------------------------------------------------------------ right answers


def _weights(eps_c, eps_u, w):
    return w * eps_c + (1 - w) * eps_u


def _lerp(eps_c, eps_u, w):
    return torch.lerp(eps_u, eps_c, w)


def _as_in_the_paper(eps_c, eps_u, w):
    w = w - 1
    return (1 + w) * eps_c - w * eps_u


def _from_the_condition(eps_c, eps_u, w):
    return eps_c + (w - 1) * torch.sub(eps_c, eps_u)


# ------------------------------------------------------------------------ wrong answers


_NUMBERS_ONLY = "w may be a tensor of many weights, (3, 1, 1) say: plain arithmetic does for both"


def _einsum(eps_c, eps_u, w):
    return torch.einsum("k,k...->...", eps_c.new_tensor([w, 1 - w]), torch.stack([eps_c, eps_u]))


def _rescaled(eps_c, eps_u, w):
    mixed = eps_u + w * (eps_c - eps_u)
    return mixed * eps_c.norm(dim=-1, keepdim=True) / mixed.norm(dim=-1, keepdim=True)


MISTAKES = (
    Mistake("for one number only", _einsum, _NUMBERS_ONLY),
    Mistake(
        "one plus w",
        lambda c, u, w: (1 + w) * c - w * u,
        "this is the paper's convention, where w = 0 is conditional: here w = 1 is, so its w is "
        "w − 1",
    ),
    Mistake(
        "from the conditional one",
        lambda c, u, w: c + w * (u - c),
        "the two are swapped: w = 0 must give ε_u, and w = 1 ε_c",
    ),
    Mistake(
        "sign of the difference",
        lambda c, u, w: u - w * (c - u),
        "the difference has the wrong sign: this leads away from the class",
    ),
    Mistake(
        "difference alone",
        lambda c, u, w: w * (c - u),
        "ε_u is missing: the difference is the classifier's part alone",
    ),
    Mistake(
        "as a classifier",
        lambda c, u, w: u + w * c,
        "ε_c is added as if it were the classifier's part: that is ε_c − ε_u",
    ),
    Mistake(
        "subtracted from the conditional one",
        lambda c, u, w: c - w * u,
        "w ε_u is subtracted from ε_c: the weights w and 1 − w add up to 1",
    ),
    Mistake(
        "paper's, and w out of place",
        lambda c, u, w: (1 + w) * c + w * u,
        "the weights are 1 + w and w: they must add up to 1, w and 1 − w",
    ),
    Mistake(
        "w and w minus one",
        lambda c, u, w: w * c + (w - 1) * u,
        "the weight of ε_u has the wrong sign: it is 1 − w",
    ),
    Mistake(
        "weights of a mean",
        lambda c, u, w: (w * c + u) / (w + 1),
        "this is a mean of both with weights w and 1: it never goes beyond ε_c",
    ),
    Mistake(
        "brackets",
        lambda c, u, w: u + w * c - u,
        "this is w ε_c, without ε_u: w multiplies the whole difference ε_c − ε_u, in brackets",
    ),
    Mistake(
        "at most one",
        lambda c, u, w: u + min(max(w, 0.0), 1.0) * (c - u),
        "w is kept between 0 and 1: guidance is what lies beyond",
    ),
    Mistake(
        "no w",
        lambda c, u, w: u + (c - u),
        "w is not used: this is ε_c",
    ),
    Mistake(
        "unconditional",
        lambda c, u, w: u.clone(),
        "the class is not used: this is ε_u",
    ),
    Mistake(
        "squared",
        lambda c, u, w: u + w**2 * (c - u),
        "w is squared",
    ),
    Mistake(
        "unit difference",
        lambda c, u, w: u + w * (c - u) / (c - u).norm(dim=-1, keepdim=True),
        "the difference is made one long: its length says how much the class matters here",
    ),
    Mistake(
        "rescaled",
        _rescaled,
        "the result is made as long as ε_c: a remedy for large w, but not asked for",
    ),
    Mistake(
        "negative",
        lambda c, u, w: -(u + w * (c - u)),
        "this is the negative of it, as if ε_c and ε_u were to be turned into scores",
    ),
    Mistake(
        "brackets of the other",
        lambda c, u, w: w * c - u,
        "w multiplies ε_c alone, and ε_u is subtracted whole: ε_u + w (ε_c − ε_u)",
    ),
    Mistake(
        "w minus one",
        lambda c, u, w: u + (w - 1) * (c - u),
        "the weight is w − 1 for you: w = 1 must give ε_c",
    ),
    *wrong_terms(
        classifier_free,
        (*points(2), 1.7),
        {
            0: "ε_c has another factor than w",
            1: "ε_u has another factor than 1 − w",
        },
    ),
)

Exercise(
    classifier_free,
    title="Classifier-free guidance",
    minutes=4,
    difficulty=1,
    returns="(*batch, d), one ε for each point",
    cases=_cases,
    properties=[_many_weights],
    mistakes=MISTAKES,
    accepts=[_weights, _lerp, _as_in_the_paper, _from_the_condition],
    hints=(
        "By Bayes ∇ log p(y | x) = ∇ log p(x | y) − ∇ log p(x): the difference of both is what a "
        "classifier would say.",
        "Add w times this difference to what is said without the class.",
        "Try the ends: w = 0 must give eps_u, and w = 1 eps_c.",
    ),
)
