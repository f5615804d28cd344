"""Faults put in on purpose: peers that die, freeze or storm, bad networks, overload; and an account of every message.

A file in `scenarios` is a scenario: devices, peers, faults, and what is to come of them. `python -m faults` runs them.
"""
