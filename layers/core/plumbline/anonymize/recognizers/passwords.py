"""Passwords, passphrases and PINs: in configuration, code and connection strings, on command lines, in prose."""

import re

from plumbline.anonymize import checks, technical_checks
from plumbline.anonymize.expressions import Expression
from plumbline.anonymize.recognizers.base import ANY_CASE, START, Recognizer

# dbPassword, DB_PASS, admin_pwd …; "pass" alone only at the start of a word ("compass" is none).
_KEY = (
    # Not MySQL's "(using password: YES)", not a test log's "PASS: name".
    rf"{START}(?<!using )(?!pass[ \t]{{0,3}}:(?!=)[ \t]{{0,3}}[^\"'\\])"
    r"(?:[a-z0-9_.-]{0,40}?(?:password|passwd|passphrase|passcode|passwort|kennwort|contrase(?:n|ñ)a|wachtwoord)"
    r"|(?:[a-z0-9_.-]{0,40}[_.-]|db|user|my|root|admin|smtp|ftp|ssh|sql|proxy|mail|login)?(?:pwd|pass|pw"
    r"|pin(?:_?code)?)"
    r"|requirepass|masterauth|_auth|cloudera_pass|redis(?:cli)?_auth|snmp[ _-]?community|community)"
)
_IS = r"\\?[\"'`\])]{0,2}[ \t]{0,20}(?::?={1,2}>?|:|=>|->)[ \t]{0,20}"
# The word in the languages of Europe's and Asia's helpdesks.
_WORD = (
    r"(?:password|passwd|passphrase|pass ?code|pwd|pass ?word|passw|pw|passwort|kennwort|mot de passe|mdp"
    r"|contrase(?:n|ñ)a|clave|senha|palavra-passe|wachtwoord|has[lł]o|l[oö]senord|adgangskode|kodeord|passord|salasana"
    r"|heslo|jelsz[oó]|parol[aă]?|[sş]ifre|пароль|密码|密碼|パスワード|비밀번호|(?-i:PIN)|pin (?:code|number)|pin)"
)
_WORD_HINTS = (
    *("passw", "passp", "pass", "pwd", "pw", "kennwort", "mdp", "contrase", "clave", "senha", "wachtwoord", "has"),
    *("senord", "kode", "salasana", "heslo", "jelsz", "parol", "ifre", "пароль", "密", "パスワード", "비밀번호", "pin"),
)
_SAYS = (
    r"(?:[ \t]{1,3}(?:is|was|are|ist|lautet|war|est|es|è|é|er|är|je|to|sunt|este|has been (?:set|reset|changed) to"
    r"|(?:is|was) (?:now|currently|still|set to|reset to|changed to)|should be|will be|set to|now)[ \t]{0,2}:?"
    r"|[ \t]{0,3}[:\uff1a=]"
    r"|是|は)[ \t]{0,3}"
)
_PROSE_VALUE = r"[\"'`“”«]?(?P<value>[^\s\"'`,;<>“”«»]{4,128}?)(?=[\"'`,;“”»]|[.!?)]*(?:\s|$))"

