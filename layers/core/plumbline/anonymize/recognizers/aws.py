"""What names an AWS account or opens it."""

from plumbline.anonymize.expressions import Expression
from plumbline.anonymize.recognizers.base import ANY_CASE, END, START, Recognizer

RECOGNIZERS = (
    Recognizer(
        "ARN",
        Expression(
            START
            + r"arn:aws[a-z-]{0,12}:[a-z0-9-]{1,40}:[a-z0-9-]{0,20}:(?:\d{12}|aws)?:[^\s\"'`<>,;)\]}]{1,512}(?<![.:!?])"
        ),
        hints=("arn:aws",),
    ),
    Recognizer(
        "AWS_ACCOUNT",
        Expression(
            r"(?<![A-Za-z0-9])(?:aws_?|target_?|source_?|account_)?(?:account|acct|owner)(?:[ _-]?(?:id|ids|number|num"
            r"|no|#)\b)?\.?"
            + r"[\"']?[ \t]{0,3}(?:\(aws\))?[:=#(]{0,2}(?:[ \t]{0,3}(?:is|was)\b)?[ \t]{0,3}[\"']?"
            + r"(?P<value>\d{12}|\d{4}[- ]\d{4}[- ]\d{4})(?![\w-])",
            ANY_CASE,
        ),
        hints=("acc", "owner"),
    ),
    Recognizer(
        "AWS_ACCOUNT",  # the canonical user of S3
        Expression(
            r"canonical[ _-]?(?:user)?(?:[ _-]?id)?[\"']?[ \t]{0,3}[:=]?[ \t]{0,3}[\"']?(?P<value>[0-9a-f]{64})(?!\w)",
            ANY_CASE,
        ),
        hints=("canonical",),
    ),
    Recognizer(
        "AWS_ACCOUNT",
        Expression(r"(?<!\w)(?P<value>\d{12})(?=\.(?:dkr\.ecr|signin\.aws|execute-api)\b)"),
        hints=(".dkr.ecr", ".signin.aws"),
    ),
    Recognizer("AWS_ACCOUNT", Expression(r"amazonaws\.com/(?P<value>\d{12})(?=/)"), hints=("amazonaws.com/",)),
    Recognizer(
        "KEY",
        Expression(START + r"(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA|AGPA|ANPA|ANVA|AIPA|APKA|ASCA)[A-Z0-9]{16}" + END),
        hints=("akia", "asia", "abia", "acca", "aroa", "aida", "agpa", "anpa", "anva", "aipa", "apka", "asca"),
    ),
)
