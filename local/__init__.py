"""The embedded AWS: deploys template.yaml on this machine, with no account and no Docker.

What stands here imitates AWS. Nothing in it may know a stage, a table or a bucket of Plumbline by name: all of that is
read off the template.
"""
