"""Word lists that keep everyday and technical words from passing as names. Lower case."""


def word_set(text: str) -> frozenset[str]:
    """The text's words as a set."""
    return frozenset(text.split())


def means_something_else(word: str) -> bool:
    """Whether the word, or that of which it is the plural, is one of NOT_NAMES."""
    word = word.strip(".,'\u2019").casefold()
    return word in NOT_NAMES or word.removesuffix("s") in NOT_NAMES


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
    december
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
# Parts of names that point at nobody.
PARTICLES = word_set("da de del della den der di do dos du el la le van von bin ibn al zu ter ten")
