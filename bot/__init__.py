"""The conversation: composes all rooms; nobody imports it."""
