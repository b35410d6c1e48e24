"""A small strict GitHub: the part of the REST API that mlopsd and its users touch, and the same refusals."""
