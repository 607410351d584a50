"""Asking for money and learning that it came."""
