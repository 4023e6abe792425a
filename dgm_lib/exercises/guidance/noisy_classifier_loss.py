"""What trains a classifier that is to guide: data with noise on them."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dgm_lib.exercises import Exercise, Fail, Mistake


def noisy_classifier_loss(
    classifier, x0: Tensor, y: Tensor, t: Tensor, eps: Tensor, alpha: Tensor, sigma: Tensor
) -> Tensor:
    """−mean log p(y | x_t) in nats, at x_t = alpha x_0 + sigma ε -> ().

    classifier(x_t, t): (n, d), (n, 1) -> logits (n, k). x0 and eps (n, d), labels y (n,) from 0 to
    k − 1, times t and the path's alpha and sigma at these times (n, 1). Dhariwal & Nichol (2021).
    """
    logits = classifier(alpha * x0 + sigma * eps, t)
    return F.cross_entropy(logits, y)


class Network(nn.Module):
    """x (n, d), t (n, 1) -> logits (n, k), bent in x and t."""

    name = "a classifier"

    def __init__(self, d: int, k: int, dtype: torch.dtype) -> None:
        super().__init__()
        count = torch.arange((d + 1) * k, dtype=torch.float64)
        self.weight = nn.Parameter((0.7 + 1.7 * count).sin().reshape(d + 1, k).to(dtype))
        self.bias = nn.Parameter((0.2 + 1.3 * count[:k]).cos().to(dtype))

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """The logits."""
        bent = torch.cat([x, 2 * t], dim=-1) @ self.weight + self.bias
        return 2 * bent + bent.sin()


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(n: int, d: int, k: int) -> tuple:
        x0, eps = torch.randn(2, n, d, generator=generator, dtype=torch.float64)
        t = 0.1 + 0.8 * torch.rand(n, 1, generator=generator, dtype=torch.float64)
        y = torch.randint(k, (n,), generator=generator)
        angle = math.pi / 2 * t
        numbers = (a.to(dtype) for a in (t, eps, angle.cos(), angle.sin()))
        return Network(d, k, dtype), (1.2 * x0 + 0.3).to(dtype), y, *numbers

    return [case(1, 2, 3), case(2, 2, 2), case(4, 2, 3), case(5, 3, 4), case(3, 1, 5)]


def _batch() -> tuple[Tensor, ...]:
    """Three data of the plane, of classes 2, 0, 1, at three times."""
    x0 = torch.tensor([[0.3, -1.1], [1.4, 0.2], [-0.7, 0.9]], dtype=torch.float64)
    t = torch.tensor([[0.2], [0.5], [0.7]], dtype=torch.float64)
    alpha, sigma = (math.pi / 2 * t).cos(), (math.pi / 2 * t).sin()
    return x0, torch.tensor([2, 0, 1]), t, x0.flip(0) - 0.4, alpha, sigma


def _gradients(loss) -> list[Tensor]:
    network = Network(2, 3, torch.float64)
    value, leaves = loss(network, *_batch()), list(network.parameters())
    if not value.requires_grad:
        return [torch.zeros_like(leaf) for leaf in leaves]
    options = {"allow_unused": True, "materialize_grads": True}
    return list(torch.autograd.grad(value, leaves, **options))


def _trains(fn, generator):
    """gradients in the classifier's parameters"""
    mine, right = _gradients(fn), _gradients(noisy_classifier_loss)
    if not any(gradient.any() for gradient in mine):
        raise Fail("no gradient of the loss reaches the classifier: no `.detach()`, `.item()`")
    if not all(map(torch.allclose, mine, right)):
        raise Fail("the value is right, but the gradients in the classifier's parameters are not")


# ------------------------------------------------------------------------ right answers


def _gather(classifier, x0, y, t, eps, alpha, sigma):
    log_p = classifier(alpha * x0 + sigma * eps, t).log_softmax(dim=-1)
    return -log_p.gather(-1, y[:, None]).mean()


def _nll(classifier, x0, y, t, eps, alpha, sigma):
    log_p = F.log_softmax(classifier(sigma * eps + alpha * x0, t), 1)
    return F.nll_loss(log_p, y)


def _by_hand(classifier, x0, y, t, eps, alpha, sigma):
    logits = classifier(alpha * x0 + sigma * eps, t)
    chosen = logits[torch.arange(len(y)), y]
    return (logits.logsumexp(dim=1) - chosen).sum() / len(y)


def _law(classifier, x0, y, t, eps, alpha, sigma):
    x_t = x0 * alpha + eps * sigma
    return -torch.distributions.Categorical(logits=classifier(x_t, t)).log_prob(y).mean()


def _one_hot(classifier, x0, y, t, eps, alpha, sigma):
    logits = classifier(alpha * x0 + sigma * eps, t)
    hot = F.one_hot(y, logits.shape[1]).to(logits)
    return -(hot * logits.log_softmax(-1)).sum(-1).mean()


# ------------------------------------------------------------------------ wrong answers


def _seen(seen):
    """The right loss where the classifier sees a wrong point, of x_0, ε, alpha and sigma."""
    return lambda net, x0, y, t, e, a, s: F.cross_entropy(net(seen(x0, e, a, s), t), y)


def _told(told):
    """The right loss where the classifier is told a wrong time."""
    return lambda net, x0, y, t, e, a, s: F.cross_entropy(net(a * x0 + s * e, told(t)), y)


def _of(loss):
    """A wrong loss of the right logits and y."""
    return lambda net, x0, y, t, e, a, s: loss(net(a * x0 + s * e, t), y)


def _own_noise(net, x0, y, t, e, a, s):
    return noisy_classifier_loss(net, x0, y, t, torch.randn_like(e), a, s)


