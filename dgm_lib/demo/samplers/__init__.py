"""The sampler gallery: any kernel on any law of the plane, one proposal at a time."""

from dgm_lib.demo.samplers.gallery import sampler_gallery

__all__ = ["sampler_gallery"]
