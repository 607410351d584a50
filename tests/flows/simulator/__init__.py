"""Customers played by a program: each wants something and says it in words of their own (docs/conversations.md)."""
