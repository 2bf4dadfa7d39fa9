"""Benchmarks, printed as tables; `python -m bench` lists them. Nothing here is a test, and nothing here is shipped."""
