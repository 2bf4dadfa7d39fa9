"""What a state gives to a person: papers, plates, national numbers and the date of birth, behind a word that says so.

Only the US social security number is found without such a word. What has check digits: `plumbline.anonymize.ids`.
"""

from plumbline.anonymize import checks
from plumbline.anonymize.expressions import Expression
from plumbline.anonymize.recognizers.base import ANY_CASE, START, Recognizer

_NUMBER = r"(?:[ \t_-]{0,2}(?:numbers?|num|no|nr|n[°ºo]|id|code|card|numero|n[uú]mero|nummer|#)(?![^\W_])\.?){0,2}"
# Between the word and the value: ":", "is", "(UK):", "for my son is" …
_IS = (
    r"(?:[ \t]{0,2}\([^)\n]{1,20}\))?(?:[ \t]{1,2}(?:on|for|of|at|in|from)(?:[ \t]{1,2}[^\W\d_]{1,15}){1,3})?"
    r"[\"']?[ \t]{0,2}(?:(?:[:=#]|->|-(?=[ \t])|\u2013)[ \t\"']{0,3}"
    r"|(?:is|was|are|ist|lautet|es|est|è|é|er|är|to)\b:?[ \t]{0,3})?[\"'(\[<#]{0,2}"
)
# Groups of letters and digits. A group of letters alone may only begin it, or end it in capitals.
_BODY = r"(?:[A-Z]{1,4}[ .-]){0,2}[A-Z]{0,6}\d[A-Z0-9]{0,19}(?:[ ./-][A-Z]{0,3}\d[A-Z0-9]{0,9}){0,5}"
_GROUPS = rf"(?P<value>{_BODY}(?:[ -](?-i:[A-Z]{{1,2}}(?![^\W\d_])))?)(?![\w@]|[-.:/]\w)"
_PLATE_GROUPS = rf"(?P<value>{_BODY}(?:[ -](?-i:[A-Z]{{1,3}}(?![^\W\d_])))?)(?![\w@]|[-.:/]\w)"
_PASSPORT = r"(?:passport|passeport|reisepass|pasaporte|passaporto?|passaporte|paszport\w{0,2}|paspoort)"
_LICENCE = (
    r"(?:driv(?:er|ing)(?:['\u2019]?s['\u2019]?)?[ _-]?(?:licen[cs]e|permit)|\bDL(?=[ \t]{0,2}(?:#|no|number|:))"
    r"|f[uü]hrerschein|permis de conduire|permiso de conducir|carn[eé]t de conducir|licencia de conducir"
    r"|patente di guida|carta de condu[cç][aã]o|carteira de motorista|\bCNH|rijbewijs|k[oø]rekort|f[oø]rerkort"
    r"|k[oö]rkort|ajokortti"
    r"|prawo jazdy)"
)
_PLATE = (
    r"(?:licen[cs]e[ -]plates?|number[ -]plates?|registration plates?|plate (?:numbers?|no\.?|is|reads)"
    r"|car reg(?:istration)?|vehicle reg(?:istration)?|reg(?:istration)? (?:plate|mark)|\bVRN|\bVRM"
    r"|\bVIN(?=[ \t]{0,2}(?:#|no|number|:|is))"
    r"|vehicle identification number|kfz-?kennzeichen|kennzeichen|immatriculation|plaque d'immatriculation"
    r"|matr[ií]cula del (?:coche|veh[ií]culo)|targa(?: dell'auto)?|kenteken|placa do (?:carro|ve[ií]culo)"
    r"|registreringsnummer|reg\.? ?nr|tablica rejestracyjna)"
)
# The names of national numbers. Those that are words, too, count in capitals only.
_NATIONAL = (
    r"(?:national[ _-](?:id(?:entity|entification)?|insurance)|(?:social[ _-](?:security|insurance)|personal"
    r"(?:[ _-]identity|[ _-]identification|[ _-]id)?|identity|identification"
    r"|tax(?:payer)?(?:[ _-](?:file|id|identification))?|medicare|medicaid|nhs|health[ _-](?:card|insurance|care)"
    r"|citizen|resident|registration|individual taxpayer)"
    r"(?=[ _-](?:numbers?|no\b|nr\b|id\b|code|card|#))"
    r"|\b(?:itin|nino|nhs|pesel|cpf|cnpj|curp|rfc|aadhaa?r|nric|myinfo|bsn|hetu|cpr|dni|nie|nif|rut|cuit|cuil|rrn"
    r"|tfn|pps(?:n)?|oib|egn|amka|ahv|codice fiscale|num[eé]ro de s[eé]curit[eé] sociale|personnummer|f[oø]dselsnummer"
    r"|henkil[oö]tunnus|burgerservicenummer|rijksregisternummer|steuer-?(?:id|identifikationsnummer|nummer)"
    r"|sozialversicherungsnummer|rodn[eé] [cč][ií]slo|isikukood"
    r"|(?:c[eé]dula|documento)(?: de (?:identidad|ciudadan[ií]a))?|identity card|id[ -]card|tc kimlik|kimlik"
    r"|id number|personalausweis(?:nummer)?|carta d'identit[aà]"
    r"|carte d'identit[eé])|(?-i:\b(?:SIN|PAN|NIR|PIN|TIN|EIN|NIN|CNP|SSS|UMID|HKID|MyKad|NIK)\b))"
)
_MONTH = r"[^\W\d_]{3,12}\.?"
_DATE = (
    r"(?P<value>(?:\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})|\d{4}[./-]\d{1,2}[./-]\d{1,2}"
    r"|\d{1,2} ?[./-] ?\d{1,2} ?[./-] ?\d{4}|\d{1,2}/\d{1,2}"
    rf"|(?:the )?\d{{1,2}}(?:st|nd|rd|th|\.|er|º)?[ -](?:of |de |d')?{_MONTH}(?:,? de|,| del)?[ -]['\u2019]?"
    r"(?:\d{4}|\d{2})"
    rf"|(?:the )?\d{{1,2}}(?:st|nd|rd|th)?(?: of)? (?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{{0,6}}"
    rf"|{_MONTH}[ -]\d{{1,2}}(?:st|nd|rd|th)?(?:,? ?|-)(?:\d{{4}}|['\u2019]\d{{2}})|{_MONTH},? (?:of )?(?:19|20)\d\d"
    r"|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.? \d{1,2}(?:st|nd|rd|th)?"
    r"|(?:19|20)\d{6}|\d{8}|(?:19|20)\d\d[年.]\d{1,2}[月.]\d{1,2}日?|(?:19|20)\d\d))(?![\w]|[-/.:]\d)"
)
_BORN = (
    r"(?:born(?: (?:on|in))?|d\.?o\.?b\.?|birth[ _-]?da(?:te|y)|b-?day|date[ _-]of[ _-]birth|geb(?:oren|\.)?(?: am)?"
    r"|geburts(?:datum|tag)|n[eé]e? le|date de naissance|anniversaire|fecha de nacimiento|nacid[oa] el|cumplea[nñ]os"
    r"|data di nascita|nat[oa] il|data de nascimento|nascid[oa] em|geboortedatum|f[oø]d(?:t|selsdag|selsdato)"
    r"|f[oö]delse(?:datum|dag)|f[oö]dd|syntym[aä]aika|syntynyt|data urodzenia|urodzon[ya]|datum narozen[ií]"
    r"|sz[uü]let[eé]si (?:id[oő]|d[aá]tum)|do[gğ]um tarihi)"
)
_DATE_FORM = r"(?:[ \t]{0,2}\([^)\n]{1,20}\))?[\"']?[ \t]{0,2}(?:(?:is|was|ist|est|es|è|on|:|=|->|-)[ \t\"']{0,3}){0,2}"

