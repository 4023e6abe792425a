"""Right and wrong ways to write an affine coupling layer."""

from dgm_lib.exercises.flows.coupling_answers import wrong_ladj, wrong_points
from dgm_lib.exercises.flows.coupling_answers.right import ACCEPTS
from dgm_lib.exercises.flows.coupling_answers.wrong_points import FEWER_COORDINATES, TWO_DIMENSIONS

WRONG = (*wrong_ladj.WRONG, *wrong_points.WRONG)

__all__ = ["ACCEPTS", "FEWER_COORDINATES", "TWO_DIMENSIONS", "WRONG"]
