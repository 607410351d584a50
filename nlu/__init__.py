"""Text to meaning to next step: the only room that imports Rasa."""
