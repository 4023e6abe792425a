"""Wrong gradient penalties."""

import torch

from dgm_lib.exercises import Mistake

WRITES_GRADIENTS = (
    "backward() fills the parameters' .grad, and the training loop's own adds to it: "
    "torch.autograd.grad gives the gradient in x̂ and no more"
)


def _between(x_real, x_fake, epsilon):
    return epsilon * x_real + (1 - epsilon) * x_fake


def _slope(critic, x, create_graph=True):
    x = x.detach().requires_grad_()
    return torch.autograd.grad(critic(x).sum(), x, create_graph=create_graph)[0]


def _cost(gradient):
    return (gradient.norm(dim=1) - 1).square().mean()


def _of(cost):
    """A wrong cost of the gradient (n, d)."""
    return lambda critic, *points: cost(_slope(critic, _between(*points)))


def _at(points):
    """The right cost at wrong points, of data, fakes and epsilon."""
    return lambda critic, x_real, x_fake, epsilon: _cost(
        _slope(critic, points(x_real, x_fake, epsilon))
    )


def _right(critic, *points):
    return _cost(_slope(critic, _between(*points)))


def _no_graph(critic, *points):
    return _cost(_slope(critic, _between(*points), create_graph=False))


def _not_detached(critic, *points):
    x = _between(*points)
    if not x.requires_grad:
        x.requires_grad_()
    (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return _cost(gradient)


def _mean_of_scores(critic, *points):
    x = _between(*points).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(x).mean(), x, create_graph=True)
    return _cost(gradient)


def _backward(critic, *points):
    x = _between(*points).detach().requires_grad_()
    critic(x).sum().backward(create_graph=True)
    return _cost(x.grad)


def _frozen(critic, *points):
    penalty = _right(critic, *points)
    critic.requires_grad_(False)
    return penalty


def _own_epsilon(critic, x_real, x_fake, epsilon):
    return _right(critic, x_real, x_fake, torch.rand_like(epsilon))


def _is_random(fn, generator):
    real = torch.tensor([[0.3, -1.1], [1.4, 0.2]], dtype=torch.float64)
    points = real, -2 * real, torch.tensor([[0.3], [0.6]], dtype=torch.float64)
    first, second = (fn(lambda x: (x**3).sum(-1), *points) for _ in range(2))
    return bool(first != second)


def _in_the_parameters(critic, *points):
    parameters = list(critic.parameters())
    scores = critic(_between(*points).detach())
    found = torch.autograd.grad(scores.mean(), parameters, create_graph=True)
    return (torch.cat([gradient.flatten() for gradient in found]).norm() - 1) ** 2


def _raises(words):
    """Whether it ends in an error of torch that says these words."""

    def recognise(fn, generator):
        try:
            fn(
                lambda x: (x**3).sum(-1),
                torch.ones(2, 2),
                torch.zeros(2, 2),
                torch.full((2, 1), 0.5),
            )
        except RuntimeError as error:
            return words in str(error)
        return False

    return recognise


