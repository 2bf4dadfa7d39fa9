"""One folder a Lambda function, in pipeline order:

start_run, ingest, anonymize, classify, parse, repair, record_shard_failure, collate, check_balance, start_training,
report, record_failure. A handler only parses its event, calls plumbline, and returns keys and counts.
"""
