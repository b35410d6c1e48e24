"""A local cloud for mlopsd: AWS by moto, a small strict GitHub, and a control URL. See README.md."""
