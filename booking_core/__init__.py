"""The business: services, staff, free times, holds and bookings. Knows no chat, no HTTP, no Stripe."""
