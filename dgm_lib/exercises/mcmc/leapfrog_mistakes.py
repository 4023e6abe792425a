"""Wrong leapfrogs."""

import torch

from dgm_lib.exercises import Mistake
from dgm_lib.exercises.mcmc import leapfrog_wrong as wrong
from dgm_lib.exercises.mcmc.leapfrog_wrong import TRY, kicks, right, with_drift
from dgm_lib.exercises.mcmc.tells import raises

TOO_MANY_CALLS = (
    "the values are right, but score is the expensive part: n steps need n + 1 calls of it, as two "
    "half kicks at the same x are one full kick"
)

MISTAKES = (
    Mistake(
        "Euler",
        wrong.euler,
        "this is Euler's method, which moves x and v at once: the energy grows step by step",
    ),
    Mistake(
        "kick and drift",
        wrong.kick_drift,
        "these are n full kicks and n drifts, without the half kicks at both ends: the error is "
        "of first order only",
    ),
    Mistake(
        "drift and kick",
        wrong.drift_kick,
        "these are n drifts and n full kicks, without the half kicks at both ends: the error is "
        "of first order only",
    ),
    Mistake(
        "position first",
        wrong.position_first,
        "this is the position-first variant, with half drifts: half a kick comes first here",
    ),
    Mistake(
        "no last kick",
        kicks(0.5, 1, 0),
        "the last half kick is missing: v is half a step behind x",
    ),
    Mistake(
        "no first kick",
        kicks(0, 1, 0.5),
        "the first half kick is missing: v must be half a step ahead before x moves",
    ),
    Mistake(
        "last kick full",
        kicks(0.5, 1, 1),
        "the last kick is a full one: it is half a kick, since v is half a step behind",
    ),
    Mistake(
        "first kick full",
        kicks(1, 1, 0.5),
        "the first kick is a full one: it is half a kick",
    ),
    Mistake(
        "last kick twice",
        kicks(0.5, 1, 1.5),
        "the last half kick comes after a full one: only n − 1 full kicks stand between n drifts",
    ),
    Mistake(
        "ends full",
        kicks(1, 1, 1),
        "all n + 1 kicks are full ones: the first and the last are half kicks",
    ),
    Mistake(
        "between half",
        kicks(0.5, 0.5, 0.5),
        "all kicks are half ones: between two drifts the kick is a full one",
    ),
    Mistake(
        "kicks doubled",
        kicks(1, 2, 1),
        "the kicks are twice as large: half, full, …, full, half",
    ),
    Mistake(
        "wrong way",
        kicks(-0.5, -1, -0.5),
        "the force has the wrong sign: it is +score, which points uphill in log p (−∇ of the "
        "energy)",
        wrong.goes_the_wrong_way,
    ),
    Mistake(
        "last sign",
        kicks(0.5, 1, -0.5),
        "the last half kick has the wrong sign",
    ),
    Mistake(
        "score at the start",
        wrong.score_at_the_start,
        "score is taken at the start only: it changes as x moves",
    ),
    Mistake(
        "last kick stale",
        wrong.last_kick_stale,
        "the last half kick uses the score of before the last drift: take it at the new x",
    ),
    Mistake(
        "stale",
        wrong.every_kick_stale,
        "the kick after a drift uses the score of before it: take that at the new x",
    ),
    Mistake(
        "momentum of before",
        wrong.momentum_of_before,
        "the drift uses v of before the half kick: take the newest v, or add step²/2 · score(x)",
    ),
    Mistake(
        "momentum negated",
        wrong.negated,
        "v comes back with its sign flipped: return it as it is, ‖v‖² does not mind",
    ),
    Mistake(
        "score differentiated",
        wrong.score_differentiated,
        "score(x) is the gradient of log p already: do not differentiate it again",
    ),
    Mistake(
        "score not called",
        lambda x, v, score, step, n: (x, v + step / 2 * score),
        "score is a function here: call it, score(x)",
        raises(TypeError, "unsupported operand", TRY),
    ),
    Mistake(
        "score of the momentum",
        wrong.score_of_the_momentum,
        "this is score(v): the force depends on where x is",
    ),
    Mistake(
        "swapped",
        lambda *a: right(*a)[::-1],
        "your two tensors are swapped: x comes first",
    ),
    Mistake(
        "x only",
        lambda *a: right(*a)[0],
        "v is missing: return both, x and v",
        wrong.returns_one_tensor,
    ),
    Mistake(
        "stacked",
        lambda *a: torch.stack(right(*a)),
        "x and v come back as one tensor: return two, x, v",
        wrong.returns_a_stack,
    ),
    Mistake(
        "path", wrong.path, "this is the whole path: return where it ends", wrong.returns_a_path
    ),
    Mistake(
        "one step",
        lambda x, v, score, step, n: right(x, v, score, step, 1),
        "this is a single step: do n of them",
    ),
    Mistake(
        "one long step",
        lambda x, v, score, step, n: right(x, v, score, n * step, 1),
        "this is one step of length n · step: the score must be asked on the way",
    ),
    Mistake(
        "a step too few",
        lambda x, v, score, step, n: right(x, v, score, step, n - 1) if n > 1 else (x, v),
        "one drift is missing: n − 1 full kicks stand between n drifts",
    ),
    Mistake(
        "a drift too few",
        lambda x, v, score, step, n: kicks(0.5, 1, 1.5)(x, v, score, step, n - 1),
        "the last drift is missing: n − 1 full kicks stand between n drifts",
    ),
    Mistake(
        "a step too many",
        lambda x, v, score, step, n: right(x, v, score, step, n + 1),
        "this is a step too many: n drifts, with n − 1 full kicks between them",
    ),
    Mistake(
        "half drifts",
        with_drift(0.5),
        "the drifts are half ones: x moves by step · v, only the kicks at the ends are halved",
    ),
    Mistake(
        "two drifts",
        with_drift(2),
        "x moves by step · v, not by twice that",
    ),
    Mistake(
        "backwards",
        lambda x, v, score, step, n: right(x, v, score, -step, n),
        "this goes back in time: step counts forwards",
    ),
    Mistake(
        "Taylor term not halved",
        wrong.taylor_not_halved,
        "x moves by step · v + step²/2 · score(x): the 1/2 is missing",
    ),
    Mistake(
        "Runge–Kutta",
        wrong.runge_kutta,
        "this is the mid-point method of Runge and Kutta: it does not keep volumes, and turning v "
        "round does not lead back",
    ),
    Mistake(
        "in place",
        wrong.in_place,
        "`x += …` changes the caller's tensor, from which HMC still needs to start: write "
        "x = x + …",
        wrong.changes_its_input,
    ),
    Mistake("asks twice", wrong.asks_twice, TOO_MANY_CALLS, wrong.asks_too_often),
    # The rest is recognised by what it does.
    Mistake(
        "score unused",
        lambda x, v, score, step, n: (x + n * step * v, v),
        "score is not used: it is the force that changes v",
        wrong.needs_no_score,
    ),
    Mistake(
        "changes v",
        lambda x, v, score, step, n: (right(x, v, score, step, n)[0], 2 * v),
        "where no force acts, v must stay as it is: only score changes it",
        wrong.changes_v_without_force,
    ),
    Mistake(
        "drifts wrongly",
        with_drift(3),
        "where no force acts, x must be n · step · v further: count your drifts",
        wrong.drifts_wrongly,
    ),
    Mistake(
        "kicks wrongly",
        kicks(3, 1, 1),
        "your kicks do not add up to n · step: half a kick, n − 1 full ones, half a kick",
        wrong.kicks_wrongly,
    ),
    Mistake(
        "falls wrongly",
        kicks(0.25, 1, 0.75),
        "under a constant force x is not where it should be: every drift needs v in the middle of "
        "its step, which the first half kick brings about",
        wrong.falls_wrongly,
    ),
    Mistake(
        "does not come back",
        lambda x, v, score, step, n: wrong.runge_kutta(x, v, score, step / 2, 2 * n),
        "turn v round and run again: you do not come back to the start. Each kick needs the score "
        "at the newest x, each drift the newest v",
        wrong.does_not_come_back,
    ),
)
