"""The AWS half: moto in our own process, behind signatures, faults, latency and a log."""
