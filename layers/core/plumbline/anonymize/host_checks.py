"""Checks that tell names of a customer's machines from public sites, files and code. Pure Python, no I/O."""

import re

from plumbline.anonymize.name_words import word_set

_BEFORE = 40  # how far a word may stand before the name that it explains
_DOTTED = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_BARE = 2  # labels of a name such as web.local
_COMMON_HOSTS = word_set(
    "localhost localhost.localdomain localhost6 ip6-localhost host.docker.internal gateway.docker.internal "
    "broadcasthost "
    "metadata.google.internal instance-data.ec2.internal kubernetes.default.svc.cluster.local host hostname server "
    "servername machine example.local example.internal example.corp your-host your-server yourserver my-server my-host "
    "node:internal raspberrypi raspberrypi.local ubuntu debian kali fedora default none null true false unknown any "
    "all "
    "mdns.local wpad.local router.local server.local host.local"
)
_STAND_IN = re.compile(
    r"(?:^|[.-])(?:(?:your|my|the|some|name-?of)-?(?:server|host|domain|machine|computer|site|company)\w*|servername"
    r"|hostname"
    r"|(?:i[3-6]86|x86_64|aarch64|armv7\w*|wasm32)-.*|.*-(?:gnu|msvc|musl|darwin|pc))(?:$|\.)"
)
_INNER_CAPITAL = re.compile(r"[a-z][A-Z][a-z]")
_FILE_LIKE = re.compile(
    r"(?:settings?|config(?:uration)?|docker-compose|compose|env|gradle|application|appsettings|tsconfig|package|web"
    r"|app"
    r"|bootstrap|cmake|this|self|thread(?:ing)?|sun|java|javax|com|org|net|io|jdk|pkg|src|lib|node|www|usr|window|vm"
    r"|ctx"
    r"|std|core|module|process|import|os|sys|_\w*|[\w.-]*/.*)\.",
    re.IGNORECASE,
)
_DOUBTFUL_ENDINGS = word_set("ad domain private priv intern internal local")
_HOST_WORD = re.compile(
    r"(?:://|@|\\\\|\b(?:hosts?|hostname|servers?|machine|computer|node|ping|ssh|telnet|nslookup|dig|resolve"
    r"|connect(?:ing|ed)?(?: to)?"
    r"|dns|fqdn|domain|curl|wget|url|reach|endpoint|named?|called|printer|nas|router|from|to|on|at)\b[\"'`:=( ]{1,4})$",
    re.IGNORECASE,
)
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]{2,5}){0,2}-[a-z]{3,10}-\d|(?:us|eu|ap|uk|ca)[a-z0-9]{0,12}")
_PROVIDERS_LABELS = word_set(
    "www docs doc documentation support help login api status blog developer community admin portal management account "
    "accounts signup app console my example contoso fabrikam mydb mydatabase myserver yourserver your-server "
    "youraccount "
    "myaccount mystorageaccount accountname account-name rds elb es ec2 s3 eks efs mq cache redshift elasticache "
    "compute compute-1 cloud go cdn static download downloads global"
)
_PUBLIC_SITE = re.compile(
    r"(?:^|\.)(?:google(?:apis|usercontent|video)?|gmail|youtube|gstatic|doubleclick|mozilla|firefox|microsoft|office"
    r"|office365|windows|windowsupdate|live"
    r"|outlook|bing|apple|icloud|amazon|amazonaws|aws|cloudfront|azure|azurewebsites|github|githubusercontent|gitlab"
    r"|bitbucket|docker|npmjs|pypi|python|rust-lang|crates|maven|apache"
    r"|debian|ubuntu|fedoraproject|redhat|facebook|fbcdn|instagram|twitter|linkedin|yahoo|cloudflare|akamai\w*|fastly"
    r"|letsencrypt|digicert|stackoverflow|wikipedia|example|paypal|stripe"
    r"|slack|zoom|dropbox|salesforce|atlassian|jira|kaspersky|avast|mcafee|norton|symantec|adobe|oracle|java|mysql"
    r"|postgresql|mongodb|elastic|matomo|piwik)\.[a-z]{2,6}(?:\.[a-z]{2})?$"
)


def is_internal_host(text: str, start: int, end: int) -> bool:
    """A name of a network that is not public; no file (`.env.local`), attribute (`threading.local`) or package."""
    value = text[start:end].casefold()
    if value.endswith((".cluster.local", "docker.internal")) or _is_no_name(text[start:end]) or _FILE_LIKE.match(value):
        return False
    labels = value.split(".")
    if labels[-1] in _DOUBTFUL_ENDINGS or len(labels) == _BARE:
        named = _HOST_WORD.search(text, max(0, start - _BEFORE), start) or re.match(r":\d|/", text[end : end + 2])
        return bool(named) or bool(re.search(r"\d|-", labels[0]) and labels[-1] not in _DOUBTFUL_ENDINGS)
    return True


def is_customers_label(text: str, start: int, end: int) -> bool:
    """The customer's part of a provider's address; no service, region, page or documentation's example."""
    labels = text[start:end].casefold().split(".")
    return not all(label in _PROVIDERS_LABELS or _REGION.fullmatch(label) for label in labels)


def is_named_host(text: str, start: int, end: int) -> bool:
    """What stands behind `host:` and names a machine of its own: no public site, address, service or word."""
    value = text[start:end].casefold()
    if _is_no_name(text[start:end]) or value.replace(".", "").isdigit() or _PUBLIC_SITE.search(value):
        return False
    if "." in value:
        return not _FILE_LIKE.match(value) and not re.fullmatch(r"v?\d[\w.-]*", value)
    return bool(re.search(r"[a-z]", value)) and bool(re.search(r"\d|-", value)) and not re.match(r"\d", value)


def is_share_host(text: str, start: int, end: int) -> bool:
    r"""The machine in `\\machine\share`; in code the backslashes are escapes, unless its name says otherwise."""
    value = text[start:end]
    if _is_no_name(value) or _DOTTED.fullmatch(value):
        return False
    return len(value) > _BARE and bool(re.search(r"\d|-|\.|srv|server|share|files?|nas|dfs|home", value, re.IGNORECASE))


def _is_no_name(value: str) -> bool:
    """What everybody calls a machine, a placeholder for a name, a compiler's target, or an attribute in code."""
    folded = value.casefold()
    return folded in _COMMON_HOSTS or bool(_STAND_IN.search(folded)) or bool(_INNER_CAPITAL.search(value))
