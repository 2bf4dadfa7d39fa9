"""A stand-in for Amazon Bedrock's runtime: AWS's wire shapes over loopback, answered by a stand-in model.

`BedrockStandIn("embedding").start().endpoint` is what AWS_ENDPOINT_URL_BEDROCK_RUNTIME takes.
"""

from local.bedrock.server import BedrockStandIn

__all__ = ["BedrockStandIn"]
