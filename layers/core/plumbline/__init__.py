"""Plumbline's domain: plain functions over typed models, in pipeline order.

No boto3 here (only in `plumbline.adapters`), no reading of the environment at import, no case text in any log or error.
"""

__version__ = "0.1.0"
