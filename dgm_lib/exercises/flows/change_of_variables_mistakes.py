"""Wrong ways to change variables."""

import torch

from dgm_lib.exercises import Mistake

WRITES_GRADIENTS = (
    "backward() also writes into the .grad of f's parameters, and spoils their training: "
    "torch.autograd.grad(z.sum(), x, create_graph=True) returns f' and touches nothing else"
)


def _slope(f, x, create_graph=True, of=torch.sum):
    x = x if x.requires_grad else x.detach().requires_grad_()
    return torch.autograd.grad(of(f(x)), x, create_graph=create_graph, retain_graph=True)[0]


def _from(combine):
    """A wrong combination of log p(z) and f'(x)."""
    return lambda x, f, base: combine(base(f(x)), _slope(f, x))


def _at_x(x, f, base):
    return base(x) + _slope(f, x).abs().log()


def _slope_at_z(x, f, base):
    return base(f(x)) + _slope(f, f(x)).abs().log()


def _slope_of_the_base(x, f, base):
    return base(f(x)) + _slope(lambda x: base(f(x)) + 0 * x, x).abs().log()


def _slope_of_the_mean(x, f, base):
    return base(f(x)) + _slope(f, x, of=torch.mean).abs().log()


def _ratio(x, f, base):
    return base(f(x)) + (f(x) / x).abs().log()


def _by_backward(x, f, base):
    x = x.detach().requires_grad_() if not x.requires_grad else x
    x.retain_grad()
    z = f(x)
    z.sum().backward(create_graph=True)
    slope, x.grad = x.grad, None
    return base(z) + slope.abs().log()


def _standard_normal(x, f, base):
    log_p = torch.distributions.Normal(0.0, 1.0).log_prob(f(x))
    return log_p + _slope(f, x).abs().log()


def _small_number(x, f, base):
    return base(f(x)) + (_slope(f, x).abs() + 1e-6).log()


def _difference_quotient(x, f, base):
    step = 1e-3
    return base(f(x)) + ((f(x + step) - f(x - step)) / (2 * step)).abs().log()


def _no_graph(x, f, base):
    return base(f(x)) + _slope(f, x, create_graph=False).abs().log()


def _freed_graph(x, f, base):
    x = x if x.requires_grad else x.detach().requires_grad_()
    z = f(x)
    (slope,) = torch.autograd.grad(z.sum(), x)
    return base(z) + slope.abs().log()


def _cut_from_x(x, f, base):
    x = x.detach()
    return base(f(x)) + _slope(f, x).abs().log()


def _detached(x, f, base):
    return _cut_from_x(x, f, base).detach()


def _no_sum(x, f, base):
    x = x if x.requires_grad else x.detach().requires_grad_()
    return base(f(x)) + torch.autograd.grad(f(x), x, create_graph=True)[0].abs().log()


def _needs_no_gradient(x, f, base):
    return base(f(x)) + torch.autograd.grad(f(x).sum(), x, create_graph=True)[0].abs().log()


def _raises(words):
    """Whether the answer ends in an error of torch that says these words."""

    def recognise(fn, generator):
        try:
            fn(torch.tensor([0.3, 0.8], dtype=torch.float64), torch.sinh, torch.tanh)
        except RuntimeError as error:
            return words in str(error)
        return False

    return recognise


def _errors(fn, f, slope):
    """How far the answer is from the truth, for a map whose derivative is known."""
    x = torch.tensor([0.3, -0.8, 1.4], dtype=torch.float64)
    return (fn(x, f, torch.tanh) - torch.tanh(f(x)) - slope(x).log()).abs()


def _is_near(fn, generator):
    """Close to the truth, and right for straight lines only."""
    straight = _errors(fn, lambda x: 2 * x, lambda x: 2 + 0 * x)
    curved = _errors(fn, lambda x: x + x**5, lambda x: 1 + 5 * x**4)
    return bool(straight.max() < 2e-9 and 1e-8 < curved.max() < 0.1)


def _hides_small_slopes(fn, generator):
    """Right for steep lines, wrong for flat ones."""
    steep = _errors(fn, lambda x: 2 * x, lambda x: 2 + 0 * x)
    flat = _errors(fn, lambda x: 1e-7 * x, lambda x: 1e-7 + 0 * x)
    return bool(steep.max() < 1e-3 and flat.max() > 0.01)


def _fails_only_downhill(fn, generator):
    right_uphill = (_errors(fn, lambda x: 2 * x, lambda x: 2 + 0 * x) < 1e-9).all()
    right_downhill = (_errors(fn, lambda x: -2 * x, lambda x: 2 + 0 * x) < 1e-9).all()
    return bool(right_uphill and not right_downhill)


