"""`threadbook bench core`: what booking costs, in figures that can be compared."""
