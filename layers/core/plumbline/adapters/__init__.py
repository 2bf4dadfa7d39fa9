"""The ports' implementations on AWS: the only place where boto3 is imported. Clients are made at first use."""
