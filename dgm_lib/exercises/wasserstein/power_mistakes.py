"""Wrong power iterations."""

import torch

from dgm_lib.exercises import Mistake


def _unit(vector):
    return vector / vector.norm()


def _iterated(step):
    """A wrong step, (W, u) -> (u, v), with the right sigma."""

    def wrong(W, u, steps=1):
        for _ in range(steps):
            u, v = step(W, u)
        return u @ W @ v, u, v

    return wrong


def _right_step(W, u):
    v = _unit(W.T @ u)
    return _unit(W @ v), v


_right = _iterated(_right_step)


def _returning(result):
    """Something else made of the right sigma, u and v, and of W and the first u."""
    return lambda W, u, steps=1: result(*_right(W, u, steps), W, u)


def _v_not_normalised(W, u):
    v = W.T @ u
    return _unit(W @ v), v


def _u_not_normalised(W, u):
    v = _unit(W.T @ u)
    return W @ v, v


def _neither(W, u):
    v = W.T @ u
    return W @ v, v


def _squared_norm(W, u):
    v = W.T @ u
    v = v / (v @ v)
    u = W @ v
    return u / (u @ u), v


def _largest_entry(W, u):
    v = W.T @ u
    v = v / v.abs().max()
    u = W @ v
    return u / u.abs().max(), v


def _absolute_sum(W, u):
    v = W.T @ u
    v = v / v.abs().sum()
    u = W @ v
    return u / u.abs().sum(), v


def _old_u(W, u, steps=1):
    for _ in range(steps):
        old, v = u, _unit(W.T @ u)
        u = _unit(W @ v)
    return _unit(old) @ W @ v, u, v


def _old_u_as_it_is(W, u, steps=1):
    for _ in range(steps):
        old, v = u, _unit(W.T @ u)
        u = _unit(W @ v)
    return old @ W @ v, u, v


def _starts_again(W, u, steps=1):
    return _right(W, u, 1)


def _one_more(W, u, steps=1):
    return _right(W, u, steps + 1)


def _ten(W, u, steps=1):
    return _right(W, u, 10)


def _own_start(W, u, steps=1):
    return _right(W, torch.ones_like(u), steps)


def _svd(W, u, steps=1):
    left, sigma, right = torch.linalg.svd(W, full_matrices=False)
    return sigma[0], left[:, 0], right[0]


def _square_only(W, u, steps=1):
    """u ← Wu, the iteration for eigenvalues."""
    for _ in range(steps):
        u = _unit(W @ u)
    return u @ W @ u, u, u


def _is_svd(fn, generator):
    """Whether one step is enough to be exact."""
    W = torch.tensor([[2.0, 0.4], [0.3, 1.5], [0.1, 0.2]], dtype=torch.float64)
    sigma = fn(W, torch.ones(3, dtype=torch.float64))[0]
    return bool(torch.isclose(sigma, torch.linalg.svdvals(W)[0], rtol=1e-9))


def _needs_a_square(fn, generator):
    """Whether it works for square matrices alone."""
    fn(torch.eye(3), torch.ones(3))
    try:
        fn(torch.ones(3, 2), torch.ones(3))
    except RuntimeError:
        return True
    return False


