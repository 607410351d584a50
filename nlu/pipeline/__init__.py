"""What our pipeline adds to Rasa's: language, times, services and people."""