MISTAKES = (
    Mistake(
        "at the data",
        _at(lambda x_real, x_fake, epsilon: x_real),
        "the penalty is taken at the data alone: take it between data and fakes",
    ),
    Mistake(
        "at the fakes",
        _at(lambda x_real, x_fake, epsilon: x_fake),
        "the penalty is taken at the fakes alone: take it between data and fakes",
    ),
    Mistake(
        "at both ends",
        _at(lambda x_real, x_fake, epsilon: torch.cat([x_real, x_fake])),
        "the penalty is taken at the data and at the fakes: take it at points between them",
    ),
    Mistake(
        "half way",
        _at(lambda x_real, x_fake, epsilon: (x_real + x_fake) / 2),
        "the penalty is taken half way for every pair: epsilon says how far each point lies",
    ),
    Mistake(
        "epsilon of the fakes",
        _at(lambda x_real, x_fake, epsilon: _between(x_fake, x_real, epsilon)),
        "epsilon and 1 − epsilon are swapped: epsilon is the share of the data",
    ),
    Mistake(
        "one epsilon",
        _at(lambda x_real, x_fake, epsilon: _between(x_real, x_fake, epsilon.mean())),
        "all pairs share one epsilon: each has its own",
    ),
    Mistake(
        "the first epsilon",
        _at(lambda x_real, x_fake, epsilon: _between(x_real, x_fake, epsilon[0])),
        "all pairs share the first epsilon: each has its own",
    ),
    Mistake(
        "not convex",
        _at(lambda x_real, x_fake, epsilon: x_real + epsilon * x_fake),
        "x_real + epsilon · x_fake lies on no line between them: the shares add up to 1",
    ),
    Mistake(
        "beyond",
        _at(lambda x_real, x_fake, epsilon: x_real + epsilon * (x_real - x_fake)),
        "this goes from the data away from the fakes: go between them",
    ),
    Mistake(
        "own epsilon",
        _own_epsilon,
        "you draw an epsilon of your own: use the one that you are given",
        _is_random,
    ),
    Mistake(
        "over the wrong dimension",
        _of(lambda g: (g.norm(dim=0) - 1).square().mean()),
        "the norm runs over the batch: each point has its own, over the coordinates, dim=1",
    ),
    Mistake(
        "one norm",
        _of(lambda g: (g.norm() - 1).square()),
        "one norm is taken of the whole batch: each point has its own, dim=1",
    ),
    Mistake(
        "mean before the norm",
        _of(lambda g: (g.mean(0).norm() - 1).square()),
        "the gradients are averaged before the norm, and opposite ones cancel: first each point's "
        "norm",
    ),
    Mistake(
        "mean before the square",
        _of(lambda g: (g.norm(dim=1).mean() - 1).square()),
        "the norms are averaged before the square, so steep and flat points cancel: square each "
        "norm − 1 first",
    ),
    Mistake(
        "not squared",
        _of(lambda g: (g.norm(dim=1) - 1).mean()),
        "norm − 1 is not squared: flat points would be rewarded",
    ),
    Mistake(
        "absolute value",
        _of(lambda g: (g.norm(dim=1) - 1).abs().mean()),
        "|norm − 1| is averaged: its square is asked for",
    ),
    Mistake(
        "one-sided",
        _of(lambda g: (g.norm(dim=1) - 1).relu().square().mean()),
        "slopes below 1 cost nothing for you: that is the one-sided penalty, here both sides count",
    ),
    Mistake(
        "the other side",
        _of(lambda g: (1 - g.norm(dim=1)).relu().square().mean()),
        "slopes above 1 cost nothing for you: these are the ones that break the bound",
    ),
    Mistake(
        "squared norm",
        _of(lambda g: (g.square().sum(1) - 1).square().mean()),
        "1 is subtracted from the squared norm: take the root first",
    ),
    Mistake(
        "no one",
        _of(lambda g: g.square().sum(1).mean()),
        "the slope is pulled to 0, as R1 does: here it is to be 1, (norm − 1)²",
    ),
    Mistake(
        "coordinate by coordinate",
        _of(lambda g: (g - 1).square().mean()),
        "1 is subtracted from each coordinate: take the norm of the gradient first",
    ),
    Mistake(
        "absolute sum",
        _of(lambda g: (g.abs().sum(1) - 1).square().mean()),
        "absolute values are summed: take the Euclidean norm",
    ),
    Mistake(
        "sum",
        _of(lambda g: (g.norm(dim=1) - 1).square().sum()),
        "the costs are summed over the points: their mean is asked for",
    ),
    Mistake(
        "point by point",
        _of(lambda g: (g.norm(dim=1) - 1).square()),
        "one number for each point is left: average them",
    ),
    Mistake(
        "weight",
        _of(lambda g: 10 * (g.norm(dim=1) - 1).square().mean()),
        "the weight 10 is in it already: it is multiplied outside",
    ),
    Mistake(
        "half",
        _of(lambda g: (g.norm(dim=1) - 1).square().mean() / 2),
        "there is no factor 1/2",
    ),
    Mistake(
        "mean of the scores",
        _mean_of_scores,
        "the gradient is that of the mean score, 1/n of each point's: take that of the sum",
    ),
    Mistake(
        "scores",
        lambda critic, *points: (critic(_between(*points)).abs() - 1).square().mean(),
        "the scores themselves are to be 1 for you: it is their gradient's norm",
    ),
    Mistake(
        "difference quotient",
        lambda critic, x, y, epsilon: (
            ((critic(x) - critic(y)).abs() / (x - y).norm(dim=1) - 1).square().mean()
        ),
        "this is the slope from end to end: take the gradient at x̂",
    ),
    Mistake(
        "in the parameters",
        _in_the_parameters,
        "the gradient is taken in the parameters: the slope is the gradient in x̂",
    ),
    Mistake(
        "asks for no gradient",
        lambda critic, *points: torch.autograd.grad(critic(_between(*points)).sum(), points[0])[0],
        "x̂ does not ask for gradients: .detach().requires_grad_() before the network sees it",
        _raises("not require grad"),
    ),
    Mistake(
        "gradient of a vector",
        lambda critic, x, y, epsilon: torch.autograd.grad(critic(x.requires_grad_()), x)[0],
        "autograd.grad takes the gradient of one number: critic(x).sum()",
        _raises("only for scalar outputs"),
    ),
    Mistake(
        "no graph",
        _no_graph,
        "no gradient of the penalty reaches the critic: autograd.grad needs "
        "create_graph=True, and no `.detach()` or `.item()` after it",
    ),
    Mistake(
        "not detached",
        _not_detached,
        "a gradient of the penalty flows through the fakes into G: detach the points x̂",
    ),
    Mistake("backward", _backward, WRITES_GRADIENTS),
    Mistake(
        "frozen",
        _frozen,
        "your function turns off requires_grad of the critic: it stays frozen",
    ),
)
