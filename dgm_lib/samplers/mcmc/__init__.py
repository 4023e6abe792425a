"""Markov chain Monte Carlo: kernels are pure functions `kernel(state, generator) -> State`.

kernel = mcmc.mala(p.log_prob, h=0.1)
for state in mcmc.chain(kernel, x, generator): ...
"""

from dgm_lib.samplers.mcmc.combine import cycle, mixture
from dgm_lib.samplers.mcmc.conditional import gibbs, gibbs_table
from dgm_lib.samplers.mcmc.hamiltonian import hmc, leapfrog, leapfrog_path
from dgm_lib.samplers.mcmc.hastings import (
    independence,
    metropolis,
    metropolis_hastings,
    random_walk,
)
from dgm_lib.samplers.mcmc.kernel import Kernel, chain, draws
from dgm_lib.samplers.mcmc.ladder import Swaps, Tempering, swap_probability, tempering
from dgm_lib.samplers.mcmc.langevin import langevin_log_q, mala, ula
from dgm_lib.samplers.mcmc.no_u_turn import nuts
from dgm_lib.samplers.mcmc.state import State
from dgm_lib.samplers.mcmc.warmup import adapting, warmed_up

__all__ = [
    "Kernel",
    "State",
    "Swaps",
    "Tempering",
    "adapting",
    "chain",
    "cycle",
    "draws",
    "gibbs",
    "gibbs_table",
    "hmc",
    "independence",
    "langevin_log_q",
    "leapfrog",
    "leapfrog_path",
    "mala",
    "metropolis",
    "metropolis_hastings",
    "mixture",
    "nuts",
    "random_walk",
    "swap_probability",
    "tempering",
    "ula",
    "warmed_up",
]
