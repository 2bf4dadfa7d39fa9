"""Names that people go by on line: @mentions, profile links, nicknames and the accounts they say are theirs."""

import re

from plumbline.anonymize import checks, handle_checks
from plumbline.anonymize.expressions import Expression
from plumbline.anonymize.recognizers.base import ANY_CASE, Recognizer

_HANDLE = r"[^\W_](?:[\w.-]{0,62}\w)?|_[\w.-]{1,62}\w"
# The last word before the value must say whose name it is.
_SAYS = (
    r"(?:(?:user|account|screen|display|login|log-?in|sign-?in|profile|player|gamer|skype|discord|steam|github|gitlab"
    r"|twitter|instagram|insta|telegram|reddit|psn|xbox|epic|riot|forum|slack|mastodon|tiktok|snapchat|snap|linkedin"
    r"|facebook|okta|ldap|sso|ad|windows)[ _-]?(?:user[ _-]?)?(?:name|handle|nick(?:name)?|id|tag|login|account)"
    r"|(?:my|his|her|their|your)[ ]handle|nick(?:name)?|gamer[ ]?tag|battle[ ]?tag|user[ -]?id|alias|login|usuario"
    r"|nom d'utilisateur|utilisateur"
    r"|benutzername|nutzername|benutzer|gebruikersnaam|nome utente|nome de usu[aá]rio|usu[aá]rio|anv[aä]ndarnamn"
    r"|brukernavn|brugernavn|k[aä]ytt[aä]j[aä]tunnus|nazwa u[zż]ytkownika)"
)
_WHERE = r"(?:[ \t]{1,2}(?:on|in|at|for|there|here)[ \t][\w.-]{2,30}|[ \t]{1,2}(?:there|here))?"
_IS = (
    r"(?:[ \t]{0,2}[:=][ \t]{0,3}|[ \t]{1,2}(?:is|was|ist|es|est|è|é|on|er|är)[ \t]{1,3}:?[ \t]{0,2}"
    r"|[ \t]{1,2}(?=@))"
)
_SIGNED_IN = (
    r"(?:(?:signed|logged|signing|logging|log|sign|login|logs|logon)[ ]?(?:in|into|on|up)?|registered|authenticated"
    r"|connected|posting|goes|go|run|running|impersonat(?:e|ing)|su)"
)
_QUOTE = r"[\"'`«“<(]?@?"
_GREETING = (
    r"(?:hi|hello|hey|hiya|dear|thanks|thank[ \t]you|thx|cheers|cc|ping|greetings|welcome|howdy|hallo|hola|bonjour"
    r"|salut|ciao|ol[aá]|hej|moi|good[ \t](?:morning|day|evening|afternoon))"
)
_SITE = (
    r"(?:(?:www\.|m\.|mobile\.|old\.|[a-z]{2}\.)?"
    r"(?:(?:twitter|x|instagram|threads|twitch|soundcloud|vk|facebook|pinterest|tumblr|behance|dribbble|ko-fi"
    r"|patreon"
    r"|paypal|cash|venmo|gravatar|producthunt|hub\.docker|npmjs|codepen|replit|hackerone|keybase|t|telegram)"
    r"\.(?:com|io|tv|me|net|app|ee|gg)/|(?:github|gitlab|bitbucket|codeberg|gitee)\.(?:com|org)/"
    r"|(?:[a-z]{2,3}\.)?linkedin\.com/(?:in|pub)/|reddit\.com/u(?:ser)?/|steamcommunity\.com/id/"
    r"|(?:youtube|tiktok|medium|threads)\.(?:com|net)/@|stackoverflow\.com/users/\d{1,12}/"
    r"|pypi\.org/user/|npmjs\.com/~|hub\.docker\.com/u/|discord(?:app)?\.com/users/|launchpad\.net/~"
    r"|support\.mozilla\.org/(?:[a-z]{2,3}(?:-[a-z]{2,4})?/)?user/|news\.ycombinator\.com/user\?id=))"
)

