"""Wrong log-determinants of a planar layer."""

import torch

from dgm_lib.exercises import Mistake


def _pieces(x, v, w, b):
    """a = w·x + b, h' = 1 − tanh² a, and v·w."""
    a = x @ w + b
    return a, 1 - torch.tanh(a) ** 2, v @ w


def _from(combine):
    """A wrong combination of the right pieces."""
    return lambda *args: combine(*_pieces(*args))


def _log_abs(x):
    return x.abs().log()


def _right(x, v, w, b):
    _, slope, dot = _pieces(x, v, w, b)
    return _log_abs(1 + slope * dot)


def _no_shift(x, v, w, b):
    return _right(x, v, w, torch.zeros_like(b))


def _shift_outside(x, v, w, b):
    slope = 1 - (torch.tanh(x @ w) + b) ** 2
    return _log_abs(1 + slope * (v @ w))


def _by_coordinate(x, v, w, b):
    return 1 + _pieces(x, v, w, b)[1][..., None] * v * w


def _jacobian(x, v, w, b):
    slope = _pieces(x, v, w, b)[1]
    return torch.eye(len(v), dtype=x.dtype) + slope[..., None, None] * torch.outer(v, w)


def _at_the_first_point(x, v, w, b):
    return torch.linalg.slogdet(_jacobian(x, v, w, b).reshape(-1, len(v), len(v))[0])[1]


def _jacobian_of_the_first_point(x, v, w, b):
    return _at_the_first_point(x, v, w, b).expand(x.shape[:-1]).clone()


def _at_z(x, v, w, b):
    return _right(x + v * torch.tanh(x @ w + b)[..., None], v, w, b)


def _mean_of_products(x, v, w, b):
    return _log_abs(1 + _pieces(x, v, w, b)[1] * (v * w).mean())


def _small_number(*args):
    return (_right(*args).exp() + 1e-4).log()


def _hides_small_determinants(fn, generator):
    """Right where the determinant is 2, wrong where it is 1e-7."""
    x, w = torch.zeros(3, 2, dtype=torch.float64), torch.eye(2, dtype=torch.float64)[0]
    large, small = (fn(x, (det - 1) * w, w, x[0, 0]).exp() / det - 1 for det in (2, 1e-7))
    return bool(large.abs().max() < 1e-3 and small.abs().max() > 0.01)


def _two_norms(x, v, w, b):
    return _log_abs(1 + _pieces(x, v, w, b)[1] * v.norm() * w.norm())


