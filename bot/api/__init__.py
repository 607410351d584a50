"""The business for other programs: REST under /api/v1, webhooks out, calendar feeds. No write path of its own."""
