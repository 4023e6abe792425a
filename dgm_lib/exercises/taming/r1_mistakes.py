"""Wrong R1 penalties."""

import torch

from dgm_lib.exercises import Mistake

WRITES_GRADIENTS = (
    "backward() fills the parameters' .grad, and the training loop's own adds to it: "
    "torch.autograd.grad gives the gradient in x and no more"
)


def _slope(discriminator, x):
    x = x.detach().requires_grad_()
    return torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)[0]


def _of(penalty):
    """A wrong penalty, of the gradient (n, d) and gamma."""
    return lambda discriminator, x, gamma: penalty(_slope(discriminator, x), gamma)


_right = _of(lambda g, gamma: gamma / 2 * g.square().sum(-1).mean())


def _with(network):
    """The right penalty of another function than the logit."""
    return lambda discriminator, x, gamma: _right(network(discriminator), x, gamma)


def _no_graph(discriminator, x, gamma):
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(x).sum(), x)
    return gamma / 2 * gradient.square().sum(-1).mean()


def _mean_of_logits(discriminator, x, gamma):
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(x).mean(), x, create_graph=True)
    return gamma / 2 * gradient.square().sum(-1).mean()


def _in_the_parameters(discriminator, x, gamma):
    parameters = list(discriminator.parameters())
    found = torch.autograd.grad(discriminator(x).mean(), parameters, create_graph=True)
    return gamma / 2 * sum(gradient.square().sum() for gradient in found)


def _backward(discriminator, x, gamma):
    x = x.detach().requires_grad_()
    discriminator(x).sum().backward(create_graph=True)
    return gamma / 2 * x.grad.square().sum(-1).mean()


def _frozen(discriminator, x, gamma):
    penalty = _right(discriminator, x, gamma)
    discriminator.requires_grad_(False)
    return penalty


def _noisy(discriminator, x, gamma):
    return _right(discriminator, x + 0.1 * torch.randn_like(x), gamma)


def _is_random(fn, generator):
    points = torch.ones(3, 2, dtype=torch.float64)
    first, second = (fn(lambda x: (x**3).sum(-1), points, 1.0) for _ in range(2))
    return bool(first != second)


def _raises(words):
    """Whether it ends in an error of torch that says these words."""

    def recognise(fn, generator):
        try:
            fn(lambda x: (x**3).sum(-1), torch.ones(2, 2), 1.0)
        except RuntimeError as error:
            return words in str(error)
        return False

    return recognise


