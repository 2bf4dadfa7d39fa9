"""Names of machines that point at a customer: inside its network, at its cloud provider, on a person's desk.

Public sites and the domains of products stay, and of a cloud provider's address only the customer's own label is
masked: `orders-db.c9akciq32.eu-west-1.rds.amazonaws.com` still says that this is about RDS in Ireland.
"""

from plumbline.anonymize import host_checks
from plumbline.anonymize.expressions import Expression
from plumbline.anonymize.recognizers.base import ANY_CASE, Recognizer

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_LABELS = rf"{_LABEL}(?:\.{_LABEL}){{0,6}}"
# Not a part of a longer name, an e-mail address or a file's path.
_FRESH = r"(?<![\w.@$~-])"
_CLOUD = (
    r"(?:(?:[a-z]{2}(?:-[a-z]{2,5}){0,2}-[a-z]{3,10}-\d\.)?(?:rds|redshift|elb|es|aoss|docdb|neptune)|compute(?:-\d)?"
    r"|cache"
    r"|elasticache|eks|efs|mq|kafka|memorydb|dax-clusters|elasticbeanstalk|opensearch)"
    r"(?:\.[a-z]{2}(?:-[a-z]{2,5}){0,2}-[a-z]{3,10}-\d|\.(?:use1|usw2|euw1|euc1))?\.amazonaws\.com"
    r"|[a-z]{2}(?:-[a-z]{2,5}){0,2}-[a-z]{3,10}-\d\.(?:rds|redshift|elb|es|compute|eks"
    r"|elasticbeanstalk)\.amazonaws\.com"
    r"|(?:database|servicebus|redis\.cache|(?:blob|file|queue|table|dfs)\.core)\.windows\.net"
    r"|(?:[a-z0-9]{3,20}\.)?cloudapp\.(?:azure\.com|net)|(?:postgres|mysql|mariadb)\.database\.azure\.com"
    r"|documents\.azure\.com|vault\.azure\.net|azurecr\.io|(?:hcp|privatelink)\.[a-z0-9]{3,20}\.azmk8s\.io"
    r"|c\.[a-z0-9-]{4,40}\.internal|mongodb\.net|snowflakecomputing\.com|cloud\.databricks\.com|azuredatabricks\.net"
    r"|db\.ondigitalocean\.com|aivencloud\.com|psdb\.cloud|neon\.tech|upstash\.io|cloudamqp\.com|confluent\.cloud"
    r"|elastic-cloud\.com|es\.io|found\.io|onmicrosoft\.com|my\.salesforce\.com|service-now\.com"
    r"|duckdns\.org|no-ip\.(?:org|com|biz)|ddns\.net|dyndns\.(?:org|com)|synology\.me|myqnapcloud\.com|ts\.net"
    r"|ngrok\.io"
    r"|ngrok-free\.app|trycloudflare\.com"
)