MISTAKES = (
    Mistake(
        "sign",
        _from(lambda log_p, slope: log_p - slope.abs().log()),
        "log|f'(x)| is subtracted: that belongs to the inverse map; "
        "where f stretches, points of z are spread out and q(x) is larger",
    ),
    Mistake(
        "no factor",
        _from(lambda log_p, slope: log_p),
        "this is log p(f(x)) alone: it does not integrate to one, log|f'(x)| is missing",
    ),
    Mistake(
        "no log",
        _from(lambda log_p, slope: log_p + slope.abs()),
        "|f'(x)| is added to a logarithm: take its log",
    ),
    Mistake(
        "no absolute value",
        _from(lambda log_p, slope: log_p + slope.log()),
        "f'(x) is negative where f decreases: the formula has its absolute value",
        _fails_only_downhill,
    ),
    Mistake(
        "absolute value outside",
        _from(lambda log_p, slope: log_p + slope.log().abs()),
        "the absolute value belongs inside the logarithm, log|f'(x)|, not around it",
    ),
    Mistake(
        "absolute value of the log",
        _from(lambda log_p, slope: log_p + slope.abs().log().abs()),
        "log|f'(x)| may be negative: where f squeezes, q(x) is smaller",
    ),
    Mistake("base at x", _at_x, "the base density is taken at x; it belongs at z = f(x)"),
    Mistake("slope at z", _slope_at_z, "f' is taken at z = f(x); it belongs at x"),
    Mistake(
        "slope of the base",
        _slope_of_the_base,
        "you differentiate log p(f(x)); what is needed is the derivative of f alone",
    ),
    Mistake(
        "slope of the mean",
        _slope_of_the_mean,
        "you differentiate the mean of f(x), which divides every f'(x) by n: use the sum",
    ),
    Mistake("ratio", _ratio, "f(x)/x is no derivative: use torch.autograd.grad"),
    Mistake(
        "squared",
        _from(lambda log_p, slope: log_p + slope.square().log()),
        "log f'(x)² is twice log|f'(x)|",
    ),
    Mistake(
        "half",
        _from(lambda log_p, slope: log_p + 0.5 * slope.abs().log()),
        "there is no factor 1/2 before log|f'(x)|",
    ),
    Mistake(
        "log1p",
        _from(lambda log_p, slope: log_p + slope.abs().log1p()),
        "this is log(1 + |f'(x)|): the 1 is too much",
    ),
    Mistake(
        "product of logs",
        _from(lambda log_p, slope: log_p * slope.abs().log()),
        "the two logs are multiplied: the log of a product is their sum",
    ),
    Mistake(
        "log times slope",
        _from(lambda log_p, slope: log_p * slope.abs()),
        "you multiply the log density by |f'(x)|: in logs a factor becomes a sum",
    ),
    Mistake(
        "log over slope",
        _from(lambda log_p, slope: log_p / slope.abs()),
        "you divide the log density by |f'(x)|: in logs a factor becomes a sum",
    ),
    Mistake(
        "standard normal",
        _standard_normal,
        "the base need not be the standard normal: use base_log_prob",
    ),
    Mistake(
        "small number",
        _small_number,
        "a small number inside the log changes the result: f' of an invertible map is not 0",
        _hides_small_slopes,
    ),
    Mistake(
        "density",
        _from(lambda log_p, slope: log_p.exp() * slope.abs()),
        "this is the density itself: return its logarithm",
    ),
    Mistake(
        "underflow",
        _from(lambda log_p, slope: (log_p.exp() * slope.abs()).log()),
        "exp underflows far from the mode: stay in logs throughout",
    ),
    Mistake(
        "one determinant for the batch",
        _from(lambda log_p, slope: log_p + slope.abs().log().sum()),
        "you sum log|f'| over the batch: every x has its own",
    ),
    Mistake(
        "sum",
        _from(lambda log_p, slope: (log_p + slope.abs().log()).sum()),
        "you sum over the batch: return one log density for each x",
    ),
    Mistake(
        "mean",
        _from(lambda log_p, slope: (log_p + slope.abs().log()).mean()),
        "you average over the batch: return one log density for each x",
    ),
    Mistake(
        "difference quotient",
        _difference_quotient,
        "this looks like a difference quotient: autograd gives f'(x) exactly",
        _is_near,
    ),
    Mistake(
        "no sum",
        _no_sum,
        "f(x) has one value per point and grad wants a scalar: differentiate f(x).sum()",
        _raises("scalar outputs"),
    ),
    Mistake(
        "no requires_grad",
        _needs_no_gradient,
        "x does not ask for gradients yet: x.requires_grad_() before you compute f(x)",
        _raises("does not require grad"),
    ),
    Mistake(
        "no create_graph",
        _no_graph,
        "f'(x) depends on x and on the parameters too: create_graph=True keeps it differentiable",
    ),
    Mistake(
        "freed graph",
        _freed_graph,
        "torch.autograd.grad frees the graph that you still need: create_graph=True keeps it",
    ),
    Mistake("backward", _by_backward, WRITES_GRADIENTS),
    Mistake(
        "detached",
        _detached,
        "the result is detached: nothing can be trained with it",
    ),
    Mistake(
        "cut from x",
        _cut_from_x,
        "detach x only if it asks for no gradient: otherwise its own graph is cut off",
    ),
)
