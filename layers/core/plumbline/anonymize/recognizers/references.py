"""Numbers under which a company knows its customers and what they ordered, behind a word for them.

A company's own forms are `PiiPatterns`' (see `configured`), whose type then counts. Numbers of tickets, cases and
issues stay: they are keys, and name no person outside of the helpdesk.
"""

from plumbline.anonymize import checks
from plumbline.anonymize.expressions import Expression
from plumbline.anonymize.recognizers.base import ANY_CASE, START, Recognizer

_THING = (
    r"(?:parcel|package|tracking|shipment|shipping|consignment|(?:air)?[ ]?waybill|delivery|(?:purchase[ ])?order"
    r"|invoice|booking|reservation|customer|subscriber|member(?:ship)?|loyalty|contract|policy[ ]?holder"
    r"|bestell|auftrags|rechnungs|kunden|sendungs|vertrags|commande|client|colis|facture|pedido|cliente|factura"
    r"|bestelling|klant|ordine|fattura|(?-i:\bP\.?O\.?))"
)
_NUMBER = r"(?:[ _-]?(?:number|num|no|nr|id|code|ref(?:erence)?|nummer|n[°ºo]|n[uú]mero|numero)\b\.?)"
_IS = r"[\"']?(?:[ ]?[:=#]|[ ](?:is|was|ist|est|es|è))?[ ]{0,2}[#\"'(]?"
# Capitals and digits in groups; `checks.is_reference` counts the digits.
_VALUE = (
    r"(?P<value>(?-i:(?:[A-Z0-9]{1,12}-){0,4}[A-Z]{0,4}\d[A-Z0-9]{3,33})(?:[ ]\d{3,6}(?!\w)){0,6})(?![\w@]|[-.:/]\w)"
)

RECOGNIZERS = (
    Recognizer(
        "REFERENCE",
        Expression(rf"{START}{_THING}{_NUMBER}?{_IS}{_VALUE}", ANY_CASE),
        checks.is_reference,
        ("0",),
    ),
)