RECOGNIZERS = (
    Recognizer(
        "HOST",  # srv-01.corp, db.acme.internal, jane-pc.local
        Expression(
            rf"{_FRESH}(?P<value>{_LABEL}(?:\.{_LABEL}){{0,6}}\.(?:local|internal|intranet|corp|lan|localdomain"
            rf"|home\.arpa|intern"
            rf"|private|priv|ad))(?![\w-]|\.[\w]|\()",
            ANY_CASE,
        ),
        hints=(".local", ".int", ".corp", ".lan", ".home", ".priv", ".ad"),
        around=host_checks.is_internal_host,
    ),
    Recognizer(
        "HOST",  # what a customer chose of a provider's address
        Expression(rf"{_FRESH}(?P<value>{_LABEL}(?:\.{_LABEL}){{0,3}}?)(?=\.(?:{_CLOUD})(?![\w-]|\.\w))", ANY_CASE),
        hints=(
            *(".amazonaws.", ".windows.", ".azure", ".azmk8s", ".internal", ".mongodb.", ".snowflake", ".databricks"),
            *(".ondigital", ".aiven", ".psdb", ".neon", ".upstash", ".cloudamqp", ".confluent", ".io", ".onmicrosoft"),
            *(".salesforce", ".service-now", "dns", ".no-ip", ".synology", ".myqnap", ".ts.net", "ngrok", ".cloudapp"),
            ".trycloudflare",
        ),
        around=host_checks.is_customers_label,
    ),
    Recognizer(
        "HOST",  # ip-10-0-0-12, ec2-203-0-113-25: an address in the name
        Expression(r"(?<![\w.-])(?:ip|ec2|vps|static|host|dsl|cpe|pool)-?\d{1,3}(?:-\d{1,3}){3}(?![\w-])", ANY_CASE),
        hints=("ip-", "ec2-", "vps", "static", "host", "dsl", "cpe", "pool"),
    ),
    Recognizer(
        "HOST",  # hostname: web-prod-01, DB_HOST=db1, "serverName": "SRV01", Computer name: DESKTOP-1
        Expression(
            r"(?<![A-Za-z0-9])(?:[a-z0-9_.-]{0,30}?(?:host[ _-]?name|server[ _-]?name|machine[ _-]?name"
            r"|computer[ _-]?name"
            r"|node[ _-]?name|workstation(?:[ _-]?name)?|device[ _-]?name|fqdn)|(?:[a-z0-9]{1,20}[_.-])?host"
            r"|[a-z]{2,12}[_-]server"
            r"|data source|netbios(?: name)?|computer)"
            r"(?:\\?[\"'\]])?[ \t]{0,20}(?:=>|[:=]{1,2}|\bis\b|\bwas\b)[ \t]{0,20}\\?[\"'`]?(?:(?:tcp|https?"
            r"|[a-z]{2,10})://)?(?:\w{1,30}@)?"
            rf"(?P<value>{_LABELS})(?![\w(\[@]|[.-]\w)",
            ANY_CASE,
        ),
        hints=("host", "server", "name", "fqdn", "workstation", "data source", "netbios", "computer"),
        around=host_checks.is_named_host,
    ),
    Recognizer(
        "HOST",  # what systems call a machine by themselves: DESKTOP-1AB2C3D, Janes-MacBook-Pro
        Expression(
            r"(?<![\w-])(?:(?:DESKTOP|LAPTOP|WIN|MININT|WINDOWS)-(?=[A-Z0-9]{0,11}\d)[A-Z0-9]{6,12}"
            r"|(?!(?:My|Your|The|This|Our|New|Old|Non|All|Any)-)[A-Z][a-z]{1,20}(?:-[A-Z][a-z]{1,20})?s?-(?:MacBook"
            r"|iMac|Mac|iPhone|iPad|Laptop|PC)(?:-(?:Pro|Air|mini"
            r"|Mini))?(?:-\d)?)(?![\w-])"
        ),
        hints=("desktop-", "laptop-", "win-", "minint-", "windows-", "-mac", "-imac", "-ip", "-pc"),
    ),
    Recognizer(
        "HOST",  # \\fileserver01\share
        Expression(rf"(?<![\w\\/:.*+)\]}}])\\\\(?P<value>{_LABELS})(?=\\[A-Za-z][\w .$-]{{1,60}})"),
        hints=("\\\\",),
        around=host_checks.is_share_host,
    ),
    Recognizer(
        "HOST",  # jane@web01:~$, [jane@web01 ~]#, Nov 22 10:11:12 web01 sshd[1234]:
        Expression(
            rf"(?:^|(?<=\n))(?:\([\w.-]{{1,40}}\)[ ])?\[?[a-z_][\w.-]{{0,31}}@(?P<value>{_LABELS})"
            r"(?=:[^\s#$%]{0,120}[#$%]|[ ][^\s\]]{1,60}\][#$%])"
        ),
        hints=("@",),
        around=host_checks.is_named_host,
    ),
    Recognizer(
        "HOST",
        Expression(
            rf"(?:^|(?<=\n))(?:<\d{{1,3}}>)?(?:[A-Z][a-z]{{2}}[ ]{{1,2}}\d{{1,2}}[ ]\d\d:\d\d:\d\d"
            rf"|\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\S{{0,16}})[ ]"
            rf"(?P<value>{_LABELS})[ ](?=[\w./-]{{2,40}}(?:\[\d{{1,7}}\]|\([\w-]{{1,30}}\)\[\d{{1,7}}\])?: )"
        ),
        hints=("00:00:00",),
        around=host_checks.is_named_host,
    ),
)
