"""SelectNext: balance as a quota that steers which cases are labeled next."""
