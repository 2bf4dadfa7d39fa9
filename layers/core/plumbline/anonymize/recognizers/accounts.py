"""User names behind a key, in command lines and logs, and in the paths of home folders."""

from plumbline.anonymize import checks, technical_checks
from plumbline.anonymize.expressions import Expression
from plumbline.anonymize.recognizers.base import ANY_CASE, START, Recognizer

_USER = r"\w[\w.@+$-]{0,62}\w"
_IS = r"\\?[\"'`\])]{0,2}[ \t]{0,20}(?::?={1,2}>?|:|->)[ \t]{0,20}\\?[\"'`]?(?:[\w.-]{1,30}\\{1,2})?"
_NAME_IN_PATH = r"[^\s\\/:*?\"'<>|\[\](){},;`]"
# Folders with a name in a language of Windows; "Users" is what the others are on disk.
_HOMES = (
    r"(?:Users|Documents and Settings|Benutzer|Utilisateurs|Usuarios|Utenti|Usu[aá]rios|Gebruikers|home|profiles\$?)"
)

RECOGNIZERS = (
    Recognizer(
        "USERNAME",  # username: x, dbUser = "x", DB_USER=x, User ID=x;, "login":"x", Account Name:  x
        Expression(
            rf"{START}(?:[a-z0-9_.-]{{0,40}}?(?:user[ _-]?name|user[ _-]?id|login[ _-]?(?:name|id)|sign-?in name"
            rf"|log-?on"
            r"[ _-]?(?:name|id)|account[ _-]?name|screen[ _-]?name|samaccountname|userprincipalname|usr)"
            r"|[a-z0-9.]{1,30}[_.-](?:user|login)|(?:db|database|sql|ftp|ssh|smtp|imap|ldap|proxy|admin|api|auth"
            r"|remote|os"
            r"|mail|pg|my|sys|app|jdbc|bind|mongo|redis|rabbit|git|current|target|source)user|uid|login|utilisateur"
            r"|benutzer(?:name)?|usuario|gebruikersnaam|logname)"
            rf"{_IS}(?P<value>{_USER})(?![\w(\[@]|[.+$-]\w)",
            ANY_CASE,
        ),
        hints=("user", "login", "logon", "sign", "account", "name", "uid", "usr", "usu", "utilisateur", "benutzer"),
        around=technical_checks.is_account,
    ),
    Recognizer(
        "USERNAME",  # my username is x
        Expression(
            rf"{START}(?:user[ _-]?(?:name|id)|login(?:[ _-]?(?:name|id))?|sign-?in name)[ \t]{{1,3}}(?:is"
            rf"|was)[ \t]{{1,3}}"
            rf"[\"'`]?(?P<value>{_USER})",
            ANY_CASE,
        ),
        checks.is_user,
        ("user", "login", "sign"),
    ),
    Recognizer(
        "USERNAME",  # user=x, "user": "x", create user 'x'
        Expression(
            rf"{START}(?:user(?:\\?[\"'\]])?[ \t]{{0,2}}(?:[=:]{{1,2}}|=>)[ \t]{{0,2}}\\?[\"'`]?"
            rf"|(?:create|alter|drop) user (?:if (?:not )?exists )?[\"'`])(?P<value>{_USER})(?![\w(\[@]|[.+$-]\w)",
            ANY_CASE,
        ),
        hints=("user",),
        around=technical_checks.is_account,
    ),
    Recognizer(
        "USERNAME",  # 'x'@'localhost' of MySQL
        Expression(r"[\"'`](?P<value>[\w.+-]{2,64})[\"'`]@[\"'`][\w.%:-]{1,255}[\"'`]"),
        checks.is_user,
        ("'@'", '"@"', "`@`"),
    ),
    Recognizer(
        "USERNAME",  # what servers write: Failed password for x from …, session opened for user x, login failed for "x"
        Expression(
            r"(?:(?:failed|accepted)[ ][\w/-]{1,30}[ ]for[ ](?:invalid[ ]user[ ])?|(?:invalid|illegal"
            r"|unknown)[ ]user[ ]"
            r"|(?:connection (?:closed|reset) by|disconnected from)[ ](?:invalid |authenticating )?user[ ]"
            r"|session[ ](?:opened|closed)[ ]for[ ]user[ ]|for[ ](?:user|role|account|login)[ ](?=[\"'`])"
            r"|(?:user|role|login|account)[ ](?=[\"'`][\w.@+\\-]{2,64}[\"'`][ ](?:does|is|has|was|cannot|not|could"
            r"|failed|denied))"
            r"|ruser=|(?<=[ ;])USER=|acct=)[\"'`]?(?:[\w-]{1,30}\\{1,2})?(?P<value>[\w.+$-]{2,64})(?![\w(@])",
            ANY_CASE,
        ),
        hints=("user", "role", "login", "account", "ailed", "accepted", "acct="),
        around=technical_checks.is_account,
    ),
    Recognizer(
        "USERNAME",  # ssh x@host, psql -U x, mysql -u x, sudo -u x, su - x, chown x:group
        Expression(
            r"\b(?:(?:ssh|scp|sftp|rsync|ssh-copy-id|mosh)\b[^\n"
            r"|;&]{0,120}?[ ](?P<value>[\w.-]{2,64})(?=@[\w.-]{2,255}(?![\w.-]*@)))"
        ),
        checks.is_user,
        ("ssh", "scp", "sftp", "rsync", "mosh"),
    ),
    Recognizer(
        "USERNAME",
        Expression(
            r"\b(?:(?:psql|pg_dump|pg_restore|createdb|mysql\w{0,8}|mariadb|sudo|docker login|sqlcmd|smbclient"
            r"|snowsql)\b"
            r"[^\n|;&]{0,120}?[ ](?:-[uU][ ]?|--user(?:name)?[= ])|su[ ]-[ ]|(?:useradd|usermod|userdel|adduser"
            r")[ ](?:-\w{1,3}[ ]){0,3})[\"']?(?P<value>[A-Za-z_][\w.-]{1,62})(?![\w(@:%])"
        ),
        hints=(
            "psql",
            "pg_",
            "createdb",
            "mysql",
            "mariadb",
            "sudo",
            "docker",
            "sqlcmd",
            "smbclient",
            "snowsql",
            "su -",
            "user",
        ),
    ),
    Recognizer(
        "USERNAME",  # jane@web01:~$ and [jane@web01 ~]#
        Expression(
            r"(?:^|(?<=\n))(?:\([\w.-]{1,40}\)[ ])?\[?(?P<value>[a-z_][\w.-]{1,31})@[\w.-]{2,64}"
            r"(?::[^\s#$%]{0,120}[#$%]|[ ][^\s\]]{1,60}\][#$%])"
        ),
        checks.is_user,
        ("@",),
    ),
    Recognizer(
        "USERNAME",  # ACME\jane behind a word for an account
        Expression(
            r"\b(?:user|account|login|logon|owner|identity|as|by|for|run ?as|principal|credentials?)\b[\"']?[ \t]{0,2}"
            r"(?:name)?[\"']?[ \t]{0,2}[:=]?[ \t]{0,3}[\"'(]?(?!(?:NT|HK\w+|BUILTIN|IIS|NT AUTHORITY)\\)"
            r"(?-i:[A-Z][A-Za-z0-9-]{1,14})\\{1,2}(?P<value>[a-z][\w.-]{1,62})(?![\w\\(])",
            ANY_CASE,
        ),
        checks.is_user,
        ("\\",),
    ),
    # Home folders: the account's name is a person's more often than not. With spaces up to the next backslash.
    Recognizer(
        "USERNAME",
        Expression(
            rf"(?:(?<![A-Za-z])[A-Za-z]:|\\\\{{1,3}}[\w.$-]{{2,63}}|(?<!\w)(?=\\))(?:\\{{1,4}}|/){_HOMES}(?:\\{{1,4}}"
            rf"|/)"
            rf"(?P<value>{_NAME_IN_PATH}{{1,40}}(?:[ ]{_NAME_IN_PATH}{{1,40}}){{1,3}}(?=\\)|{_NAME_IN_PATH}{{2,64}})",
            ANY_CASE,
        ),
        hints=("\\", ":/"),
        around=technical_checks.is_home,
    ),
    Recognizer(
        "USERNAME",
        Expression(
            r"(?:(?:(?<![\w.~-])|(?<=-[A-Z]))/home/|/(?:var|export|usr|data|mnt|nfs|net|srv|private|root|chroot|\w{1,30}\.dir)/home/"
            r"|/Users/"
            r"|%2F(?:Users|home)%2F|%5CUsers%5C)"
            rf"(?P<value>{_NAME_IN_PATH}{{2,64}}?)(?=[\\/\s:\"'<>()\[\]{{}},;`%|]|[.?!]*(?:\s|$))"
        ),
        hints=("users", "home"),
        around=technical_checks.is_home,
    ),
    Recognizer("USERNAME", Expression(r"\b[ug]id=\d{1,10}\((?P<value>[\w.-]{2,32})\)"), checks.is_user, ("id=",)),
)
