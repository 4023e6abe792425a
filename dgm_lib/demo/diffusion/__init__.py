"""Diffusion in the plane: the denoiser, and the dial of guidance."""

from dgm_lib.demo.diffusion.denoiser import denoiser
from dgm_lib.demo.diffusion.dial import guidance_dial

__all__ = ["denoiser", "guidance_dial"]
