"""Drafting: from labels that people corrected to bad examples in a new, unpublished prompt version.

`mining` finds recurring confusions, `writing` makes examples of them, `prompt_text` puts these into a prompt file's
text, `rounds` tries drafts and keeps those that help. Nothing here publishes a version or writes a file.
"""
