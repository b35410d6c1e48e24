"""Helpers shared by the tests. Put the folder `tests` on sys.path and import `lib.NAME`."""
