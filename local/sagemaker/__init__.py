"""SageMaker training jobs on this machine: the container's folders and environment, without a container.

The code that a job names runs in an environment of its own, never in this process. Nothing here knows what it trains.
"""
