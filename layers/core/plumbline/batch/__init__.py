"""What the stages of batch inference share: records and their ids, the jobs' files, the join, and the answers' use.

Nothing here asks a model: `submit_batch`, `check_batch` and `import_batch` do, through the port BatchModel.
"""
