"""Right posteriors of a step, written differently."""

import torch


def _precisions(x_t, x0, alpha_bar_t, alpha_bar_s):
    alpha = alpha_bar_t / alpha_bar_s
    precision = alpha / (1 - alpha) + 1 / (1 - alpha_bar_s)
    sum_ = alpha.sqrt() / (1 - alpha) * x_t + alpha_bar_s.sqrt() / (1 - alpha_bar_s) * x0
    return sum_ / precision, 1 / precision


def _by_noise(x_t, x0, alpha_bar_t, alpha_bar_s):
    alpha = alpha_bar_t / alpha_bar_s
    sigma = torch.sqrt(1 - alpha_bar_t)
    eps = (x_t - torch.sqrt(alpha_bar_t) * x0) / sigma
    mean = (x_t - (1 - alpha) / sigma * eps) / torch.sqrt(alpha)
    return mean, (1 - alpha) / sigma**2 * (1 - alpha_bar_s)


def _conditioned(x_t, x0, alpha_bar_t, alpha_bar_s):
    scale = (alpha_bar_t / alpha_bar_s).sqrt()
    gain = scale * (1 - alpha_bar_s) / (1 - alpha_bar_t)
    mean = alpha_bar_s.sqrt() * x0 + gain * (x_t - alpha_bar_t.sqrt() * x0)
    return mean, (1 - alpha_bar_s) * (1 - gain * scale)


def _like_ddim(x_t, x0, alpha_bar_t, alpha_bar_s):
    variance = (1 - alpha_bar_t / alpha_bar_s) * (1 - alpha_bar_s) / (1 - alpha_bar_t)
    eps = (x_t - alpha_bar_t**0.5 * x0) / (1 - alpha_bar_t) ** 0.5
    return alpha_bar_s**0.5 * x0 + (1 - alpha_bar_s - variance) ** 0.5 * eps, variance


ANSWERS = (_precisions, _by_noise, _conditioned, _like_ddim)
