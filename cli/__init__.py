"""The operator's commands. Plain boto3 clients of the deployed stack's own APIs, so they are the same on AWS and local.

Nothing here may hold a rule of labeling: what a run is, where its objects lie and what its figures mean is plumbline's.
"""
