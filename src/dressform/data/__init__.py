"""Labelled images from files in the usual formats: reading, checking, splitting, auditing. No
torch.
"""