RECOGNIZERS = (
    Recognizer(
        "USERNAME",  # @jane in prose; no scope (@types/node), call (@app.route(…)), e-mail or path, no @ of a log line
        Expression(
            r"(?:(?<=^)|(?<=[\s(\[,;:!?>*\"'/&+|-]))(?<![/\\]/)(?<!\w/)(?<!\w-)@"
            rf"(?P<value>(?=[^\W\d_]|_?\w*[^\W\d_]{{2}}){_HANDLE})(?![\w@/(={{\\~]|:[\w/]|-\w|\.\w|[ \t]*\{{)",
            re.MULTILINE,
        ),
        handle_checks.is_mention,
        ("@",),
        handle_checks.is_in_prose,
    ),
    Recognizer(
        "USERNAME",  # @jane@mastodon.example
        Expression(r"(?<![\w.@/])@(?P<value>\w[\w.-]{0,62}@(?:[a-z0-9-]{1,63}\.){1,4}[a-z]{2,24})(?!\w)", ANY_CASE),
        hints=("@",),
    ),
    Recognizer(
        "USERNAME",  # my nick is jane, discord: jane#1234, account name jane_d
        Expression(
            rf"(?<![\w./-]){_SAYS}{_WHERE}{_IS}{_QUOTE}(?P<value>{_HANDLE})(?:#\d{{4}}(?!\d))?(?![\w@/\\(])", ANY_CASE
        ),
        handle_checks.is_user_or_handle,
        (
            "name",
            "nick",
            "handle",
            "tag",
            "login",
            "id",
            "alias",
            "account",
            "usu",
            "utili",
            "nutzer",
            "ute",
            "na",
            "tunnus",
        ),
        handle_checks.is_said,
    ),
    Recognizer(
        "USERNAME",  # signed in as jane, registered here as jane
        Expression(
            rf"(?<![\w./-]){_SIGNED_IN}[ \t]{{1,2}}(?:(?:in|on|up|there|here|online)[ \t]{{1,2}})?as[ \t]{{1,2}}"
            rf"(?:(?:the[ \t])?user[ \t]{{1,2}})?{_QUOTE}(?P<value>{_HANDLE})(?![\w@/\\(])",
            ANY_CASE,
        ),
        handle_checks.is_handle_or_word,
        (" as ",),
        handle_checks.is_said,
    ),
    Recognizer(
        "USERNAME",  # user jdoe42, account j.doe, from user 'jdoe_1': only what no word of a language looks like
        Expression(
            r"(?<![\w./@=-])(?:user|account|member|username|login|customer|player|colleague)[ \t]{1,2}"
            rf"{_QUOTE}(?P<value>{_HANDLE})(?![\w@/\\(=:])",
            ANY_CASE,
        ),
        handle_checks.is_handle,
        ("user", "account", "member", "login", "customer", "player", "colleague"),
    ),
    Recognizer(
        "USERNAME",  # Hello jane.doe99, / thanks FredMcD! / cc jane_d
        Expression(
            rf"(?:^|(?<=[.!?>*(,;][ \t])|(?<=[\n>*]))[ \t]{{0,4}}{_GREETING}[ ,\t]{{1,3}}@?(?P<value>{_HANDLE})"
            r"(?=[\s,!:;.)\u2013\u2014-]|$)",
            ANY_CASE | re.MULTILINE,
        ),
        handle_checks.is_handle,
    ),
    Recognizer(
        "USERNAME",  # jane_d wrote:
        Expression(
            rf"^[ \t>*'\"]{{0,8}}@?(?P<value>{_HANDLE})[ \t]{{1,2}}(?:\[\[[^\]\n]{{1,40}}\|)?"
            r"(?:wrote|said|posted|writes|says|schrieb|a[ \t]écrit|escribió|ha scritto)\b",
            ANY_CASE | re.MULTILINE,
        ),
        handle_checks.is_handle,
        ("wrote", "said", "posted", "writes", "says", "schrieb", "crit", "escribi", "scritto"),
    ),
    Recognizer(
        "USERNAME",  # u/jane, /u/jane
        Expression(r"(?<![\w/.-])/?u/(?P<value>[A-Za-z0-9_-]{3,20})(?![\w/.-])"),
        checks.is_user,
        ("u/",),
    ),
    Recognizer(
        "USERNAME",  # add me: jane#1234; issue#1234 is none
        Expression(r"(?<![\w&/?=.#-])(?P<value>[^\W\d_][\w.]{1,31}#\d{4})(?![\w-])"),
        handle_checks.is_numbered_handle,
        ("#",),
        handle_checks.is_about_handles,
    ),
    Recognizer(
        "USERNAME",  # the page of a person: https://github.com/jane, not a repository
        Expression(
            rf"(?<![\w.-]){_SITE}@?(?P<value>[\w.%-]{{1,61}}\w)(?=[?#]|/?(?:[\s)\]>\"'`,;:!|]|\.(?:\s|$)|$))",
            ANY_CASE,
        ),
        handle_checks.is_profile,
        (".com/", ".io/", ".tv/", ".me/", ".net/", ".org/", ".app/", ".gg/"),
    ),
)