_ANY_DIGIT = ("0",)

RECOGNIZERS = (
    Recognizer(
        "SSN",
        Expression(r"(?<![\w-])(\d{3}-\d{2}-\d{4}|\d{3} \d{2} \d{4})(?![\w-])"),
        checks.is_ssn,
        ("000-00-", "000 00 "),
    ),
    Recognizer(
        "SSN",
        Expression(
            rf"{START}(?:ssn|social(?: security)?(?: number)?){_NUMBER}{_IS}(?P<value>\d{{4,9}})(?![\w-])", ANY_CASE
        ),
        hints=("ssn", "social"),
    ),
    Recognizer(
        "NATIONAL_ID",
        Expression(rf"{START}{_NATIONAL}{_NUMBER}{_IS}{_GROUPS}", ANY_CASE),
        checks.is_national_number,
        _ANY_DIGIT,
    ),
    Recognizer(
        "PASSPORT",
        Expression(rf"{START}{_PASSPORT}{_NUMBER}{_IS}{_GROUPS}", ANY_CASE),
        checks.is_paper_number,
        ("pass", "paszport"),
    ),
    Recognizer(
        "LICENCE",
        Expression(rf"(?<!\w){_LICENCE}{_NUMBER}{_IS}{_GROUPS}", ANY_CASE),
        checks.is_paper_number,
        _ANY_DIGIT,
    ),
    Recognizer(
        "PLATE",
        Expression(rf"(?<!\w){_PLATE}{_NUMBER}{_IS}{_PLATE_GROUPS}", ANY_CASE),
        checks.is_plate,
        _ANY_DIGIT,
    ),
    Recognizer(
        "PLATE",  # ab12 cde: the United Kingdom's, as people type it
        Expression(rf"(?<!\w){_PLATE}{_NUMBER}{_IS}(?P<value>[a-z]{{2}}\d\d ?[a-z]{{3}})(?!\w)", ANY_CASE),
        hints=_ANY_DIGIT,
    ),
    Recognizer(
        "BIRTH_DATE", Expression(rf"{START}{_BORN}{_DATE_FORM}{_DATE}", ANY_CASE), checks.is_birth_date, _ANY_DIGIT
    ),
)
