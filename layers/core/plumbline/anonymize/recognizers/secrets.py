"""Keys and tokens that stand behind a word that says so, whoever made them."""

from plumbline.anonymize import technical_checks
from plumbline.anonymize.expressions import Expression
from plumbline.anonymize.recognizers.base import ANY_CASE, START, Recognizer

_IS = (
    r"\\?[\"'`\])]{0,2}[ \t]{0,20}"
    r"(?:::?=|:?={1,2}>?|:|->|\||,(?=[ \t]{0,3}[\"'])|\b(?:is|was|ist|est|es)\b:?)[ \t]{0,20}"
)
_QUOTE = r"\\?[\"'`]?"
_KEY_OF = (
    r"(?:secret|private|access|api|app(?:lication)?|auth(?:entication|orization)?|encryption|decryption|crypt(?:o"
    r"|ographic)?"
    r"|signing|signature|account|subscription|licen[cs]e|activation|registration|product|serial|cd|master|shared|client"
    r"|consumer|customer|storage|service|deploy|integration|instrumentation|ingest(?:ion)?|write|read|admin|webhook"
    r"|secondary|sas|session|cookie|hmac|jwt|hash|root|recovery|backup|wallet|security|functions?|host"
    r"|management|rest|developer|dev|project|server|sdk|bot|push|fcm|vapid|rsa|ssh|tls|ssl|aes|maps|stripe|openai"
    r"|anthropic|azure|aws|gcp|google|github|gitlab|slack|twilio|sendgrid|mailgun|mailchimp|datadog|new ?relic|heroku"
    r"|cloudflare|algolia|okta|auth0|firebase|shopify|hubspot|intercom|zendesk|jira|atlassian|bitbucket|dropbox"
    r"|pagerduty"
    r"|sentry|segment|amplitude|mixpanel|snyk|sonar|postman|airtable|asana|notion|linear|trello|fastly|netlify|vercel"
    r"|supabase|databricks|snowflake|confluent|elastic|mongodb?|redis|rabbitmq|discord|telegram|twitter|facebook"
    r"|linkedin|dd|wpa2?|wi-?fi|wep|network security)"
)

_TAIL = r"(?:[ _-]?(?:id|string|base64|value|hash|number|v\d|\d))?(?:[ ](?:for|of|to)[ ]\w{1,20})?" + _IS + _QUOTE
_NAMED = Expression(
    rf"(?:{_KEY_OF}[ _.-]{{0,2}}(?:access[ _-]?)?(?:key|code(?=[ \t\"']{{0,3}}[:=]))|secret|credentials?){_TAIL}$",
    ANY_CASE,
)
_NAME_CHARS = 120


def is_named_as_key(text: str, start: int, _end: int) -> bool:
    """Whether the words before the value name a key that opens something: "api key", and not "key" alone."""
    return bool(_NAMED.search(text[max(0, start - _NAME_CHARS) : start]))


RECOGNIZERS = (
    Recognizer(
        "KEY",
        Expression(
            rf"(?:key|code|secret|credentials?){_TAIL}(?P<value>[A-Za-z0-9/+=_.~!-]{{8,2048}})(?<![.!])", ANY_CASE
        ),
        technical_checks.is_secret,
        ("key", "secret", "credential", "code"),
        is_named_as_key,
    ),
    Recognizer(
        "TOKEN",
        Expression(
            rf"{START}(?:[a-z0-9_.-]{{0,40}}?(?:token|session(?:[_-]?(?:id|key|cookie))?|j?sessionid|cookie|bearer"
            rf"|nonce"
            r"|webhook)|(?:[a-z0-9_.-]{0,40}[_.-])?(?:jwt|sid|otp|dsn|auth(?:orization)?(?:[_-]?(?:code|header))?))"
            r"(?:[ _-]?(?:id|value|string|auth|\d))?"
            rf"{_IS}{_QUOTE}(?:(?:bearer|basic|token|apikey|aws4-hmac-sha256)[ ]{{1,3}})?"
            r"(?P<value>[A-Za-z0-9/+=_.~|%-]{8,8192})(?<!\.)",
            ANY_CASE,
        ),
        technical_checks.is_secret,
        ("token", "jwt", "sess", "sid", "cookie", "bearer", "nonce", "otp", "webhook", "dsn", "auth"),
    ),
    Recognizer(
        "TOKEN",  # Authorization: Basic …, X-Api-Key: …, Ocp-Apim-Subscription-Key: …
        Expression(
            rf"{START}(?:bearer|basic|negotiate|ntlm|(?<=: )token|(?<=: )apikey|genieKey|splunk|sso-key)[ \t]{{1,3}}"
            r"(?P<value>[A-Za-z0-9._~+/=-]{16,8192})",
            ANY_CASE,
        ),
        technical_checks.is_secret,
        ("bearer", "basic", "negotiate", "ntlm", "token", "apikey", "geniekey", "splunk", "sso-key"),
    ),
    Recognizer(
        "KEY",  # five groups of five: Windows and Office; behind a word any groups
        Expression(r"(?<![\w-])(?=[A-Z0-9-]{0,28}\d)(?=[0-9-]{0,28}[A-Z])[A-Z0-9]{5}(?:-[A-Z0-9]{5}){4}(?![\w-])"),
        hints=("-",),
    ),
    Recognizer(
        "KEY",  # my licence key ABCD-1234-EFGH-5678, serial number: 1234-5678-9012
        Expression(
            rf"{START}(?:licen[cs]e|(?:licen[cs]e|product|activation|registration|serial|cd|unlock|installation|volume"
            rf"|oem)"
            r"[ _-]?(?:key|code)|lizenz(?:-?schl(?:ü|ue)ssel)?|produktschl(?:ü|ue)ssel|cl[eé] de licence"
            r"|clave de producto)"
            r"(?:[ _-]?(?:number|no|nr|id|#))?[\"']?[ \t]{0,3}(?:[:=#]|\b(?:is|was|ist|est|es)\b:?)?[ \t]{0,3}[\"'(\[]?"
            r"(?P<value>(?-i:[A-Z0-9]{3,8}([ -])[A-Z0-9]{3,8}(?:\2[A-Z0-9]{3,8}){1,8}))(?![\w-])",
            ANY_CASE,
        ),
        technical_checks.is_grouped_key,
        (
            "licen",
            "product",
            "activation",
            "registration",
            "serial",
            "cd",
            "unlock",
            "install",
            "volume",
            "oem",
            "lizenz",
        ),
    ),
    Recognizer(
        "KEY",  # an AWS secret key has no shape of its own: 40 signs behind an access key's id
        Expression(
            r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])[^\n]{0,60}(?:\n[^\n]{0,80}){0,2}?"
            r"(?<![A-Za-z0-9/+=])(?P<value>(?=[A-Za-z0-9/+]{0,39}[/+A-Z])(?=[A-Za-z0-9/+]{0,39}[a-z])[A-Za-z0-9/+]{40})"
            r"(?![A-Za-z0-9/+=])"
        ),
        technical_checks.is_secret,
        ("akia", "asia"),
    ),
)
