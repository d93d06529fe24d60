"""The wire formats that the service speaks: JSON in, an Ask out; an Answer or a Fault in, JSON out. See choose.ROUTES."""
