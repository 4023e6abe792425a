"""Wrong leapfrogs, and what gives them away."""

from collections.abc import Callable

import torch
from torch import Tensor

from dgm_lib.exercises.mcmc.tells import copies, same, vector


class Force:
    """A score that a report shows by its formula."""

    def __init__(self, name: str, function: Callable) -> None:
        self.name, self.function = name, function

    def __call__(self, x: Tensor) -> Tensor:
        """The score at x."""
        return self.function(x)


class Counted(Force):
    """A score that counts its calls."""

    def __init__(self, force: Force) -> None:
        super().__init__(force.name, force.function)
        self.calls = 0

    def __call__(self, x: Tensor) -> Tensor:
        """The score at x, one call more."""
        self.calls += 1
        return super().__call__(x)


X, V = vector(0.8, -0.4, 1.1), vector(-0.7, 1.2, 0.5)
CURVED = Force("−sinh x", lambda x: -torch.sinh(x))
NOTHING = Force("0", torch.zeros_like)
CONSTANT = Force("2", lambda x: torch.full_like(x, 2.0))
TRY = (X, V, CURVED, 0.2, 4)


def right(x, v, score, step, n):
    """As it should be."""
    v = v + step / 2 * score(x)
    for i in range(n):
        x = x + step * v
        v = v + (step if i < n - 1 else step / 2) * score(x)
    return x, v


def kicks(first, between, last):
    """The right order of kicks and drifts with wrong sizes of the kicks, in steps."""

    def wrong(x, v, score, step, n):
        v = v + first * step * score(x)
        for i in range(n):
            x = x + step * v
            v = v + (between if i < n - 1 else last) * step * score(x)
        return x, v

    return wrong


def with_drift(size):
    """The right kicks with drifts of a wrong size, in steps."""

    def wrong(x, v, score, step, n):
        v = v + step / 2 * score(x)
        for i in range(n):
            x = x + size * step * v
            v = v + (step if i < n - 1 else step / 2) * score(x)
        return x, v

    return wrong


def euler(x, v, score, step, n):
    """x and v moved at once."""
    for _ in range(n):
        x, v = x + step * v, v + step * score(x)
    return x, v


def kick_drift(x, v, score, step, n):
    """Full kicks, each before its drift."""
    for _ in range(n):
        v = v + step * score(x)
        x = x + step * v
    return x, v


def drift_kick(x, v, score, step, n):
    """Full kicks, each after its drift."""
    for _ in range(n):
        x = x + step * v
        v = v + step * score(x)
    return x, v


def position_first(x, v, score, step, n):
    """Half drifts around full kicks."""
    for _ in range(n):
        x = x + step / 2 * v
        v = v + step * score(x)
        x = x + step / 2 * v
    return x, v


def score_at_the_start(x, v, score, step, n):
    """One score for all kicks."""
    force = score(x)
    return right(x, v, lambda x: force, step, n)


def last_kick_stale(x, v, score, step, n):
    """The last kick with the score of before the last drift."""
    v = v + step / 2 * score(x)
    for i in range(n):
        x, at = x + step * v, x
        v = v + (step * score(x) if i < n - 1 else step / 2 * score(at))
    return x, v


def every_kick_stale(x, v, score, step, n):
    """Each kick after a drift with the score of before it."""
    force = score(x)
    for _ in range(n):
        v = v + step / 2 * force
        x = x + step * v
        v, force = v + step / 2 * force, score(x)
    return x, v


def momentum_of_before(x, v, score, step, n):
    """Drifts with the v of before the half kick."""
    for _ in range(n):
        old, v = v, v + step / 2 * score(x)
        x = x + step * old
        v = v + step / 2 * score(x)
    return x, v


def negated(*args):
    """v turned round."""
    x, v = right(*args)
    return x, -v


def score_of_the_momentum(x, v, score, step, n):
    """score(v) for score(x)."""
    v = v + step / 2 * score(v)
    for i in range(n):
        x = x + step * v
        v = v + (step if i < n - 1 else step / 2) * score(v)
    return x, v


