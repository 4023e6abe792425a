"""Public callables that no table tries, each with the reason."""

RESULTS = "what comes back from others, and is not made by the reader"
ABSTRACT = "a contract; those who keep it are tried"
FORMULA = "a bare formula of one step or proposal, whose callers check what goes in and comes out"
CHECK = "itself the check of an argument"
SHOWN = "no arguments that could be wrong, or only words and colours"
LAYER = "shows what it is given at each frame; what it cannot draw is an error in the demo's view"
DECLARED = "declared by the course, and judged by test_exercise_declarations"
FILE = "a name of a file, which is there or not"
LONG = "trains, or opens processes; its parts are tried"

UNTRIED = {
    "core": {"Density": ABSTRACT, "device": CHECK}
    | dict.fromkeys(("array", "floating", "shape", "tensor", "whole"), CHECK),
    "plot": dict.fromkeys(("use_style", "show"), SHOWN),
    "report": {"stored": FILE},
    "targets": {"Entropy": RESULTS, "Target": ABSTRACT},
    "paths": dict.fromkeys(("Path", "VariancePreserving"), ABSTRACT),
    "nets": {"Activation": ABSTRACT},
    "objectives": {"DiffusionTerms": RESULTS},
    "metrics": dict.fromkeys(("ActiveUnits", "Coverage", "EarthMovers"), RESULTS),
    "training": dict.fromkeys(("Diverged", "History", "Step"), RESULTS)
    | dict.fromkeys(("collect", "processes"), LONG)
    | dict.fromkeys(("constant", "cosine"), FORMULA)
    | {"load": FILE},
    "arena": {"Contender": ABSTRACT, "Round": RESULTS, "stored": FILE}
    | dict.fromkeys(("judge", "rounds", "mine", "table"), LONG)
    | dict.fromkeys(("autoregressive_flow", "coupling_flow", "spline_flow", "mixture"), LONG)
    | dict.fromkeys(("vae", "gan", "wgan_gp", "energy", "diffusion", "flow_matching"), LONG),
    "demo": dict.fromkeys(("Layer", "Toggle", "Note"), SHOWN)
    | dict.fromkeys(("Arrows", "Contours", "Dots", "Ellipse", "Graph", "Heat", "Landscape"), LAYER)
    | dict.fromkeys(("Manifold", "Marginals", "Mesh", "Moves", "Points"), LAYER)
    | dict.fromkeys(("Stems", "Strokes", "Ways"), LAYER),
    "exercises": {"progress": SHOWN}
    | dict.fromkeys(("Exercise", "Fail", "Mistake", "Tolerance"), DECLARED),
    "models.dequantise": {},
    "models.diffusion": dict.fromkeys(("Classifier", "DiffusionModel", "Prediction"), ABSTRACT),
    "models.discretised": {},
    "models.energy": {"MomentStep": RESULTS},
    "models.flow": dict.fromkeys(("Law", "Transform"), ABSTRACT),
    "models.gan": {},
    "models.vae": {"Terms": RESULTS},
    "samplers.ais": {"Annealed": RESULTS},
    "samplers.diffusion": dict.fromkeys(("forward_spread", "posterior_spread", "last"), FORMULA)
    | {"State": RESULTS},
    "samplers.finite": {},
    "samplers.mcmc": dict.fromkeys(("State", "Swaps", "Tempering"), RESULTS)
    | dict.fromkeys(("metropolis", "swap_probability"), FORMULA),
    "samplers.ode": dict.fromkeys(("euler", "heun", "midpoint", "rk4", "last"), FORMULA)
    | dict.fromkeys(("bogacki_shampine", "dormand_prince"), FORMULA)
    | {"Pair": ABSTRACT, "State": RESULTS},
    "samplers.persistent": {},
}
