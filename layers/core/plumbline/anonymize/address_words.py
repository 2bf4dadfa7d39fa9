"""The words that postal addresses of the world are made of. Lower case, without a full stop at the end.

Sources: Universal Postal Union, "Addressing systems"; USPS Publication 28, appendices B and C; Google's
libaddressinput for the shapes of postcodes; the countries' own names.
"""

from plumbline.anonymize.name_words import word_set

# Behind the name, sure: 12 Main Street.
STREETS = word_set(
    "street st road rd avenue ave av boulevard blvd lane ln crescent cres highway hwy parkway pkwy terrace expressway "
    "turnpike freeway mews esplanade marg nagar"
)
# Behind the name, but everyday or technical words, too: believed with a town, a unit or a phrase such as "lives at".
MAYBE_STREETS = word_set(
    "alley alleyway arcade bend bridge brook bypass causeway circle cir close common corner court ct courtyard cove "
    "coves "
    "creek crossing cross dale drive dr end estate estates extension ext fields flats ford forest fork gardens gate "
    "glen "
    "green grove harbor harbour haven heights hill hills hollow island isle junction key knoll lake landing lodge loop "
    "mall manor meadow meadows mill mills motorway mount mountain orchard oval overpass parade park pass passage path "
    "pike pines place pl plain plaza point port prairie promenade quay ranch ridge rise river route row run shore "
    "shores "
    "spring springs square sq station stream summit ter terr trace track trail tunnel underpass union valley via "
    "viaduct "
    "view village ville vista walk wall way well wells wharf wood woods yard chowk bazaar colony layout sector vihar"
)
# Before the name, sure: calle Mayor 5, 12 rue de la Paix, ul. Długa 3.
STREETS_FIRST = word_set(
    "rue chemin allée allées impasse boulevard faubourg ruelle lieu-dit résidence lotissement viale piazza piazzale "
    "vicolo contrada lungomare calle cll avda avenida paseo plaza carretera ctra travesía callejón jirón carrer "
    "passeig "
    "avinguda rúa plaça rua alameda travessa praça estrada rodovia ulica ul aleja aleje osiedle ulice náměstí námestie "
    "nám třída ulitsa ulitza prospekt улица ул вулиця вул проспект просп переулок пер бульвар бул площадь пл "
    "набережная "
    "шоссе jalan jl lorong rruga rr οδός λεωφόρος "
    "bulevardul șoseaua calea aleea splaiul jalan đường c/ v.le p.zza c.so"
)
MAYBE_STREETS_FIRST = word_set(
    "via corso largo strada rotonda traversa località frazione urbanización cañada pasadizo vial acceso "
    " borgo salita avenue ave av bd bld blvd place pl ch quai route rte square cours passage "
    "sentier carrera cra kr transversal diagonal calzada jr pasaje pje rambla ronda camino glorieta pza urb r beco al "
    "plac os skwer rondo trg str șos intrarea piața пр наб gang an am auf im zum zur unter in alte alter aan de het"
)
# Behind the name, with the number behind it: Váci utca 12, Storgata 5, Lai tn 3, Brīvības iela 7.
STREETS_LAST = word_set(
    "utca u út útja tér körút krt köz sétány straße strasse str weg platz allee gasse straat laan plein gate gata vei "
    "veg vej gade katu tie tee tänav tn mnt puiestee pst iela gatvė prospektas caddesi cad sokak "
    "soka\u011f\u0131 sok bulvar\u0131 "
    "mahallesi "
    "ulitsa prospekt terrasse põik road rd street st avenue ave boulevard blvd drive lane ulica utcája"
)
# Of those before the name: sure with a capital and a full stop (Av. Paulista 1578, Str. Eminescu 5).
SHORT_FIRST = word_set("av avda str bd bld pl șos cra urb al jl pza")
# Of those before the name: sure behind the number (12 avenue Victor Hugo).
NUMBERED_FIRST = word_set("avenue av ave boulevard bd bld quai")
# Ends of words that are streets with a number behind them. The first are sure in lower case, too.
SURE_ENDINGS = ("straße", "strasse", "straat", "gatan", "vägen", "katu", "utca", "strasze", "stræde", "gasse", "gracht")
ENDINGS = (
    *SURE_ENDINGS,
    *("str.", "weg", "platz", "allee", "damm", "ufer", "chaussee", "steig", "laan", "plein", "kade", "dijk", "singel"),
    *(
        "dreef",
        "steeg",
        "gata",
        "gaten",
        "väg",
        "gränd",
        "torget",
        "stigen",
        "allén",
        "backen",
        "veien",
        "vegen",
        "vei",
    ),
    *("veg", "vej", "gade", "allé", "torv", "plads", "plass", "kuja", "polku", "kaari", "aukio", "raitti", "vegur"),
    *("braut", "stræti", "stígur", "iela", "markt"),
)
MAYBE_ENDINGS = (
    "str",
    "ring",
    "hof",
    "pad",
    "gate",
    "tie",
    "parken",
    "ranta",
    "tori",
    "rinne",
    "park",
    "graben",
    "wall",
)
# Small words inside a street's or a town's name.
INSIDE = word_set(
    "de la le les du des d' l' del della dei degli delle di da do dos das e y i of the and den der dem am an im in "
    "upon "
    "sur sous aux au en les op het 't van von under on by st saint san santa sint zum zur"
)
# What stands before a number and leaves the street before it: Via Roma n. 10.
NUMBER_SIGNS = word_set("n nº n° no nr num número numéro numero № nro č čp д дом house")
# Of those below: they begin a street's name right before the word for it (12 New Road, 4 First Avenue).
NEW_STREETS = word_set("new old first last long two three four seven ten")
# Words that begin no street's name and no town, with or without a capital.
NO_NAMES = word_set(
    """
    i i'm i've my me you your we our us he she it its they the a an this that these those there here then than when
    where while who what which why how and or but so if as at by for from in into to with without not no yes all any
    some more most other another each every both few many much first last next new old is are was were be been am has
    have had do does did can could will would should may might must get got go going went see use used using please
    thanks thank regards cheers hi hello dear hey best sincerely phone tel telephone mobile cell fax email e-mail mail
    website web www http https contact subject date time sent re fw fwd on off about after before since until also only
    just still even now today yesterday tomorrow days day hours hour minutes minute seconds weeks week months month
    years year times time percent users user files file tabs tab bytes mb gb kb tb px ms version versions build
    windows firefox chrome mac linux android ubuntu java error errors step steps item items page pages line lines
    order ticket case issue note january february march april june july august september october november december jan
    feb mar apr jun jul aug sep sept oct nov dec monday tuesday wednesday thursday friday saturday sunday office desk
    hard usb ssd disk gear google dual single two three four five six seven eight nine ten one traffic bit
    """
)
COUNTRIES = (
    "afghanistan|albania|algeria|andorra|angola|argentina|armenia|australia|austria|azerbaijan|bahamas|bahrain|bangladesh"
    "|barbados|belarus|belgium|belize|benin|bhutan|bolivia|bosnia(?: and herzegovina)?|botswana|brazil|brunei|bulgaria"
    "|burkina faso|burundi|cambodia|cameroon|canada|cape verde|chad|chile|china|colombia|congo|costa rica|croatia|cuba"
    "|cyprus(?: \\((?:greek|turkish|anglicized)\\))?|czech republic|czechia|denmark|djibouti|dominican republic|ecuador"
    "|egypt|el salvador|england|eritrea|estonia|eswatini|ethiopia|faroe "
    "islands|fiji|finland|france|gabon|gambia|georgia"
    "|germany|ghana|gibraltar|great britain|greece|greenland|grenada|guatemala|guinea|guyana|haiti|honduras|hong kong"
    "|hungary|iceland|india|indonesia|iran|iraq|ireland|isle of man|israel|italy|ivory "
    "coast|jamaica|japan|jersey|jordan"
    "|kazakhstan|kenya|kosovo|kuwait|kyrgyzstan|laos|latvia|lebanon|lesotho|liberia|libya|liechtenstein|lithuania"
    "|luxembourg|macau|macedonia|madagascar|malawi|malaysia|maldives|mali|malta|mauritania|mauritius|mexico|moldova"
    "|monaco|mongolia|montenegro|morocco|mozambique|myanmar|namibia|nepal|(?:the )?netherlands|new zealand|nicaragua"
    "|niger|nigeria|north macedonia|northern ireland|norway|oman|pakistan|palestine|panama|paraguay|peru"
    "|(?:the )?philippines|poland|portugal|puerto rico|qatar|romania|russia(?:n federation)?|rwanda|san marino"
    "|saudi arabia|scotland|senegal|serbia|seychelles|sierra leone|singapore|slovakia|slovenia|somalia|south africa"
    "|(?:republic of |south )?korea|spain|sri lanka|sudan|suriname|sweden|switzerland|syria|taiwan|tajikistan|tanzania"
    "|thailand|togo|trinidad(?: and tobago)?|tunisia|turkey|türkiye|turkmenistan|uganda|ukraine|united arab "
    "emirates|uae"
    "|(?:the )?united kingdom|uk|u\\.k\\.|(?:the )?united states(?: of america)?|usa|u\\.s\\.a\\.|uruguay|uzbekistan"
    "|vatican city|venezuela|viet ?nam|wales|yemen|zambia|zimbabwe"
    "|deutschland|österreich|schweiz|suisse|svizzera|liechtenstein|españa|italia|belgique|belgië|nederland|danmark|norge"
    "|sverige|suomi|ísland|polska|česká republika|česko|slovensko|magyarország|românia|hrvatska|slovenija|srbija|eesti"
    "|latvija|lietuva|brasil|méxico|perú|panamá|россия|україна|беларусь|ελλάδα|κύπρος|日本|中国|대한민국"
)
US_STATES = (
    "AL|AK|AZ|AR|CA|CO|CT|DE|DC|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|NM|NY|NC|ND|OH|OK|OR|PA"
    "|RI|SC|SD|TN|TX|UT|VT|VA|WA|WV|WI|WY|PR|VI|GU|AS|MP|FM|MH|PW|AA|AE|AP"
)
STATES = f"{US_STATES}|ON|QC|BC|AB|MB|SK|NS|NB|NL|PE|YT|NT|NU|NSW|VIC|QLD|SA|TAS|ACT"
UNITS = (
    "apartment|apartamento|appartamento|piano|apartado|appartement|appt|apt|apto|suite|ste|unit|flat|floor|fl|room|rm|building|bldg|box|bte|studio"
    "|house|level|lvl|lot|penthouse|ph|shop|block|blk|tower|door|piso|puerta|pta|planta|esc|escalera|étage|bât(?:iment)?|esc(?:alier)?"
    "|int(?:erno)?|scala|lok(?:al)?|wohnung|whg|stock|etg?|stiege|top|tür|kv|кв|корп|стр|офис|д|dept|depto|interior|bloco|casa|sala"
    "|andar|bus|lgh|vån|leil|krs|emelet|em|ajtó|byt|daire|kat|sector|phase|plot|cabin|trailer|trlr|mailbox|pmb"
)
# The first digit of the postcodes of each state of the US.
ZIP_DIGITS = {
    state: digit
    for digit, states in enumerate(
        (
            "CT MA ME NH NJ PR RI VT VI AE",
            "DE NY PA",
            "DC MD NC SC VA WV",
            "AL FL GA MS TN AA",
            "IN KY MI OH",
            "IA MN MT ND SD WI",
            "IL KS MO NE",
            "AR LA OK TX",
            "AZ CO ID NM NV UT WY",
            "AK CA HI OR WA GU AS MP FM MH PW AP",
        )
    )
    for state in states.split()
}
# The last words of what introduces an address (my address is, lives at …).
INTRODUCE = word_set(
    "is was to at now on in au à en a na no der die the from are near of off \u0435 est ist es è é it for"
)
# The units that end a street's name before them.
UNIT_WORDS = word_set(
    "apt apartment suite ste unit flat room rm floor box bldg building studio house shop level lot block plot"
)
# The areas of the United Kingdom's postcodes.
POSTCODE_AREAS = word_set(
    "AB AL B BA BB BD BH BL BN BR BS BT CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL DN DT DY E EC EH EN EX FK FY "
    "G GL "
    "GU GY HA HD HG HP HR HS HU HX IG IM IP IV JE KA KT KW KY L LA LD LE LL LN LS LU M ME MK ML N NE NG NN NP NR NW OL "
    "OX PA PE PH PL PO PR RG RH RM S SA SE SG SK SL SM SN SO SP SR SS ST SW SY TA TD TF TN TQ TR TS TW UB W WA WC WD "
    "WF "
    "WN WR WS WV YO ZE"
)