def score_differentiated(x, v, score, step, n):
    """The derivative of the score in its place."""

    def curvature(x):
        x = x.detach().requires_grad_()
        return torch.autograd.grad(score(x).sum(), x)[0]

    return right(x, v, curvature, step, n)


def taylor_not_halved(x, v, score, step, n):
    """x + step·v + step²·score(x)."""
    force = score(x)
    for _ in range(n):
        x = x + step * v + step**2 * force
        old, force = force, score(x)
        v = v + step * (old + force) / 2
    return x, v


def runge_kutta(x, v, score, step, n):
    """The mid-point method."""
    for _ in range(n):
        middle, speed = x + step / 2 * v, v + step / 2 * score(x)
        x, v = x + step * speed, v + step * score(middle)
    return x, v


def asks_twice(x, v, score, step, n):
    """Two half kicks between any two drifts."""
    for _ in range(n):
        v = v + step / 2 * score(x)
        x = x + step * v
        v = v + step / 2 * score(x)
    return x, v


def path(x, v, score, step, n):
    """All points on the way."""
    path = [(x, v)] + [right(x, v, score, step, k) for k in range(1, n + 1)]
    return tuple(map(torch.stack, zip(*path)))


def in_place(x, v, score, step, n):
    """Writes into its arguments."""
    v += step / 2 * score(x)
    for i in range(n):
        x += step * v
        v += (step if i < n - 1 else step / 2) * score(x)
    return x, v


# ------------------------------------------------------------------------ what gives it away


def run(fn, score, x=X, v=V):
    """Where 4 steps of 0.2 lead: two tensors, or an error."""
    x, v = fn(x.clone(), v.clone(), score, 0.2, 4)
    if not x.shape == v.shape == X.shape or not (x.isfinite() & v.isfinite()).all():
        raise ValueError("the answer must be two finite tensors (d,)")
    return x, v


def changes_its_input(fn, generator):
    """Whether it writes into its arguments."""
    x, v = X.clone(), V.clone()
    fn(x, v, CURVED, 0.2, 4)
    return not (torch.equal(x, X) and torch.equal(v, V))


def returns_one_tensor(fn, generator):
    """Whether only one of the two tensors comes back."""
    return fn(*copies(TRY)).shape == X.shape


def returns_a_stack(fn, generator):
    """Whether both come back as one tensor."""
    return isinstance(out := fn(*copies(TRY)), Tensor) and out.shape == (2, *X.shape)


def returns_a_path(fn, generator):
    """Whether x has one axis more."""
    return fn(*copies(TRY))[0].shape in [(4, *X.shape), (5, *X.shape)]


def goes_the_wrong_way(fn, generator):
    """Whether a constant force pushes v backwards."""
    return bool((run(fn, CONSTANT)[1] < V).all())


def needs_no_score(fn, generator):
    """Whether the force makes no difference."""
    return all(map(same, run(fn, CURVED), run(fn, CONSTANT)))


def changes_v_without_force(fn, generator):
    """Whether v changes where no force acts."""
    return not same(run(fn, NOTHING)[1], V)


def drifts_wrongly(fn, generator):
    """Whether x is not n · step · v further where no force acts."""
    return not same(run(fn, NOTHING)[0], X + 0.8 * V)


def kicks_wrongly(fn, generator):
    """Whether the kicks of a constant force do not add up to n · step."""
    return not same(run(fn, CONSTANT)[1], V + 1.6)


def falls_wrongly(fn, generator):
    """Whether x under a constant force is not where free fall ends."""
    return not same(run(fn, CONSTANT)[0], X + 0.8 * V + 0.64)


def does_not_come_back(fn, generator):
    """Whether turning v round does not lead back to the start."""
    x, v = run(fn, CURVED)
    return not same(run(fn, CURVED, x, -v)[0], X)


def asks_too_often(fn, generator):
    """Whether all is right but for the number of calls of score."""
    counted = Counted(CURVED)
    return all(map(same, run(fn, counted), right(*TRY))) and counted.calls > 5
