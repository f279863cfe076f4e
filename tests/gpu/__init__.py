"""Tests that need a CUDA GPU. benchmarks/gpu.py runs them; with DRESSFORM_GPU_TESTS=cpu they are
rehearsed on the processor.
"""
