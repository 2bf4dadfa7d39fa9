"""Cards and bank accounts."""

from plumbline.anonymize import checks, technical_checks
from plumbline.anonymize.expressions import Expression
from plumbline.anonymize.recognizers.base import ANY_CASE, END, START, Recognizer

# Between the word and its value: "(last)", ":", "is", quotes, tags' and cells' signs.
_TO = (
    r"(?:[ \t]{0,2}\([^)\n]{1,20}\))?[\"'\]]?[ \t]{0,3}"
    r"(?:(?:[:=#|]|->)[ \t]{0,3}|\b(?:is|was|ist|es|est)\b:?[ \t]{1,3})?[\"'(\[#]{0,2}"
)
_NUMBER = r"(?:[ \t_-]{0,2}(?:numbers?|num|no|nr|n[°ºo]|id|code|#)(?![^\W_])\.?){0,2}"
_MONTH = r"(?:0?[1-9]|1[0-2])"
_MONTH_NAME = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_EXPIRY = (
    rf"(?:{_MONTH}[ ]?[/.-][ ]?(?:20)?[2-4]\d|{_MONTH_NAME}[ ]?[/,' -]?[ ]?(?:20)?[2-4]\d"
    rf"|20[2-4]\d[/-]{_MONTH})(?![\w/]|[-.]\d)"
)
_ACCOUNT = (
    r"(?:(?:bank|checking|chequing|savings|current|giro|deposit|beneficiary|payee|creditor|debtor|debit|salary)"
    r"[ _-]{0,2}(?:account|acct|a/c)|(?:account|acct)[ _-]{0,2}(?:number|num|no\b|nr\b|#)\.?|a/c"
    r"|kontonummer|konto(?:[ -]?nr)?\.?|num[eé]ro de compte|compte bancaire|n[uú]mero de cuenta|cuenta(?: bancaria)?"
    r"|clabe|conto corrente|rekeningnummer|n[uú]mero da conta|conta(?: corrente)?|numer konta|tilinumero|bankkonto)"
)
_BANK_CODE = (
    r"(?:sort[ _-]?code|bsb|routing|rtn|transit|aba|ifsc|bank[ _-]?(?:code|identifier)|bankleitzahl|blz"
    r"|branch[ _-]?code)"
)