RECOGNIZERS = (
    Recognizer(
        "PASSWORD",  # "password": "x", pass := "x", \"password\":\"x\", and SQL's IDENTIFIED BY 'x'
        Expression(
            rf"(?:{_KEY}{_IS}|identified by[ \t]{{1,3}}|with(?: encrypted)? password[ \t]{{1,3}})"
            r"(?P<quote>\\?[\"'`])(?P<value>(?:(?!(?P=quote))[^\n]){3,128})(?P=quote)",
            ANY_CASE,
        ),
        technical_checks.is_password,
        ("pass", "pwd", "identified by", "kennwort", "contrase", "wachtwoord", "pw", "pin", "auth", "community"),
    ),
    Recognizer(
        "PASSWORD",  # DB_PASS=x, and `password: x` when x ends the line or a remark follows
        Expression(
            rf"{_KEY}[ \t]{{0,20}}(?::?={{1,2}}>?|:(?=[ \t]{{0,20}}\S{{3,128}}[ \t]*(?:$|[#;]|//)))[ \t]{{0,20}}"
            r"(?P<value>[^\s\"'`,;<>&]{3,128})(?<![.)])",
            ANY_CASE | re.MULTILINE,
        ),
        technical_checks.is_bare_password,
        ("pass", "pwd", "kennwort", "contrase", "wachtwoord", "pw", "pin", "auth", "community"),
    ),
    Recognizer(
        "PASSWORD",  # <password>x</password>, <add key="DbPassword" value="x"/>, <property name="password">x<
        Expression(
            r"<(?:[a-z]{1,20}:)?[a-z0-9_.-]{0,40}?(?:password|passwd|passphrase|passcode"
            r"|pwd)(?:[ ][^<>]{0,100})?>"
            r"(?P<value>[^<>\n]{3,128})<",
            ANY_CASE,
        ),
        checks.is_password_value,
        ("pass", "pwd"),
    ),
    Recognizer(
        "PASSWORD",
        Expression(
            r"(?:key|name|id)[ ]{0,2}[=:][ ]{0,2}[\"'][a-z0-9_.:-]{0,40}?(?:password|passwd|passphrase"
            r"|pwd)[\"'],?\s{1,40}"
            r"(?:value|content)[\"']?[ ]{0,2}[=:][ ]{0,2}[\"'](?P<value>[^\"'\n]{3,128})[\"']",
            ANY_CASE,
        ),
        checks.is_password_value,
        ("pass", "pwd"),
    ),
    Recognizer(
        "PASSWORD",
        Expression(
            r"name=[\"'][a-z0-9_.:-]{0,40}?(?:password|passwd|passphrase|pwd)[\"']>(?P<value>[^<>\n]{3,128})<", ANY_CASE
        ),
        checks.is_password_value,
        ("pass", "pwd"),
    ),
    Recognizer(
        "PASSWORD",  # "my password is x", "password to the portal: x", "das Passwort lautet x"
        Expression(
            rf"(?<![\w-])(?<!using ){_WORD}(?:[ \t]{{1,3}}(?!(?:is|was|to|ist|est|es|set"
            rf"|reset)\b)[^\W\d_]{{1,15}}){{0,4}}"
            rf"{_SAYS}{_PROSE_VALUE}",
            ANY_CASE,
        ),
        hints=_WORD_HINTS,
        around=technical_checks.is_stated,
    ),
    Recognizer(
        "PASSWORD",  # "the PIN is 1234", "pin code: 1234"
        Expression(
            r"(?<!\w)(?:(?:pin|passcode|pass code|access code|unlock code|door code|otp|verification code|security pin"
            r"|one[- ]time (?:code|password)|2fa code|mfa code|lock code|gate code|alarm code|voicemail (?:code|pin))"
            r"(?:[ -]?(?:code|number))?|geheimzahl)"
            r"(?:[ \t]{1,3}(?:for|of|to|on|is|i|got|received|was|the|my)\b){0,3}[ \t]{0,2}[:=#]?[ \t]{0,3}[\"'(]?"
            r"(?P<value>\d{3,8}|\d{3}[ -]\d{3})(?![\w-]|[.:/]\d)",
            ANY_CASE,
        ),
        hints=("pin", "code", "otp", "password", "geheimzahl"),
    ),
    Recognizer(
        "PASSWORD",  # password hunter2, pwd "hunter2", password (hunter2): only what no word looks like
        Expression(
            r"(?<![\w-])(?<!using )(?:password|passwd|passphrase|passcode|pwd|passwort|kennwort)[ \t]{1,2}"
            r"[\"'`(\[“]?(?P<value>[^\s\"'`,;<>()\[\]“”]{4,64}?)(?=[\"'`,;)\]”]|[.!?]*(?:\s|$))",
            ANY_CASE,
        ),
        technical_checks.is_unlike_words,
        ("pass", "pwd", "pw", "kennwort"),
    ),
    Recognizer(
        "PASSWORD",  # log in with "x" as the password, set the password to x
        Expression(
            r"[\"'`“](?P<value>[^\s\"'`“”]{3,64})[\"'`”][ \t]{1,2}as[ \t]{1,2}(?:the|my|your|a|its|our)?[ \t]{0,2}"
            r"(?:new |temporary |default )?(?:password|pwd|passcode|passphrase|pin)\b",
            ANY_CASE,
        ),
        checks.is_password_value,
        (" as ",),
    ),
    Recognizer(
        "PASSWORD",  # user/pass: jane/hunter2, credentials jane:hunter2, login: jane / hunter2
        Expression(
            r"(?<!\w)(?:credentials?|creds|log-?in(?:s| details| data| info)?|user(?:name)?[ ]?(?:/|and|&|\+)[ ]?"
            r"(?:pass(?:word)?|pwd|pw)|access data|zugangsdaten)(?:[ ](?:are|is))?[ \t]{0,2}[:=]?[ \t]{1,3}"
            r"[\"'`]?\w[\w.@+-]{1,62}[\"'`]?[ ]?(?:/|:|\|)[ ]?[\"'`]?(?P<value>[^\s\"'`,;/]{4,64}?)"
            r"(?=[\"'`,;)]|[.!?]*(?:\s|$))",
            ANY_CASE,
        ),
        technical_checks.is_unlike_words,
        ("cred", "login", "log-in", "user", "access data", "zugang"),
    ),
    Recognizer(
        "PASSWORD",  # curl -u jane:x, --user jane:x, smbclient -U jane%x
        Expression(
            r"(?<![\w-])(?:-[uU][ ]?|--(?:proxy-)?user[= ])[\"']?[^\s:%\"']{0,64}[:%](?P<value>[^\s\"']{3,128})"
        ),
        technical_checks.is_bare_password,
        ("-u", "--user", "--proxy-user"),
    ),
    Recognizer(
        "PASSWORD",  # mysql -px, sshpass -p x, docker login -p x, --password x, redis-cli -a x, ldapsearch -w x
        Expression(
            r"\b(?:mysql\w{0,10}|mariadb(?:-\w{1,10})?)\b[^\n|;&]{0,200}?[ ]-p[\"']?(?P<value>[^\s\"';|&-][^\s\"';"
            r"|&]{2,127})"
        ),
        technical_checks.is_bare_password,
        ("mysql", "mariadb"),
    ),
    Recognizer(
        "PASSWORD",
        Expression(
            r"\b(?:(?:sshpass|docker login|podman login|helm registry login|az login|oc login|mongo(?:sh|dump|restore)?"
            r"|zip|unzip|7z|cqlsh)\b[^\n|;&]{0,200}?[ ]-[pP][ ]?|(?:redis-cli|rclone)\b[^\n|;&]{0,200}?[ ]-a[ ]"
            r"|ldap(?:search|modify|add|whoami)\b[^\n|;&]{0,200}?[ ]-w[ ]|(?:htpasswd|sqlcmd|bcp|isql)\b[^\n"
            r"|;&]{0,200}?[ ]-P[ ])"
            r"[\"']?(?P<value>[^\s\"';|&<$-][^\s\"';|&]{2,127})"
        ),
        technical_checks.is_bare_password,
        ("sshpass", "login", "mongo", "zip", "7z", "cqlsh", "redis-cli", "ldap", "htpasswd", "sqlcmd", "bcp", "isql"),
    ),
    Recognizer(
        "PASSWORD",  # --password x, /password:x, -Password x, pass:x of openssl, ConvertTo-SecureString "x"
        Expression(
            r"(?<![\w-])(?:--?[a-z0-9-]{0,30}(?:password|passwd|passphrase|pwd)(?:[ ]|=)|/(?:password|pass|pwd|p):"
            r"|-pass(?:in|out)?[ ]"
            r"pass:|ConvertTo-SecureString[ ](?:-String[ ])?)[\"']?(?P<value>[^\s\"'<$|&;-][^\s\"'|&;]{2,127})",
            ANY_CASE,
        ),
        technical_checks.is_unlike_words,
        ("pass", "pwd", "/p:", "securestring"),
    ),
    Recognizer(
        "PASSWORD",  # .netrc: login jane password x; a router's: username jane password 7 x, enable secret 5 x
        Expression(
            r"(?:\blogin[ \t]{1,3}\S{1,64}\s{1,8}password[ \t]{1,3}|\busername[ ]\S{1,64}(?:[ ]privilege[ ]\d{1,2})?[ ]"
            r"(?:password|secret)[ ](?:\d[ ])?|\benable[ ](?:secret|password)[ ](?:\d[ ])?"
            r"|\bsnmp-server[ ]community[ ])"
            r"(?P<value>\S{3,128})",
            ANY_CASE,
        ),
        technical_checks.is_unlike_words,
        ("login", "username", "enable", "community"),
    ),
    Recognizer(
        "PASSWORD",  # jdbc:oracle:thin:jane/x@…, sqlplus jane/x@db
        Expression(
            r"\b(?:oracle:(?:thin|oci):|sqlplus[ ](?:-\w[ ])?"
            r"|rman target[ ])\w{1,64}/[\"']?(?P<value>[^\s\"'@/]{3,128})@",
            ANY_CASE,
        ),
        hints=("oracle:", "sqlplus", "rman"),
    ),
)
