"""Wrong log-determinants of a coupling: name, class, the sentence that names it."""

import torch

from dgm_lib.exercises.flows.coupling_answers.pieces import Coupling, with_ladj, with_methods


def _minus_in_forward(self, x):
    z, ladj = Coupling.forward(self, x)
    return z, -ladj


def _plus_in_inverse(self, z):
    x, ladj = Coupling.inverse(self, z)
    return x, -ladj


def _every_s(sign, direction):
    """A method whose ladj sums s over all coordinates."""
    points = getattr(Coupling, direction)
    return lambda self, x: (points(self, x)[0], sign * self.chunks(x)[0].sum(-1))


def _passive_s(sign, direction):
    """A method whose ladj sums s over the coordinates that pass."""
    points = getattr(Coupling, direction)
    return lambda self, x: (points(self, x)[0], sign * (self.chunks(x)[0] * self.mask).sum(-1))


WRONG = (
    (
        "sign",
        with_methods(forward=_minus_in_forward),
        "ladj of forward has the wrong sign: −Σ s is that of the inverse direction",
    ),
    (
        "inverse with the log-determinant of forward",
        with_methods(inverse=_plus_in_inverse),
        "ladj of inverse is that of forward: it belongs to the direction called, here −Σ s",
    ),
    (
        "log-determinant zero",
        with_ladj(lambda s, t, passes: torch.zeros_like(s.sum(-1))),
        "ladj is 0, as for a layer that only shifts; exp(s) changes volumes, by Σ s in logs",
    ),
    (
        "no log",
        with_ladj(lambda s, t, passes: s.sum(-1).exp()),
        "ladj is the determinant itself, the product of exp(s): its log is Σ s",
    ),
    (
        "sum of scales",
        with_ladj(lambda s, t, passes: (s.exp() * ~passes).sum(-1)),
        "ladj sums the scales exp(s): the log of their product is Σ s",
    ),
    (
        "sum of all scales",
        with_ladj(lambda s, t, passes: s.exp().sum(-1)),
        "ladj sums the scales exp(s), ones included: the log of their product is Σ s",
    ),
    (
        "log of s",
        with_ladj(lambda s, t, passes: s.masked_fill(passes, 1).abs().log().sum(-1)),
        "ladj takes the log of s: s is the log of the scale already",
    ),
    (
        "absolute value",
        with_ladj(lambda s, t, passes: s.abs().sum(-1)),
        "ladj has |s|: the absolute value is of the determinant, its log may be negative",
    ),
    (
        "passive coordinates in ladj",
        with_methods(forward=_every_s(1, "forward"), inverse=_every_s(-1, "inverse")),
        "ladj sums s over all coordinates: where the mask is True, x passes and adds nothing",
    ),
    (
        "only passive coordinates in ladj",
        with_methods(forward=_passive_s(1, "forward"), inverse=_passive_s(-1, "inverse")),
        "ladj sums s where the mask is True, which is where x passes: sum over the others",
    ),
    (
        "shift for scale in ladj",
        with_ladj(lambda s, t, passes: t.sum(-1)),
        "ladj sums t: a shift changes no volume, it is Σ s",
    ),
    (
        "mean in ladj",
        with_ladj(lambda s, t, passes: s.mean(-1)),
        "ladj averages s over the coordinates: the log-determinant is their sum",
    ),
    (
        "mean over the changed coordinates",
        with_ladj(lambda s, t, passes: s.sum(-1) / (~passes).sum()),
        "ladj averages s over the coordinates that change: the log-determinant is their sum",
    ),
    (
        "sum over the batch",
        with_ladj(lambda s, t, passes: s.sum()),
        "ladj is summed over the batch too: sum over the last dimension, one number per point",
    ),
    (
        "mean over the batch",
        with_ladj(lambda s, t, passes: s.sum(-1).mean()),
        "ladj is averaged over the batch: return one number per point",
    ),
    (
        "no sum in ladj",
        with_ladj(lambda s, t, passes: s),
        "ladj is left by coordinate, (*batch, d): sum it over the last dimension",
    ),
    (
        "sum over the first dimension",
        with_ladj(lambda s, t, passes: s.sum(0)),
        "ladj is summed over the batch's first dimension; coordinates are the last, dim=-1",
    ),
    (
        "shift in ladj",
        with_ladj(lambda s, t, passes: (s + t).sum(-1)),
        "ladj contains t: a shift changes no volume",
    ),
)
