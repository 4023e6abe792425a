"""Right losses of a noisy classifier, written differently."""

import torch
from torch.nn import functional as F


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


ANSWERS = (_gather, _nll, _by_hand, _law, _one_hot)
