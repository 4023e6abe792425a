"""Wrong steps of expectation maximisation."""

from dgm_lib.exercises.variational_inference.em_step_mistakes import e_step, m_step, whole

MISTAKES = (*e_step.MISTAKES, *m_step.MISTAKES, *whole.MISTAKES)
