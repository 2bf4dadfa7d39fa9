"""Keys and tokens with a shape of their own."""

from plumbline.anonymize import technical_checks
from plumbline.anonymize.expressions import Expression
from plumbline.anonymize.recognizers.base import ANY_CASE, END, START, Recognizer


def _token(pattern: str, *hints: str) -> Recognizer:
    return Recognizer("TOKEN", Expression(START + pattern), hints=hints)


_UUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_BEGIN = r"-{2,5}[ ]?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?[ ]?-{2,5}"
_END = r"-{2,5}[ ]?END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?[ ]?-{2,5}"
# What stands in a key's block: lines of base64, their headers, line ends that were escaped, signs of quoted mails.
_LINES = (
    r"(?:(?:\\{1,4}[rn]|[\r\n])[ \t>|\"'+,]{0,12}"
    r"(?:(?:Proc-Type|DEK-Info|Comment|Version|Hash|Charset|MessageID): ?[^\r\n\\]{0,120}"
    r"|[A-Za-z0-9+/=]{0,128})){0,2000}"
)

# Shapes that the vendors publish for secret scanning (GitHub's list of supported secrets, gitleaks' rules).
RECOGNIZERS = (
    _token(r"gh[pousr]_[A-Za-z0-9]{30,255}", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    _token(r"github_pat_[A-Za-z0-9_]{22,255}", "github_pat_"),
    _token(r"gl(?:pat|dt|rt|rtr|ptt|cbt|oas|soat|imt|agent|ffct|ft)-[\w.-]{20,255}(?<!\.)", "gl"),
    _token(r"(?:glrtr|GR1348941)[\w-]{20,255}", "gr1348941", "glrtr"),
    _token(r"xox[abeoprs](?:\.xox[bp])?-[\w-]{10,255}", "xox"),
    _token(r"xapp-\d-[\w-]{10,255}", "xapp-"),
    Recognizer(
        "TOKEN",
        Expression(
            r"(?:hooks\.slack\.com/(?:services|workflows|triggers)/|discord(?:app)?\.com/api/(?:v\d{1,2}/)?webhooks/"
            r"|webhook\.office\.com/webhookb2/|outlook\.office\.com/webhook/|api\.telegram\.org/(?:file/)?bot"
            r"|hooks\.zapier\.com/hooks/catch/|maker\.ifttt\.com/trigger/\w{1,64}/with/key/"
            r"|chat\.googleapis\.com/v1/spaces/)"
            r"(?P<value>[\w/@:.%?=&-]{16,512})(?<![.:?])"
        ),
        hints=("slack", "discord", "webhook", "telegram", "zapier", "ifttt", "googleapis"),
    ),
    _token(r"\d{8,10}:AA[\w-]{32,35}(?![\w-])", ":aa"),  # Telegram's bots
    _token(r"[MNO][\w-]{22,27}\.[\w-]{6}\.[\w-]{27,38}(?![\w-])", "."),  # Discord's bots
    _token(r"mfa\.[\w-]{80,100}", "mfa."),
    _token(r"(?:sk|rk|pk)_(?:live|test|prod)_[A-Za-z0-9]{10,255}", "_live_", "_test_", "_prod_"),
    _token(r"whsec_[A-Za-z0-9+/=]{20,255}", "whsec_"),
    _token(r"sk-(?=[A-Za-z0-9_-]{0,60}\d)[A-Za-z0-9_-]{20,255}", "sk-"),  # OpenAI, Anthropic, DeepSeek, OpenRouter
    _token(r"AIza[\w-]{35}", "aiza"),
    _token(r"(?:ya29\.[\w-]{20,1024}|1//0[\w-]{30,200}|GOCSPX-[\w-]{20,40})", "ya29.", "1//0", "gocspx-"),
    _token(r"\d{6,14}-[a-z0-9]{32}(?=\.apps\.googleusercontent\.com)", "googleusercontent"),
    _token(r"AAAA[\w-]{7}:[\w-]{140}", "aaaa"),  # Firebase's cloud messages
    _token(
        r"(?:npm_[A-Za-z0-9]{36}|pypi-[\w-]{40,1024}|(?:hf|api_org)_[A-Za-z0-9]{30,64}|rubygems_[a-f0-9]{48}"
        r"|oy2[a-z0-9]{43}|CLOJARS_[a-z0-9]{60}|dckr_(?:pat|oat)_[\w-]{20,64}|cio[A-Za-z0-9]{32})",
        *("npm_", "pypi-", "hf_", "api_org_", "rubygems_", "oy2", "clojars_", "dckr_", "cio"),
    ),
    _token(r"SG\.[\w-]{16,32}\.[\w-]{16,64}", "sg."),
    _token(r"(?:AC|SK|PK)[0-9a-f]{32}" + END, "ac", "sk", "pk"),
    _token(r"(?:pub)?key-[0-9a-f]{32}" + END, "key-"),
    _token(r"[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}" + END, "-"),
    _token(r"[0-9a-f]{32}-us\d{1,2}" + END, "-us"),
    _token(r"(?:xkeysib|xsmtpsib)-[a-f0-9]{64}-[A-Za-z0-9]{16}", "sib-"),
    _token(r"(?:dop|doo|dor)_v1_[a-f0-9]{64}", "_v1_"),
    _token(r"shp(?:at|ca|pa|ss|tka)_[A-Fa-f0-9]{32}", "shp"),
    _token(r"(?:EAAA[\w-]{60}|sq0(?:atp|csp|idp)-[\w-]{22,43})", "eaaa", "sq0"),  # Square
    _token(r"EAA[A-Z][A-Za-z0-9]{80,400}", "eaa"),  # Meta
    _token(r"(?:ATATT3|ATCTT3|ATBB|ATOA|ATSTT)[\w=-]{20,255}", "at"),  # Atlassian, Bitbucket
    _token(r"00[\w-]{40}(?![\w-])", "okta", "ssws"),
    _token(r"(?:v1\.0-[a-f0-9]{24}-[a-f0-9]{146}|cf(?:ut|at|k)_[\w-]{36,60})", "v1.0-", "cfut_", "cfat_", "cfk_"),
    _token(r"HRKU-[\w-]{30,80}", "hrku-"),
    _token(r"(?:NRAK-[A-Z0-9]{27}|NRJS-[a-f0-9]{19}|NRI[IQ]-[\w-]{32}|[a-f0-9]{36}NRAL|NRRA-[a-f0-9]{42})", "nr"),
    _token(r"dd(?:p|a|w)_[A-Za-z0-9]{32,42}", "dd"),  # Datadog
    _token(
        r"(?:sntry[su]_[A-Za-z0-9+/=_]{30,400}|PMAK-[a-f0-9]{24}-[a-f0-9]{34}|lin_(?:api|oauth)_[A-Za-z0-9]{32,64}"
        r"|(?:ntn|secret)_[A-Za-z0-9]{40,50}|figd_[\w-]{30,60}|phc_[A-Za-z0-9]{30,60}|phx_[A-Za-z0-9]{30,60}"
        r"|glc_[A-Za-z0-9+/=]{32,400}|glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}|dt0[a-z]\d\d\.[A-Z0-9]{24}\.[A-Z0-9]{64}"
        r"|dapi[a-f0-9]{32}(?:-\d)?|pul-[a-f0-9]{40}|dp\.(?:pt|st|ct|sa)\.[\w.]{40,64}|pscale_(?:tkn|oauth"
        r"|pw)_[\w.=-]{32,64}"
        r"|(?:hvs|hvb|hvr)\.[\w-]{24,300}|[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{60,70}|tfp_[\w-]{30,60}|(?:fo1"
        r"|fm[12][ar]?)_[\w+/=-]{40,400}"
        r"|sha256~[\w-]{43}|AKCp[A-Za-z0-9]{60,80}|cmVmd[A-Za-z0-9]{59}|eyJrIjoi[A-Za-z0-9=]{30,400}|sqp_[a-f0-9]{40}"
        r"|sq[ua]_[a-f0-9]{40}|pat\.[\w-]{22}\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{20}|pat[A-Za-z0-9]{14}\.[a-f0-9]{64}"
        r"|pat-(?:na|eu)\d-[\w-]{36}|API-[A-Z0-9]{26}|LTAI[A-Za-z0-9]{12,24}|AKID[A-Za-z0-9]{32}|duffel_(?:test"
        r"|live)_[\w=-]{43}"
        r"|FLWSECK(?:_TEST)?-[A-Za-z0-9-]{12,40}|rdme_[a-z0-9]{70}|shippo_(?:live|test)_[a-f0-9]{40}"
        r"|EZ[AT]K[A-Za-z0-9]{54}"
        r"|sl\.[\w-]{100,1400}|A3-[A-Z0-9]{6}-[A-Z0-9-]{25,40}|ops_eyJ[\w+/=-]{100,1500}|AGE-SECRET-KEY-1[A-Z0-9]{58}"
        r"|pplx-[A-Za-z0-9]{40,64}|gsk_[A-Za-z0-9]{40,64}|xai-[A-Za-z0-9]{60,100}|r8_[A-Za-z0-9]{30,60}"
        r"|nvapi-[\w-]{50,80}"
        r"|sbp_[a-f0-9]{40}|sb_(?:secret|publishable)_[\w-]{20,60}|vc[pkr]_[A-Za-z0-9]{24,64}|nfp_[A-Za-z0-9]{36,60}"
        r"|rnd_[A-Za-z0-9]{28,40}"
        r"|ABSK[A-Za-z0-9+/=]{100,300}|bedrock-api-key-[\w+/=-]{20,1500}|sk\.eyJ[\w.-]{40,200}|live_[a-f0-9]{35}"
        r"|tskey-[a-z]{3,10}-[\w-]{15,60}"
        r"|bkua_[a-f0-9]{40}|CCIPAT_\w{20,80}|ccipat_\w{20,80}|keyring_[a-f0-9]{30,80}|dG9rO[A-Za-z0-9+/=]{40,80})"
    ),
    _token(r"[A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.-]{31,34}", "q~"),  # Azure's applications
    Recognizer(  # Azure's: a mark that tells the service stands in the key
        "TOKEN",
        Expression(
            r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{33,76}(?:AzFu|AzSe|APIM|ACDb|AIoT|AzCa|\+ASt|\+AMC)"
            r"[A-Za-z0-9+/]{5,8}={0,2}"
        ),
        hints=("azfu", "azse", "apim", "acdb", "aiot", "azca", "+ast", "+amc"),
    ),
    Recognizer(
        "TOKEN",
        Expression(r"https://(?P<value>[0-9a-f]{32})(?::[0-9a-f]{32})?@[\w.-]{0,60}sentry"),
        hints=("sentry",),
    ),
    Recognizer(
        "TOKEN",  # Heroku's, Snyk's and others' keys look like any object's id: only behind their names
        Expression(
            r"(?<![A-Za-z0-9])(?:heroku|snyk|sendbird|kucoin|messagebird|plaid|hubspot|hapi|postmark|loggly|logdna"
            r"|rollbar|clickup"
            rf"|instrumentation)[\w .-]{{0,30}}[\"']?[ \t]{{0,3}}(?:[:=]{{1,2}}"
            rf"|is)[ \t]{{0,3}}[\"']?(?P<value>{_UUID})(?![\w-])",
            ANY_CASE,
        ),
        hints=("-",),
    ),
    # JSON Web Tokens, signed and encrypted; a part alone is a JSON object all the same.
    _token(r"eyJ[\w-]{10,16384}(?:\.[\w-]{0,16384}){0,4}", "eyj"),
    Recognizer(
        "TOKEN",  # AWS's session tokens
        Expression(r"(?<![A-Za-z0-9+/])(?:FwoG|IQoJ|AQoD|FQoG)[A-Za-z0-9+/=]{80,4096}"),
        hints=("fwog", "iqoj", "aqod", "fqog"),
    ),
    Recognizer(
        "TOKEN",
        Expression(START + r"(?:bearer|basic)[ \t]{1,3}(?P<value>[A-Za-z0-9._~+/=-]{16,4096})", ANY_CASE),
        technical_checks.is_secret,
        ("bearer", "basic"),
    ),
    # To the block's end, or as far as its lines go where it was cut short.
    Recognizer(
        "KEY",
        Expression(rf"{_BEGIN}(?:{_LINES}[ \t>]{{0,4}}{_END}|[^-]{{0,20000}}{_END}|{_LINES})"),
        hints=("private key",),
    ),
    Recognizer(
        "KEY",  # PuTTY's
        Expression(r"Private-Lines: \d{1,3}(?P<value>(?:[\r\n]{1,2}[A-Za-z0-9+/=]{1,64}){1,200})"),
        hints=("private-lines",),
    ),
    Recognizer(
        "USERNAME",  # the remark behind a public key: ssh-rsa AAAA… jane@laptop
        Expression(
            r"(?:ssh-(?:rsa|ed25519|dss)|ecdsa-sha2-\w{1,12})[ ]AAAA[A-Za-z0-9+/=]{20,1200}[ ]"
            r"(?P<value>[\w.-]{1,64}@[\w.-]{1,64})"
        ),
        hints=(" aaaa",),
    ),
)