def _is_random(fn, generator):
    network = Network(2, 3, torch.float64)
    return bool((fn(network, *_batch()) != fn(network, *_batch())).any())


MISTAKES = (
    Mistake(
        "clean data",
        _seen(lambda x0, e, a, s: x0),
        "the classifier is trained on clean data only: a guide is asked about x_t, so train it "
        "there",
    ),
    Mistake(
        "clean data at time 0",
        lambda net, x0, y, t, e, a, s: F.cross_entropy(net(x0, torch.zeros_like(t)), y),
        "the classifier sees clean data at time 0 only: noise the data to time t",
    ),
    Mistake(
        "noise alone",
        _seen(lambda x0, e, a, s: s * e),
        "the classifier sees noise alone: alpha x_0 is missing",
    ),
    Mistake(
        "signal alone",
        _seen(lambda x0, e, a, s: a * x0),
        "the classifier sees scaled data without noise: sigma ε is missing",
    ),
    Mistake(
        "swapped",
        _seen(lambda x0, e, a, s: s * x0 + a * e),
        "alpha and sigma are swapped: alpha belongs to the data",
    ),
    Mistake(
        "signal not scaled",
        _seen(lambda x0, e, a, s: x0 + s * e),
        "x_0 is not multiplied by alpha",
    ),
    Mistake(
        "noise not scaled",
        _seen(lambda x0, e, a, s: a * x0 + e),
        "ε is not multiplied by sigma",
    ),
    Mistake(
        "squared",
        _seen(lambda x0, e, a, s: a**2 * x0 + s**2 * e),
        "alpha and sigma are squared: they multiply x_0 and ε as they are",
    ),
    Mistake(
        "roots",
        _seen(lambda x0, e, a, s: a.sqrt() * x0 + s.sqrt() * e),
        "roots are taken of alpha and sigma: they are no ᾱ, and multiply x_0 and ε as they are",
    ),
    Mistake(
        "denoised",
        _seen(lambda x0, e, a, s: (x0 - s * e) / a),
        "noise is taken off clean data: put it on, alpha x_0 + sigma ε",
    ),
    Mistake(
        "own noise",
        _own_noise,
        "you draw noise of your own: use eps",
        _is_random,
    ),
    Mistake(
        "not told the time",
        _told(torch.zeros_like),
        "the classifier is told time 0 for all: tell it t, so that it knows how much noise there "
        "is",
    ),
    Mistake(
        "the other end",
        _told(lambda t: 1 - t),
        "the classifier is told 1 − t: here t = 0 is data",
    ),
    Mistake(
        "softmax twice",
        _of(lambda logits, y: F.cross_entropy(logits.softmax(-1), y)),
        "cross_entropy is given probabilities: it takes logits, and does the softmax itself",
    ),
    Mistake(
        "no softmax",
        _of(lambda logits, y: F.nll_loss(logits, y)),
        "nll_loss is given logits: it takes log probabilities, log_softmax of them",
    ),
    Mistake(
        "no log",
        _of(lambda logits, y: F.nll_loss(logits.softmax(-1), y)),
        "the log is missing: this is −mean p(y | x_t)",
    ),
    Mistake(
        "over the data",
        _of(lambda logits, y: F.nll_loss(logits.log_softmax(0), y)),
        "softmax runs over the data: the probabilities of each datum add up over the classes",
    ),
    Mistake(
        "one against the rest",
        _of(
            lambda logits, y: F.binary_cross_entropy_with_logits(
                logits, F.one_hot(y, logits.shape[1]).to(logits)
            )
        ),
        "each class is judged by itself, with sigmoids: the classes exclude one another, softmax",
    ),
    Mistake(
        "sum",
        _of(lambda logits, y: F.cross_entropy(logits, y, reduction="sum")),
        "the loss is summed over the data: their mean is asked for",
    ),
    Mistake(
        "point by point",
        _of(lambda logits, y: F.cross_entropy(logits, y, reduction="none")),
        "one number for each datum is left: average them",
    ),
    Mistake(
        "all classes",
        _of(lambda logits, y: -logits.log_softmax(-1).mean()),
        "the log probabilities of all classes are averaged: pick that of y",
    ),
    Mistake(
        "likeliest class",
        _of(lambda logits, y: F.cross_entropy(logits, logits.argmax(-1))),
        "the likeliest class is rewarded, whatever y is",
    ),
    Mistake(
        "sign",
        _of(lambda logits, y: -F.cross_entropy(logits, y)),
        "this is mean log p(y | x_t), to be maximised: a loss is its negative",
    ),
    Mistake(
        "bits",
        _of(lambda logits, y: F.cross_entropy(logits, y) / math.log(2)),
        "this is in bits: no division by log 2",
    ),
    Mistake(
        "detached",
        _of(lambda logits, y: F.cross_entropy(logits.detach(), y)),
        "no gradient of the loss reaches the classifier: no `.detach()`, `.item()`",
    ),
)

Exercise(
    noisy_classifier_loss,
    title="A classifier of noisy data",
    minutes=6,
    difficulty=1,
    returns="(), one number",
    cases=_cases,
    properties=[_trains],
    mistakes=MISTAKES,
    accepts=[_gather, _nll, _by_hand, _law, _one_hot],
    hints=(
        "A guide is asked ∇ log p(y | x_t) at every level of noise: noise the data before the "
        "classifier sees them.",
        "x_t = alpha x_0 + sigma ε, and the classifier is told the same t.",
        "torch.nn.functional.cross_entropy(logits, y) is −mean log softmax(logits)[y].",
    ),
)