MISTAKES = (
    Mistake(
        "gamma for gamma half",
        _of(lambda g, gamma: gamma * g.square().sum(-1).mean()),
        "gamma is not halved: the penalty is gamma/2 times the mean",
    ),
    Mistake(
        "norm for squared norm",
        _of(lambda g, gamma: gamma / 2 * g.norm(dim=-1).mean()),
        "the norms are averaged: their squares are asked for",
    ),
    Mistake(
        "square of the mean norm",
        _of(lambda g, gamma: gamma / 2 * g.norm(dim=-1).mean() ** 2),
        "the mean norm is squared: square each point's norm, then take the mean",
    ),
    Mistake(
        "mean before the norm",
        _of(lambda g, gamma: gamma / 2 * g.mean(0).square().sum()),
        "the gradients are averaged before they are squared, and opposite ones cancel: first the "
        "squared norm of each point's gradient, then the mean",
    ),
    Mistake(
        "mean over the coordinates",
        _of(lambda g, gamma: gamma / 2 * g.square().mean()),
        "the squares are averaged over the coordinates too: the squared norm is their sum",
    ),
    Mistake(
        "sum over the data",
        _of(lambda g, gamma: gamma / 2 * g.square().sum()),
        "the squared norms are summed over the data: their mean is asked for",
    ),
    Mistake(
        "over the wrong dimension",
        _of(lambda g, gamma: gamma / 2 * g.square().sum(0).mean()),
        "the sum runs over the data and the mean over the coordinates: the other way round",
    ),
    Mistake(
        "root of the whole",
        _of(lambda g, gamma: gamma / 2 * g.square().sum().sqrt()),
        "this is one norm of the whole batch: each point has its own, squared",
    ),
    Mistake(
        "mean of the logits",
        _mean_of_logits,
        "the gradient is that of the mean logit, 1/n of each point's: take that of the sum",
    ),
    Mistake(
        "norm minus one",
        _of(lambda g, gamma: gamma / 2 * ((g.norm(dim=-1) - 1) ** 2).mean()),
        "this is (norm − 1)², for Wasserstein critics (lecture 08): R1 pulls the slope to 0",
    ),
    Mistake(
        "one-sided",
        _of(lambda g, gamma: gamma / 2 * (g.norm(dim=-1) - 1).relu().square().mean()),
        "slopes below 1 cost nothing for you: R1 counts every slope",
    ),
    Mistake(
        "fourth power",
        _of(lambda g, gamma: gamma / 2 * g.square().sum(-1).square().mean()),
        "the squared norm is squared again",
    ),
    Mistake(
        "absolute values",
        _of(lambda g, gamma: gamma / 2 * g.abs().sum(-1).mean()),
        "absolute values are summed: squares are asked for",
    ),
    Mistake(
        "square of the sum",
        _of(lambda g, gamma: gamma / 2 * g.sum(-1).square().mean()),
        "the coordinates are summed before they are squared, and may cancel: square each first",
    ),
    Mistake(
        "steepest point",
        _of(lambda g, gamma: gamma / 2 * g.square().sum(-1).amax()),
        "only the steepest point counts for you: take the mean over all",
    ),
    Mistake(
        "point by point",
        _of(lambda g, gamma: gamma / 2 * g.square().sum(-1)),
        "one number for each datum is left: average them",
    ),
    Mistake(
        "sign",
        _of(lambda g, gamma: -gamma / 2 * g.square().sum(-1).mean()),
        "the sign is flipped: slopes are to cost something",
    ),
    Mistake(
        "no gamma",
        _of(lambda g, gamma: g.square().sum(-1).mean() / 2),
        "gamma is not used",
    ),
    Mistake(
        "gamma squared",
        _of(lambda g, gamma: (gamma * g).square().sum(-1).mean() / 2),
        "gamma is squared too: it stands outside",
    ),
    Mistake(
        "probability",
        _with(lambda network: lambda x: network(x).sigmoid()),
        "the gradient is that of sigmoid(logit), which vanishes where D is sure: take the logit's",
    ),
    Mistake(
        "log D",
        _with(lambda network: lambda x: torch.nn.functional.logsigmoid(network(x))),
        "the gradient is that of log D: take the logit's",
    ),
    Mistake(
        "logits",
        lambda network, x, gamma: gamma / 2 * network(x).square().mean(),
        "the logits themselves are squared: it is their gradient in x that is penalised",
    ),
    Mistake(
        "in the parameters",
        _in_the_parameters,
        "the gradient is taken in the parameters: R1 has the gradient in x",
    ),
    Mistake(
        "at zero",
        lambda network, x, gamma: _right(network, torch.zeros_like(x), gamma),
        "the gradient is taken at 0: take it at the data x",
    ),
    Mistake(
        "at the mean",
        lambda network, x, gamma: _right(network, x.mean(0, keepdim=True), gamma),
        "the gradient is taken at the mean of the data: take it at each point",
    ),
    Mistake(
        "noisy",
        _noisy,
        "noise is added to x: R1 is taken at the data themselves",
        _is_random,
    ),
    Mistake(
        "asks for no gradient",
        lambda network, x, gamma: torch.autograd.grad(network(x.detach()).sum(), x)[0],
        "x does not ask for gradients: .detach().requires_grad_() before the network sees it",
        _raises("not require grad"),
    ),
    Mistake(
        "gradient of a vector",
        lambda network, x, gamma: torch.autograd.grad(network(x.requires_grad_()), x)[0],
        "autograd.grad takes the gradient of one number: discriminator(x).sum()",
        _raises("only for scalar outputs"),
    ),
    Mistake(
        "no graph",
        _no_graph,
        "no gradient of the penalty reaches the discriminator: autograd.grad needs "
        "create_graph=True, and no `.detach()` or `.item()` after it",
    ),
    Mistake("backward", _backward, WRITES_GRADIENTS),
    Mistake(
        "frozen",
        _frozen,
        "your function turns off requires_grad of the discriminator: it stays frozen",
    ),
)
