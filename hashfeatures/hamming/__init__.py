"""Bits to neighbours."""
