"""What a classifier is given to read."""

from plumbline.contracts.cases import AnonymizedCase


def case_text(case: AnonymizedCase) -> str:
    """The case as the one text that a classifier reads, at training and at prediction alike."""
    head = [case.subject] if case.subject else []
    return "\n".join([*head, *(f"{message.role}: {message.text}" for message in case.messages)])