MISTAKES = (
    Mistake(
        "sign",
        lambda *a: -_right(*a),
        "the sign is flipped: this is the log-determinant of the inverse map",
    ),
    Mistake(
        "no log",
        _from(lambda a, slope, dot: (1 + slope * dot).abs()),
        "this is the determinant itself: take its log",
    ),
    Mistake(
        "signed determinant",
        _from(lambda a, slope, dot: 1 + slope * dot),
        "this is the determinant itself, with its sign: return log|det|",
    ),
    Mistake(
        "no absolute value",
        _from(lambda a, slope, dot: (1 + slope * dot).log()),
        "where v·w < −1 the determinant can be negative: its absolute value is missing",
    ),
    Mistake(
        "absolute value inside",
        _from(lambda a, slope, dot: (1 + (slope * dot).abs()).log()),
        "the absolute value belongs around the whole determinant, 1 + …, not to its second term",
    ),
    Mistake(
        "absolute value of the log",
        _from(lambda a, slope, dot: _log_abs(1 + slope * dot).abs()),
        "the log-determinant may be negative: no absolute value around the logarithm",
    ),
    Mistake(
        "no one",
        _from(lambda a, slope, dot: _log_abs(slope * dot)),
        "the 1 is missing: z = x + … has the identity in its Jacobian",
    ),
    Mistake(
        "minus",
        _from(lambda a, slope, dot: _log_abs(1 - slope * dot)),
        "the determinant is 1 plus h' v·w, not minus",
    ),
    Mistake(
        "one outside",
        _from(lambda a, slope, dot: 1 + _log_abs(slope * dot)),
        "the 1 belongs inside the logarithm: log|1 + h' v·w|",
    ),
    Mistake(
        "tanh for its derivative",
        _from(lambda a, slope, dot: _log_abs(1 + a.tanh() * dot)),
        "this has tanh itself where its derivative 1 − tanh² belongs",
    ),
    Mistake(
        "tanh not squared",
        _from(lambda a, slope, dot: _log_abs(1 + (1 - a.tanh()) * dot)),
        "the derivative of tanh is 1 − tanh²: the square is missing",
    ),
    Mistake(
        "one plus tanh squared",
        _from(lambda a, slope, dot: _log_abs(1 + (1 + a.tanh() ** 2) * dot)),
        "the derivative of tanh is 1 minus tanh², not plus",
    ),
    Mistake(
        "no tanh",
        _from(lambda a, slope, dot: _log_abs(1 + (1 - a**2) * dot)),
        "the derivative of tanh is 1 − tanh(a)², not 1 − a²",
    ),
    Mistake(
        "square inside",
        _from(lambda a, slope, dot: _log_abs(1 + (1 - (a**2).tanh()) * dot)),
        "the square belongs outside: tanh(a)², not tanh(a²)",
    ),
    Mistake(
        "tanh twice",
        _from(lambda a, slope, dot: _log_abs(1 + (1 - a.tanh().tanh() ** 2) * dot)),
        "tanh is applied twice: its derivative at a is 1 − tanh(a)²",
    ),
    Mistake(
        "cosh once",
        _from(lambda a, slope, dot: _log_abs(1 + dot / a.cosh())),
        "the derivative of tanh is 1/cosh²: the square is missing",
    ),
    Mistake(
        "sigmoid's derivative",
        _from(lambda a, slope, dot: _log_abs(1 + a.tanh() * (1 - a.tanh()) * dot)),
        "h(1 − h) is the derivative of the sigmoid; that of tanh is 1 − h²",
    ),
    Mistake(
        "derivative left out",
        _from(lambda a, slope, dot: _log_abs(1 + dot) + 0 * a),
        "the derivative of tanh is missing: det = 1 + h'(w·x + b) v·w",
    ),
    Mistake("no b", _no_shift, "b is missing in the argument of tanh'"),
    Mistake("b outside", _shift_outside, "b belongs inside tanh: tanh(w·x + b)"),
    Mistake(
        "v and w swapped",
        lambda x, v, w, b: _right(x, w, v, b),
        "v and w are swapped: w goes with x inside tanh, v stands before it",
    ),
    Mistake(
        "w·w",
        lambda x, v, w, b: _right(x, w, w, b),
        "this has w·w where v·w belongs",
    ),
    Mistake(
        "v·v",
        lambda x, v, w, b: _log_abs(1 + _pieces(x, v, w, b)[1] * (v @ v)),
        "this has v·v where v·w belongs",
    ),
    Mistake("mean of products", _mean_of_products, "v·w is the sum of the products, not the mean"),
    Mistake("norms", _two_norms, "‖v‖‖w‖ is not v·w: the angle between them counts"),
    Mistake("at z", _at_z, "tanh' is taken at z; it belongs at x, before the layer"),
    Mistake(
        "trace",
        _from(lambda a, slope, dot: slope * dot),
        "this is the trace of the Jacobian without its identity; log|det| is log|1 + h' v·w|",
    ),
    Mistake(
        "product of the diagonal",
        lambda *a: _log_abs(_by_coordinate(*a)).sum(-1),
        "this multiplies the diagonal of the Jacobian only: it is not triangular",
    ),
    Mistake(
        "by coordinate",
        lambda *a: _log_abs(_by_coordinate(*a)),
        "v * w keeps the coordinates apart: v·w is their sum, and there is one number per point",
    ),
    Mistake(
        "outer product",
        lambda *a: _log_abs(_jacobian(*a)),
        "v wᵀ is a d×d matrix; the determinant lemma needs the number v·w",
    ),
    Mistake(
        "first point",
        _at_the_first_point,
        "this is the log-determinant at the first point only: every point has its own",
    ),
    Mistake(
        "first point for all",
        _jacobian_of_the_first_point,
        "all points get the log-determinant of the first: h' depends on x",
    ),
    Mistake(
        "small number",
        _small_number,
        "a small number inside the log changes the result: leave it out",
        _hides_small_determinants,
    ),
    Mistake(
        "batch sum",
        lambda *a: _right(*a).sum(),
        "you sum over the batch: return one number per point",
    ),
    Mistake(
        "batch mean",
        lambda *a: _right(*a).mean(),
        "you average over the batch: return one number per point",
    ),
    Mistake(
        "determinant of the matrix",
        lambda *a: torch.linalg.slogdet(_jacobian(*a))[1],
        "you build a d×d matrix, whose determinant costs d³",
    ),
)
