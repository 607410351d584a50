"""Stand-ins with state that speak Twilio's, Telegram's and Stripe's HTTP, and a page with phones."""
