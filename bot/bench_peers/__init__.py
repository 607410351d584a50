"""The libraries that `threadbook bench when` puts beside our own reading of when."""
