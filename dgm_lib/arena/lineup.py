"""Who races: the course's families, and those that run on the learner's own answers."""

from __future__ import annotations

import functools
from collections.abc import Callable

from dgm_lib import exercises
from dgm_lib.arena import families
from dgm_lib.arena.contender import Contender
from dgm_lib.exercises.engine.answers import Answers
from dgm_lib.exercises.engine.exercise import find

Recipe = Callable[[int], Contender]

FAMILIES: dict[str, Recipe] = {
    "mixture": families.mixture,
    "coupling flow": families.coupling_flow,
    "spline flow": families.spline_flow,
    "autoregressive flow": families.autoregressive_flow,
    "VAE": families.vae,
    "GAN": families.gan,
    "WGAN-GP": families.wgan_gp,
    "energy": families.energy,
    "diffusion": families.diffusion,
    "flow matching": families.flow_matching,
}

ANSWERS: dict[str, dict[str, str]] = {  # to a family, the exercises that drive it, by keyword
    "mixture": {"em_step": "variational_inference.em_step"},
    "coupling flow": {"layer": "flows.AffineCoupling", "loss": "flows.forward_kl"},
    "VAE": {"elbo": "vae.gaussian_elbo"},
    "GAN": {"discriminator_loss": "gan.discriminator_loss", "r1": "taming.r1_penalty"},
    "WGAN-GP": {
        "critic_loss": "wasserstein.critic_loss",
        "gradient_penalty": "wasserstein.gradient_penalty",
    },
    "energy": {
        "contrastive_loss": "energy_models.contrastive_loss",
        "log_q": "mcmc.langevin_log_q",
    },
    "diffusion": {"ddim_step": "diffusion.ddim_step"},
}


def mine() -> dict[str, Recipe]:
    """The families that the learner's saved answers drive, "my VAE" and so on; none, if none are.

    An answer that is not saved, or not right any more, is left to the course's version.
    """
    recipes = {}
    for family, exercise_of in ANSWERS.items():
        answers = {key: _saved(name) for key, name in exercise_of.items()}
        answers = {key: answer for key, answer in answers.items() if answer is not None}
        if answers:
            recipe = FAMILIES[family]
            own = functools.partial(recipe, **answers)
            recipes[f"my {family}"] = functools.update_wrapper(own, recipe)
    return recipes


def _saved(name: str) -> Callable | None:
    """The learner's own answer to an exercise, None if there is none that passes."""
    if not Answers().get(name).source:
        return None
    answer = exercises.mine(name)
    return None if answer is find(name).reference else answer
