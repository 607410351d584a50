"""`threadbook bench turn`: what a message costs, beside the same model served by stock Rasa."""
