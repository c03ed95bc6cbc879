"""Artifact → evidence: one check a file, and `ALL`, the registry in the order that reports show."""

from __future__ import annotations

from gatekeeper.checks.check import Check, Context, Outcome, Rule, inspect

ALL: tuple[Check, ...] = ()

__all__ = ["ALL", "Check", "Context", "Outcome", "Rule", "inspect"]