MISTAKES = (
    Mistake(
        "v not normalised",
        _iterated(_v_not_normalised),
        "v is not normalised: sigma = uᵀWv needs both of length 1",
    ),
    Mistake(
        "u not normalised",
        _iterated(_u_not_normalised),
        "u is not normalised after the second product: sigma becomes ‖Wv‖², and u grows from call "
        "to call",
    ),
    Mistake(
        "neither normalised",
        _iterated(_neither),
        "neither u nor v is normalised: both grow or shrink without bound, step by step",
    ),
    Mistake(
        "by the squared norm",
        _iterated(_squared_norm),
        "you divide by the squared norm: a vector divided by its norm has length 1",
    ),
    Mistake(
        "by the largest entry",
        _iterated(_largest_entry),
        "you divide by the largest entry: sigma = uᵀWv needs Euclidean length 1",
    ),
    Mistake(
        "by the absolute sum",
        _iterated(_absolute_sum),
        "you divide by the sum of absolute values: sigma = uᵀWv needs Euclidean length 1",
    ),
    Mistake(
        "sigma of the old u",
        _old_u_as_it_is,
        "sigma is made with the old u, as it came: use the new one, which is normalised",
    ),
    Mistake(
        "sigma of the old u, normalised",
        _old_u,
        "sigma is made with the u of before: use the new one, which is nearer",
    ),
    Mistake(
        "squared sigma",
        _returning(lambda sigma, u, v, W, u0: (sigma**2, u, v)),
        "this is sigma², the largest eigenvalue of WᵀW: take its root",
    ),
    Mistake(
        "root of sigma",
        _returning(lambda sigma, u, v, W, u0: (sigma.sqrt(), u, v)),
        "the root is taken of sigma = uᵀWv, which is the singular value already",
    ),
    Mistake(
        "inverse",
        _returning(lambda sigma, u, v, W, u0: (1 / sigma, u, v)),
        "this is 1/sigma: return sigma itself, W is divided by it later",
    ),
    Mistake(
        "Frobenius",
        _returning(lambda sigma, u, v, W, u0: (W.norm(), u, v)),
        "this is the Frobenius norm, √Σ of all squared singular values: sigma = uᵀWv is the "
        "largest alone",
    ),
    Mistake(
        "normalised matrix",
        _returning(lambda sigma, u, v, W, u0: (W / sigma, u, v)),
        "W/sigma is the normalised matrix: return sigma itself",
    ),
    Mistake(
        "sigma only",
        _returning(lambda sigma, u, v, W, u0: sigma),
        "only sigma is returned: u is needed too, the next call starts from it",
    ),
    Mistake(
        "u and v swapped",
        _returning(lambda sigma, u, v, W, u0: (sigma, v, u)),
        "u and v are in the wrong order: u (m,) comes before v (n,)",
        lambda fn, generator: (
            [t.ndim and len(t) for t in fn(torch.ones(3, 2), torch.ones(3))] == [0, 2, 3]
        ),
    ),
    Mistake(
        "sigma last",
        _returning(lambda sigma, u, v, W, u0: (u, sigma, v)),
        "sigma comes first, then u, then v",
        lambda fn, generator: fn(torch.ones(3, 2), torch.ones(3))[0].ndim == 1,
    ),
    Mistake(
        "old u returned",
        _returning(lambda sigma, u, v, W, u0: (sigma, u0.clone(), v)),
        "the u that came in is returned: the next call would start where this one did",
    ),
    Mistake(
        "old u returned, normalised",
        _returning(lambda sigma, u, v, W, u0: (sigma, _unit(u0), v)),
        "the u that came in is returned, normalised: the next call would start where this one did",
    ),
    Mistake(
        "sign",
        _iterated(lambda W, u: (_right_step(W, u)[0], -_right_step(W, u)[1])),
        "v has the wrong sign: sigma = uᵀWv is positive",
    ),
    Mistake(
        "one step",
        _starts_again,
        "one step is taken, whatever steps says: does each start from the u of the last, and is "
        "the return outside the loop?",
    ),
    Mistake(
        "one step more",
        _one_more,
        "there is a step too many: range(steps) has steps of them",
    ),
    Mistake(
        "fixed number",
        _ten,
        "the number of steps is fixed: use the argument, which is 1 by default",
    ),
    Mistake(
        "own start",
        _own_start,
        "you start from a u of your own: go on from the one that you are given",
    ),
    Mistake(
        "decomposition",
        _svd,
        "this is the exact decomposition, which costs far more than a step: two products and two "
        "norms are asked for",
        _is_svd,
    ),
    Mistake(
        "eigenvalue",
        _square_only,
        "u ← Wu is the iteration for eigenvalues of a square W: multiply with Wᵀ and W in turn",
        _needs_a_square,
    ),
    Mistake(
        "detour by squares",
        _iterated(lambda W, u: (_unit(W @ W.T @ u), _unit(W.T @ _unit(W @ W.T @ u)))),
        "v is made anew from the new u, half a step too far: first v from u, then u from v",
    ),
)
