"""Embedded subjects and a faithful loopback Hub, so that the first command works with no network."""
