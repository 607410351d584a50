"""Plumbing that every room may use: clock, ids, money, database, jobs, live fan-out."""
