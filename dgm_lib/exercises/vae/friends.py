"""What friends wrote for the "break it" cell of lecture 03a: who is right?"""

from collections.abc import Callable

from dgm_lib.exercises.engine.friends import versions


def four_draws() -> dict[str, Callable]:
    """Four versions of `reparameterise`: which are wrong, and how?"""
    return versions(
        "vae.reparameterise",
        {"Ada": "one noise", "Ben": "only mu", "Cyd": "variance for sigma", "Dee": ""},
    )


def four_kls() -> dict[str, Callable]:
    """Four versions of `gaussian_kl`: which are wrong, and how?"""
    return versions(
        "vae.gaussian_kl",
        {"Ada": "sign", "Ben": "", "Cyd": "sigma for its square", "Dee": "no mean"},
    )


def four_likelihoods() -> dict[str, Callable]:
    """Four versions of `bernoulli_log_prob`: which are wrong, and how?"""
    return versions(
        "vae.bernoulli_log_prob",
        {"Ada": "only ones", "Ben": "mean over pixels", "Cyd": "", "Dee": "sigmoid twice"},
    )
