"""Word lists that keep everyday and technical words from passing as names. Lower case."""


def word_set(text: str) -> frozenset[str]:
    """The text's words as a set."""
    return frozenset(text.split())


def means_something_else(word: str) -> bool:
    """Whether the word, or that of which it is the plural, is one of NOT_NAMES."""
    word = word.strip(".,'\u2019").casefold()
    return word in NOT_NAMES or word.removesuffix("s") in NOT_NAMES


def known_otherwise(words: list[str]) -> bool:
    """Whether a word says that this is no name; as a last name behind another word, an everyday word may be one."""
    *first, last = words
    if first and last.casefold() in EVERYDAY_WORDS:
        return any(map(means_something_else, first))
    return any(map(means_something_else, words))


# Words of support conversations that the model takes for persons (counted on real threads), and words that stand
# behind a greeting without being a name. A find that holds one of them is not believed.
NOT_NAMES = word_set(
    """
    firefox mozilla thunderbird chrome chromium edge safari opera bing google yahoo microsoft windows linux ubuntu
    fedora debian arch mac macos ios android samsung galaxy apple gmail facebook twitter netflix youtube amazon aws
    azure docker kubernetes jira github gitlab slack zoom teams word excel office adobe acrobat flash java javascript
    python rust scala ruby perl php node react angular vue json xml html css sql yaml http https url uri api sdk gui
    ui cli cpu gpu ram usb ssd pdf png csv ssl tls dns vpn ip wifi bluetooth mcafee norton avast malwarebytes
    kaspersky recaptcha captcha bitcoin adblock ublock zulip vim emacs bazel cargo cygwin llvm gcc cuda keras
    tensorflow pytorch numpy opencv box vec string integer int bool float null true self this that these those account
    admin administrator address agent app application apps article attachment background backup bank batch bookmark
    bookmarks browser browsers bug bugs build button bytes cache card case chat click client close code command
    compiler config configuration connection console content context convert cookie cookies core customer dashboard
    data database debug default demo dev device devices devtools devs disable display doc docs document download
    downloads draft driver edit email enable error errors event extension extensions fail failed feature file files
    fill filter find fix folder form format forum function generic goal graph group help helper history home host icon
    id image import inbox info install invoice issue issues item key keys kernel language laptop lib library line link
    list local lock log login logs lookup mail manager map memory menu message messages metadata min mobile mode model
    module mouse name network new note number object open option options order outlook output package page palette
    panel password payment phone ping play playground please plugin policy portal post preferences premium print
    privacy problem process product profile profiles project proof pros cons provider proxy query question queue
    receive record refund register release remove report repo request reset resolve restart result review root router
    run safe save scan schedule screen script search section security select send sender sequential server service
    session settings setup share shell sign signature site software source spam start status step stop store sync
    system tab table tabs task terminal test text theme thread ticket time token tool toolbar tools troubleshoot type
    uninstall unblind update updates upgrade usage user users value verify version video view virus visitor warning
    web website window regards thanks thank cheers sincerely hello hi auth custom customs reports standard standards
    tokens roles maps anonymous developer developers changelog nickname explorer exception benchmark trojan again all
    also am and any anybody anyone are but can could did do does everybody everyone folks for friend from gentlemen
    guys have here how however if in is it its ladies later lmk lol many maybe much my no not of ok okay on one or our
    sadly so some sorry sure support team the their there they to too unable very want was we well what when where
    which who why with would yes you your yours y'all community moderator moderators volunteer volunteers monday
    tuesday wednesday thursday friday saturday sunday january february march july august september october november
    december inc corp corporation ltd llc gmbh foundation university department dept purchasing accounting procurement
    """
)
# First and last names that are everyday words: outside a full name they count only as written, not in lower case.
EVERYDAY_WORDS = word_set(
    """
    amber angel april art ash autumn baker bell berry best bill bishop black blue bond brook brooks brown buck bush
    butler carpenter carter chance chase christian church clay cliff cole cook cooper crystal dale daisy dawn day dean
    dick drew earl eve faith field fisher flower forest foster fox frank free gene glen good gold grace grant gray
    green grove guy harmony hart hill holiday hope hunter iris ivy jack jade jay jewel joy june junior justice king
    lake lane law lily little long love mark marsh mason max may mercy miles miller misty moody moon morning nick
    noble norton page north park parks pat penny pepper perry person pierce pope porter potter powers price queen
    randy ray reed rich rob rock rocky rose ruby rush rusty sally savage scout sharp short singer skip small smart
    smith snow sony star steel stone storm strong sue summer summers sunny taylor terry tom trinity tripp turner
    violet wade walker wall walls ward waters weaver wells west white will winter wise wolf wood woods worth young
    """
)
# Frequent words that nobody is called: in small letters none of them is a name, not even behind a greeting, and as a
# capitalised word alone in a greeting ("Hi Everyone", "Thanks Again") it is none either.
COMMON_WORDS = word_set(
    """
    a about above absolutely access actually advance after afternoon ahead all alone along alot already alright always
    amazing an and another answer any anyhow anyway apologies appreciate appreciated around as ask asap at attached
    attn average aye back bad basically be because been before being below better big bit both boss bro broken brother
    buddy bunch bunches but by bye call called came cannot cant care chap cheer clearly close closed colleague
    colleagues come comment correct crash crashed crashes currently dear definitely description details desk different
    directly doc doctor done dont down dude during each early easy either else enough especially etc even evening ever
    every everyone everything evening exactly experts far fast fellow fellows few fine first fix fixed follow fool
    forward forwarded friendly friends from fully further gang gent gents girls given glad going gone gonna good
    goodbye got great greatly greets had half hand happy hard has haven having he heap heaps heavily here high his
    hopefully hot how huge i idea immediately indeed initially instead into is issue it its just keep kind kindly know
    known lad lads last late left less let like likely little loads long look looking lord lots love low luck madam
    made main mainly make man management maintainers mate mates maybe me mean meanwhile megs members men mentioned
    million millions mine mister more moreover most mostly mr mrs ms mum must my nah name near nearly need needed never
    new next nice night nobody none nope nor normally not nothing now obviously off often old once only onto oops other
    others otherwise out over own pal pals part past people per perfect perhaps plan please plus pointer possible
    possibly pretty previously probably properly quick quickly quite rather ready real really recently reader regard
    reply resolved respond response right same say says see seen seems sent several shall she short shortcuts should
    sir sister size slow so solution solved someone something sometimes soon speaking special specialist stay still
    stranger stuff such super sweet take talk tech technically thankfully thanx than thing things think thou though
    thought through thus till today together tomorrow ton tonight tons tried trouble true try trying two
    typically under unfortunately unless until up upon us usually various via view wait wanted way week weekend weird
    welcome went were while whole wish wished wishes within without wonderful word work worked working works world
    worse wow wrong ya yeah year yep yesterday yet yo yup
    aber alle allerseits auch bitte das der die ein eine gruesse guten herren ich ist kollegen leute lieber
    mit nicht noch oder schon sehr sie team und viel viele vielen von wir zusammen zu amigo amigos buenas buenos dias
    equipo gracias hola muchas noches por que señor señores señora tardes todos un beaucoup bien bonjour bonsoir
    chère équipe je la le les madame messieurs merci monsieur pour tous tout toute toutes vous a todos boa bom dia
    noite obrigada obrigado pessoal prezado prezados senhor senhora tarde você allemaal heer iedereen mevrouw buona
    buongiorno ciao grazie mille signor signora signore tutti
    """
)
# Written before a name, and part of it: it says what sex or rank somebody has.
TITLES = word_set(
    "mr mrs ms miss mx dr prof sir madam herr frau hr fr ing señor señora sr sra monsieur madame mme signor signora"
)
# Parts of names that point at nobody.
PARTICLES = word_set("da de del della den der di do dos du el la le van von bin ibn al zu ter ten")
