"""Faster ways to compute what plain torch computes: each beside its plain form, each with a parity
test, all turned off by ``DRESSFORM_PLAIN=1``.

Nothing outside this package patches, unwraps or works around torch. What each saves is measured by
benchmarks/kernels.py and stands in docs/kernels.md.
"""
