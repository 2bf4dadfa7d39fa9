"""All scenarios of `make chaos`, and the few that the tests play."""

from tests.chaos import of_jobs, of_model, of_platform

SCENARIOS = {scenario.name: scenario for scenario in (*of_model.SCENARIOS, *of_jobs.SCENARIOS, *of_platform.SCENARIOS)}
# The cheapest that cover both roads, a kill and a budget.
SHORT = ("kill-classify-answered", "records-messy", "budget", "event-doubled")