RECOGNIZERS = (
    Recognizer(
        "CARD",
        Expression(
            r"(?<![\w.+-])(?:\d{4}([ .\u00a0\u2011-])\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?|\d{4}([ .-])\d{6}\2\d{4,5}"
            r"|\d{13,19}"
            r"|\d(?:[ -]?\d){12,18})(?![\w-]|/\d)"
        ),
        checks.is_card,
        ("00", "0 0", "0-0", "0.0", "0\u00a00", "0\u20110"),
    ),
    # Behind "card" any number of that length: a mistyped one points at its owner, too.
    Recognizer(
        "CARD",
        Expression(
            rf"{START}(?:card|cc|visa|mastercard|amex|maestro|kreditkarte|carte(?: bancaire| bleue)?|tarjeta"
            rf"|cart[aã]o|carta di credito){_NUMBER}[\"']?(?:[ ]?(?:is|ist|est|es))?[ \t:=#?\"'-]{{1,4}}"
            r"(?P<value>\d(?:[ .-]?\d){11,18})(?![\w-]|/\d)",
            ANY_CASE,
        ),
        hints=("card", "cc", "visa", "amex", "maestro", "kart", "cart", "tarjeta"),
    ),
    Recognizer(
        "CVV",
        Expression(
            rf"{START}(?:cvv2?|cvc2?|csc|cv2|(?:card )?(?:security|verification|validation) code|card code"
            rf"|pr[uü]fziffer|cryptogramme|c[oó]digo de seguridad){_NUMBER}{_TO}(?P<value>\d{{3,4}})(?![\w-]|[.:/]\d)",
            ANY_CASE,
        ),
        hints=("cv", "csc", "code", "pr\u00fcfziffer", "pruf", "cryptogramme", "digo"),
        around=technical_checks.is_near_a_card,
    ),
    Recognizer(
        "CARD_EXPIRY",
        Expression(
            rf"{START}(?:exp(?:ir(?:y|es?|ation|ing)|\.)?|valid (?:thru|through|until|to)|good (?:thru|through)"
            r"|g[uü]ltig bis|ablaufdatum|date d'expiration|expire le|fecha de caducidad|vencimiento|scadenza|validade)"
            rf"(?:[ _-]?date)?(?:[ ]?(?:on|in|at))?{_TO}(?P<value>{_EXPIRY})",
            ANY_CASE,
        ),
        hints=("exp", "valid", "good thr", "ltig bis", "ablaufdatum", "caducidad", "vencimiento", "scadenza"),
        around=technical_checks.is_near_a_card,
    ),
    Recognizer(
        "CARD_EXPIRY",  # 4111 1111 1111 1111 12/27 123, as it stands on the card
        Expression(
            r"(?<![\w.])\d{4}[ -]?\d{4,6}[ -]?\d{4,5}(?:[ -]?\d{1,7})?[ \t,;|/]{1,4}(?P<value>"
            rf"{_EXPIRY})"
        ),
        hints=("0000",),
        around=technical_checks.is_near_a_card,
    ),
    Recognizer(
        "CVV",
        Expression(
            rf"(?<![\w.])\d{{4}}[ -]?\d{{4,6}}[ -]?\d{{4,5}}(?:[ -]?\d{{1,7}})?[ \t,;"
            rf"|/]{{1,4}}(?:exp\.?:?[ ]?)?{_EXPIRY}"
            r"[ \t,;|/]{1,4}(?P<value>\d{3,4})(?![\w-]|[.:/]\d)",
            ANY_CASE,
        ),
        hints=("0000",),
        around=technical_checks.is_near_a_card,
    ),
    Recognizer(
        "IBAN",
        Expression(START + r"[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,4})?" + END),
        checks.is_iban,
        ("00",),
    ),
    Recognizer(
        "IBAN",
        Expression(
            START + r"iban(?:\s+(?:is|number|no))?\W{1,4}(?P<value>[A-Z]{2}\d{2}[A-Z0-9 -]{11,40}[A-Z0-9])", ANY_CASE
        ),
        checks.is_iban,
        ("iban",),
    ),
    Recognizer(
        "BANK_ACCOUNT",
        Expression(
            rf"{START}{_ACCOUNT}{_NUMBER}{_TO}(?P<value>\d{{1,12}}(?:[ -]\d{{1,10}}){{0,4}})(?![\w@%$€£]|[-.:/,]\w)",
            ANY_CASE,
        ),
        technical_checks.is_account_number,
        ("acc", "a/c", "konto", "compte", "cuenta", "clabe", "conta", "conto", "rekening", "konta", "tili"),
    ),
    Recognizer(
        "BANK_ACCOUNT",  # behind "account" alone: not of twelve digits, which is an AWS account
        Expression(
            rf"{START}(?:account|acct\.?){_TO}(?!\d{{12}}(?!\d)|\d{{4}}[ -]\d{{4}}[ -]\d{{4}}(?!\d))"
            r"(?P<value>\d{6,17}|\d{2,6}(?:[ -]\d{2,10}){1,3})(?![\w@%$€£]|[-.:/,]\w)",
            ANY_CASE,
        ),
        technical_checks.is_account_number,
        ("acc",),
    ),
    Recognizer(
        "BANK_ACCOUNT",  # sort code 12-34-56, BSB 062-000, IFSC HDFC0001234, bank code 37040044
        Expression(
            rf"{START}{_BANK_CODE}{_NUMBER}{_TO}"
            r"(?P<value>\d{2}[- ]\d{2}[- ]\d{2}|\d{3}[- ]\d{3}|[A-Z]{4}0[A-Z0-9]{6}|\d{6}|\d{8}|\d{5}-\d{3})"
            r"(?![\w@%]|[-.:/,]\w)",
            ANY_CASE,
        ),
        hints=("sort", "bsb", "routing", "rtn", "transit", "aba", "ifsc", "bank", "blz", "branch"),
    ),
    Recognizer(
        "BANK_ACCOUNT",  # a US bank's
        Expression(
            rf"{START}{_BANK_CODE}{_NUMBER}{_TO}(?P<value>\d{{9}}|\d{{4}}-\d{{4}}-\d)(?![\w@%]|[-.:/,]\w)", ANY_CASE
        ),
        technical_checks.is_routing_number,
        ("routing", "rtn", "transit", "aba", "bank"),
    ),
    Recognizer(
        "BANK_ACCOUNT",
        Expression(
            rf"{START}(?:swift|bic)(?:[ /-]{{1,3}}(?:swift|bic))?{_NUMBER}{_TO}"
            r"(?P<value>(?-i:[A-Z]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?))(?!\w)",
            ANY_CASE,
        ),
        hints=("swift", "bic"),
    ),
)
