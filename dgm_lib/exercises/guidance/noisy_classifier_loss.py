"""What trains a classifier that is to guide: data with noise on them."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from dgm_lib.exercises import Exercise, Fail, Mistake
from dgm_lib.exercises.guidance.noisy_answers import ANSWERS
from dgm_lib.exercises.guidance.stand_ins import Network, Spy, batch, gradients


def noisy_classifier_loss(
    classifier, x0: Tensor, y: Tensor, t: Tensor, eps: Tensor, alpha: Tensor, sigma: Tensor
) -> Tensor:
    """−mean log p(y | x_t) in nats, at x_t = alpha x_0 + sigma ε -> ().

    classifier(x_t, t): (n, d), (n, 1) -> logits (n, k). x0 and eps (n, d), labels y (n,) from 0 to
    k − 1, times t and the path's alpha and sigma at these times (n, 1). Dhariwal & Nichol (2021).
    """
    logits = classifier(alpha * x0 + sigma * eps, t)
    return F.cross_entropy(logits, y)


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(n: int, d: int, k: int) -> tuple:
        x0, eps = torch.randn(2, n, d, generator=generator, dtype=torch.float64)
        t = 0.1 + 0.8 * torch.rand(n, 1, generator=generator, dtype=torch.float64)
        y = torch.randint(k, (n,), generator=generator)
        angle = math.pi / 2 * t
        numbers = (a.to(dtype) for a in (t, eps, angle.cos(), angle.sin()))
        return Network(d, k, dtype), (1.2 * x0 + 0.3).to(dtype), y, *numbers

    return [case(1, 2, 3), case(2, 2, 4), case(4, 2, 3), case(5, 3, 4), case(3, 1, 5)]


def _trains(fn, generator):
    """gradients in the classifier's parameters"""
    mine, right = gradients(fn), gradients(noisy_classifier_loss)
    if not any(gradient.any() for gradient in mine):
        raise Fail("no gradient of the loss reaches the classifier: no `.detach()`, `.item()`")
    if not all(map(torch.allclose, mine, right)):
        raise Fail("the value is right, but the gradients in the classifier's parameters are not")


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
    return bool((fn(network, *batch()) != fn(network, *batch())).any())


def _other_point(fn, generator):
    asked, right = Spy.of(fn), Spy.of(noisy_classifier_loss)
    return asked.x.shape == right.x.shape and not torch.allclose(asked.x, right.x)


def _other_time(fn, generator):
    asked, right = Spy.of(fn), Spy.of(noisy_classifier_loss)
    is_whole = asked.x.shape == right.x.shape  # and not one datum after the other
    return is_whole and (asked.t.shape != right.t.shape or not torch.allclose(asked.t, right.t))


def _other_loss(fn, generator):
    losses = fn, noisy_classifier_loss
    found, right = (loss(Network(2, 3, torch.float64), *batch()) for loss in losses)
    is_asked_rightly = not (_other_point(fn, generator) or _other_time(fn, generator))
    return found.shape == () and is_asked_rightly and not torch.allclose(found, right)


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
    Mistake(
        "as with alpha_bar",
        _seen(lambda x0, e, a, s: a.sqrt() * x0 + (1 - a).sqrt() * e),
        "alpha is taken for ᾱ: it is √ᾱ already, and sigma is given",
    ),
    Mistake(
        "noise subtracted",
        _seen(lambda x0, e, a, s: a * x0 - s * e),
        "the noise is subtracted: no different in law, but add it, so that losses can be compared",
    ),
    Mistake(
        "classes from 1",
        _of(lambda logits, y: F.cross_entropy(logits, (y - 1) % logits.shape[1])),
        "classes are counted from 0 here: y as it is",
    ),
    Mistake(
        "mean over the classes",
        _of(lambda logits, y: F.cross_entropy(logits, y) / logits.shape[1]),
        "the mean runs over data and classes: one class of each datum counts, divide by n only",
    ),
    Mistake(
        "divided by n again",
        _of(lambda logits, y: F.cross_entropy(logits, y) / len(y)),
        "the mean is divided by n once more: cross_entropy takes it already",
    ),
    Mistake(
        "log of the mean",
        _of(lambda logits, y: -logits.softmax(-1).gather(1, y[:, None]).mean().log()),
        "the probabilities are averaged before the log: take the log of each, and then the mean",
    ),
    Mistake(
        "another point",
        _seen(lambda x0, e, a, s: 1.37 * (a * x0 + s * e)),
        "the classifier is asked about another point than x_t = alpha x_0 + sigma ε",
        _other_point,
    ),
    Mistake(
        "another time",
        _told(lambda t: 1.37 * t),
        "the classifier is told another time than t: t as it is, (n, 1)",
        _other_time,
    ),
    Mistake(
        "another loss",
        _of(lambda logits, y: F.cross_entropy(1.37 * logits, y)),
        "the classifier is asked rightly; what is made of its logits is not −mean log p(y | x_t)",
        _other_loss,
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
    accepts=ANSWERS,
    hints=(
        "A guide is asked ∇ log p(y | x_t) at every level of noise: noise the data before the "
        "classifier sees them.",
        "x_t = alpha x_0 + sigma ε, and the classifier is told the same t.",
        "torch.nn.functional.cross_entropy(logits, y) is −mean log softmax(logits)[y].",
    ),
)
