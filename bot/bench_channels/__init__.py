"""What a webhook costs under load, beside an endpoint that does one INSERT."""
