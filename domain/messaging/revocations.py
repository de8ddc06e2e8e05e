"""The sentences that plainly revoke, in English, Spanish and Polish, over folded text (`opt_out.read`)."""

import re
from typing import Literal

Language = Literal["en", "es", "pl", ""]

# Pieces of the sentences below: `lead` may stand before an imperative without changing it, `then` limits it in time.
_PIECES = {
    "<lead>": (
        r"(?:^|\b(?:please|pls|plz|plse|kindly|so|and|but|because|interested|person|number) )(?:(?:please|pls|plz|"
        r"plse|kindly|just|ok|okay|and|so|but|now|no|hi|hello|hey|also|again|sorry|mate|then|dear|sir|madam|guys|"
        r"thanks|guys|can you|could you|would you|will you|can u|could u|can you all|would you mind|i want you to|"
        r"i need you to|i would like you to|id like you to|you must|you need to|you have to|i said|i told you to|"
        r"i asked you to|told you to|i told you|asked you to|i have asked you to|ive asked you to|its time to|"
        r"not interested|im not interested|wrong number|for the last time|for gods sake|for the love of god|"
        r"seriously|literally) ){0,6}"
    ),
    "<contact>": (
        r"(?:text|txt|messag|messeng|msg|contact|call|ring|phon|e-?mail|bother|harass|spam+|pester|writ|annoy|hound|"
        r"disturb|sms|approach|solicit|respond|get in touch|reach out)"
    ),
    "<cease>": r"(?:sto+p+|quit|cease|desist|refrain|discontinue|halt)(?: and (?:desist|refrain))?(?: from| with)?",
    "<again>": (
        r"(?: (?:me|us|you|back|again|anymore|any more|any further|further|ever|please|pls|plz|at all|now|here|"
        r"thanks|thank you|or|and|"
        r"nor|directly|in any way|in future|in the future|from now on|<contact>e?l?(?:ing)?|on this (?:number|phone|"
        r"line)|this number|"
        r"this phone|my (?:number|phone|mobile|cell)|like this|with (?:this|these|offers)|for any reason|"
        r"immediately))*$"
    ),
    "<messages>": (
        r"(?:texts?|txts?|messages?|msgs?|sms(?:es)?|e-?mails?|calls?|spam|communications?|marketing|promotions?|"
        r"offers?|ads?|stuff)"
    ),
    "<then>": (
        r"\b(?:before|until|till|unless|after|while|during|when|at (?:work|night|home|\d)|yet|today|tomorrow|"
        r"tonight|on (?:mon|tue|wed|thu|fri|sat|sun)|between|this (?:week|morning|afternoon|evening)|next week)"
    ),
    "<escribir>": (
        r"(?:escrib(?:an|a|as|ais|ir(?:me|nos)?|irme)|mand(?:en|e|es|eis|ar(?:me)?)|envi(?:en|e|es|eis|ar(?:me)?)|"
        r"contact(?:en|e|es|eis|ar(?:me)?)|llam(?:en|e|es|eis|ar(?:me)?)|molest(?:en|e|es|eis|ar(?:me)?)|texte(?:en|"
        r"es|e|ar(?:me)?)|hablen|hables|hable|hablar(?:me)?|insistan|insista|insistas)"
    ),
    "<entonces>": (
        r"\b(?:antes|hasta|despues de|cuando|a las|hoy|manana|todavia|aun|por la (?:manana|tarde|noche)|mientras|"
        r"entre)\b"
    ),
    "<wtedy>": (
        r"\b(?:przed|po \d|po poludniu|po pracy|dopoki|kiedy|gdy|jutro|dzisiaj|dzis|jeszcze|w nocy|rano|wieczorem|"
        r"w pracy|miedzy)\b"
    ),
}


def _compile(sentence: str) -> re.Pattern[str]:
    for name in reversed(_PIECES):
        sentence = sentence.replace(name, _PIECES[name])
    return re.compile(sentence)


# Language, the sentence that revokes, and what in the same clause makes it mean something else.
_REVOCATIONS: tuple[tuple[Language, str, str], ...] = (
    (
        "en",
        r"<lead>(?:stop|quit|cease|end|refrain from)(?: with)?(?: \w+){0,2}? (?:these|the|this|all|your|any|those|"
        r"my)?(?: \w+){0,2}? ?<messages>\b(?! (?:at|to|from) (?!me|us|you|this|my))",
        r"\b(?:did|you) stop|\bcall (?:me|you|centre|center)\b|stop (?:by|at|in|over)|end of|end the call|my (?:ex|"
        r"boss)",
    ),
    (
        "en",
        r"<lead>(?:sto+p+|quit|cease|refrain from|not)(?: \w+ly)?(?: fucking| bloody| the| with the|"
        r" all)? <contact>(?:e|l|p)?ing\b(?!(?: me| him| her| them)? (?!(?:me|us|this|my|and|or|again|please|pls|"
        r"now|at once|immediately|altogether|completely|so|about|on|at|with|every|all|already|anymore|any|thanks|"
        r"thank|ok|right|you|i|im|the)\b)\w)",
        r"^while\b|<then>|\bmy (?:wife|husband|partner|mum|dad|son|daughter|boss)\b",
    ),
    (
        "en",
        r"<lead>(?:sto+p+|quit|cease) sending(?: me| us)?(?: (?:this|these|that|anything|things|shit|crap|your|any|"
        r"more|all|so many|the|me|stuff)\b|$)",
        r"<then>",
    ),
    (
        "en",
        r"(?:please|pls|plz|just|i said|told you to|asked you to|i want (?:this|it) to|want you to|you to|"
        r"need you to|make it|make this|can you|could you|must|no|interested) (?:stop|cease)(?: it| this| now| all|"
        r" please| pls| these| immediately| contact)*$",
        r"\b(?:bus|dont|do not|never|cant|you can|non) stop|how|train",
    ),
    (
        "en",
        r"<lead>(?:do not|dont|dnt|do nt|never|do no|not to) (?:you )?(?:ever |please |dare )?(?:<contact>(?:e|l)?|"
        r"send(?: any(?:thing)?| more| your| these| another)*(?: \w+)?|get in touch with|reach out to) (?:me|us|"
        r"this number|my (?:number|phone|mobile|cell)|this phone)\b",
        r"^why|\bme (?:back|up|out)? ?(?:sir|bob|honey|love|that|a |an )|send me (?:the|a|an|that|your) |forget to|"
        r"hesitate|<then>",
    ),
    (
        "en",
        r"<lead>(?:do not|dont|dnt|do nt|never|not|not to|(?:can|could|would|will) (?:you|u) (?:please )?not)(?: ever| "
        r"please| you| dare)* <contact>e?l?<again>",
        r"^(?:why|if)|<then>",
    ),
    (
        "en",
        r"<lead><cease>(?: (?:this|these|that|it|them|all|any|contact|now|immediately|please|at once|doing|further))*$|"
        r"<lead><cease>(?: all| any| the| from)* <contact>(?:e|l|p)?ing<again>",
        r"\b(?:bus|dont|do not|never|cant|you can|non|tram) stop|^how|train|<then>",
    ),
    (
        "en",
        r"\b(?:told|asked|asking|telling|begging|begged|want|need|warned)(?: (?:you|u|this|it|these|them|all|guys|"
        r"people|"
        r"before|already|again|twice|nicely|\w+ times))* to (?:stop|cease|desist|quit)(?: it| this| now| please)*$|"
        r"\bmake (?:it|this|these|them|the texts|the messages) stop\b",
        r"\b(?:bus|train|rain|draught|noise|leak)",
    ),
    (
        "en",
        r"\b(?:am|is|are|be|get|been|being)(?: \w+ly)? (?:removed|deleted|erased|unsubscribed|opted out|taken off|"
        r"wiped)"
        r"(?: (?:please|now|asap|immediately|(?:from|off)(?: of)? (?:this|here|it|everything)|(?:from|off|of)(?: "
        r"of)? (?:your|the|this|all|any) .{2,40}))*$|"
        r"\brequest(?:ing)? (?:the |my |a )?(?:removal|deletion|erasure)\b|\bright to (?:erasure|be forgotten)\b|"
        r"\bwrong (?:number|person)(?: please| pls)* (?:delete|remove)$",
        r"\b(?:old|wall|window|door|tree|kitchen|boiler|units?|tiles?|carpet|radiator|rubbish|waste|skip|be able)\b|"
        r"^(?:will|has|have|(?:can|could) (?!i |we |you |u )) ",
    ),
    (
        "en",
        r"\breport(?:ed|ing)? (?:you|u|this number|as spam|to the (?:ico|police|ofcom|fcc|ftc))\b|\bblocked and "
        r"reported\b|"
        r"\b(?:ill|i will|i am|im|ive|i have) (?:going to )?(?:be )?(?:block|blocked|blocking|sue|suing) (?:you|u|"
        r"this number)\b|"
        r"\b(?:this is|its|thats) (?:harassment|spam)\b",
        "",
    ),
    (
        "en",
        r"^how (?:do|can|to|would|could)(?: i| we| you)? (?:stop|unsubscribe|opt out|cancel|end|block|get (?:off|out "
        r"of))"
        r"(?: (?:getting|receiving|being sent|all|of|from))*(?: (?:these|this|the|your))?(?: <messages>| list)?$",
        "",
    ),
    (
        "en",
        r"\bno need to (?:contact|text|message|call) (?:me |us )?(?:again|anymore|any more|any further|further)",
        "",
    ),
    (
        "en",
        r"\bi (?:do not|dont|no longer|never) (?:\w+ )?(?:want|wish|like|care|need|agree|consent)(?: to)? "
        r"(?:(?:receive|get|"
        r"see|have)(?: (?:any(?:thing)?|these|this|them|more|further|it|from (?:you|u)))+$|(?:be|"
        r"get|receive|receiving|getting|keep|hear|have|see)\b.{0,25}?(?:contacted|texted|messaged|called|bothered|"
        r"from you|<messages>)\b|(?:any(?: more)?|more|your|these|this|further|you to|u to) ?(?:\w+ )?(?:<messages>|"
        r"<contact>\w*)(?: me)?\b|contact\b)",
        r"miss|<then>|any more calls",
    ),
    (
        "en",
        r"<lead>(?:do not|dont|no longer|never) want (?:to )?(?:be|get|receive|hear|any|any more|more|your|"
        r"these)\b.{0,25}?(?:contacted|texted|messaged|from you|<messages>)\b",
        r"miss|<then>",
    ),
    (
        "en",
        r"\bi (?:hereby )?(?:withdraw|revoke|retract|take back)(?:ing)? (?:my |any |all )?(?:consent|permission)|"
        r"\bi (?:do not|dont|did not|didnt|never|no longer) (?:consent|consented|give (?:you )?(?:my )?(?:consent|"
        r"permission)|gave (?:you )?(?:my )?(?:consent|permission))\b",
        r"\bconsent form",
    ),
    (
        "en",
        r"(?:^|\b(?:please|pls|plz|to|you|u|be|and|kindly|just|want|like|should) )(?:take|get|remove|removed?|"
        r"delete|scrub|strike|drop|pull|erase|wipe|cross|scratch|deleted) ?(?:me|us|my (?:\w+ )?(?:number|name|"
        r"phone|cell|details|info|information|data|contact|mobile)|this number|this phone|number|"
        r"the number)?(?: and my \w+)? (?:off|from|out of|of)(?: of)? (?:(?:your|ur|the|this|that|any|all|whatever|"
        r"every|these|our) )?(?:\w+ ){0,2}?(?:lists?|databases?|systems?|records|contacts?|files?|books?|campaigns?|"
        r"crm|marketing|mailings?|mailing|subscription|texts?|messages|distribution|group)\b",
        r"\bwaiting list|wish list|price list|hold|guest list",
    ),
    (
        "en",
        r"<lead>(?:i want (?:to be )?off (?:this|your|the) list|take me off|"
        r"remove me|(?:remove|delete|lose|forget|erase|get rid of|scrub|wipe) (?:my|"
        r"this) (?:\w+ )?(?:number|phone|details|info|information|data|contact(?: details| info)?|"
        r"name)(?: and \w+)?)(?: please| pls| now| thanks| thank you| immediately| asap| at once| everywhere|"
        r" completely)*$",
        r"dont|do not",
    ),
    (
        "en",
        r"^(?!.*\b(?:didnt|did i|dont|never|not|how many|by accident|if i|i had)\b).*\b(?:unsubscribe|unsub)(?: me|"
        r" us| this| my| from| please| now| number| from this| to)*\b",
        r"\bnewsletter\b.*\bi\b|\bfrom the e ?mails\b|unsubscribe from (?:netflix|spotify|youtube)",
    ),
    (
        "en",
        r"^(?!.*\b(?:didnt|did i|dont|never|not|if i|i had|already opted)\b).*\bopt(?:ing)?(?: me|"
        r" us)? out\b(?! of (?!(?:this|these|all|your|receiving|texts|messages|sms|marketing|further|any)\b))",
        "",
    ),
    (
        "en",
        r"(?<!dont )(?<!don't )(?<!not )(?<!never )\bleave (?:me|us) (?:the \w+ |tf )?(?:alone|be|"
        r"in peace)\b(?! with| for (?:a|one|two|five|\d))|^(?:just |please )?(?:go away|get lost|shut up|f off|fuck "
        r"off|"
        r"piss off|sod off|bugger off|bog off|do one|buzz off)\b",
        r"\bthe (?:kids|dog|cat)|\b(?:they|he|she|it|would|should)(?:ll)? (?:just )?leave",
    ),
    (
        "en",
        r"<lead>(?:no more|no further|no other|enough(?: of| with)?(?: the| these| your)?|i want no more|cut out|end|"
        r"cease|"
        r"cancel) (?:\w+ ){0,2}?(?:texts?|txts?|messages?|msgs?|sms|contact|spam|texting|messaging)\b",
        r"\b(?:left|today|on my|storage|lens|lenses|allowance|plan)\b",
    ),
    (
        "en",
        r"<lead>(?:cancel|end|stop|terminate) (?:my|this|the|all) (?:\w+ )?(?:subscriptions?|alerts|notifications|"
        r"sms alerts|service)(?: (?:to|for|of) (?:these|this|your|the|all)(?: <messages>)?)?$",
        "",
    ),
    (
        "en",
        r"\b(?:on|to) (?:your|the|a) (?:do not|dont|no) (?:contact|call|text|disturb)(?: list)?\b|"
        r"^(?:please )?do not (?:contact|call|text|disturb)(?: list)?$",
        r"\bare (?:you|we)\b",
    ),
    (
        "es",
        r"\b(?:no|ya no|nunca|jamas)(?: me| nos| mas)? (?:vuelv(?:an|a|as) a |quiero que (?:me |nos )?|"
        r"deseo que me |quiero |sigan |siga )?(?:me |nos )?(?:<escribir>|escribiendo(?:me)?|mandando(?:me)?|"
        r"enviando(?:me)?|molestando)\b(?! (?:el|la|un|una|los|las) (?!(?:mensaje|texto|sms)))",
        r"por que no|olvid|dud|problema|puedo|<entonces>|\bdej(?:en|es|e) de",
    ),
    (
        "es",
        r"\b(?:no|ya no|ningun) (?:quiero|deseo|quisiera|necesito)(?: mas)?(?: recibir| que me lleguen|"
        r" tener)?(?: mas| sus| estos| tus| ningun| de sus)* (?:mensajes?|textos?|sms|llamadas?|publicidad|correos|"
        r"contacto|comunicaciones|ser contactad[oa]|informacion de ustedes)\b|\bno mas (?:mensajes|textos|sms|"
        r"llamadas|publicidad)\b",
        r"<entonces>|no quiero perder",
    ),
    (
        "es",
        r"(?<!no )(?:\b(?:denme|deme|dame|darme|dadme|denos|darnos|dar|den|da|de)(?: me)? de baja(?: mi (?:numero|"
        r"telefono)| este numero)?(?: por favor| de (?:su|la|esta|tu|vuestra|sus) (?:\w+ )?(?:lista|base|mensajes|"
        r"sms)\w*| ya| inmediatamente| gracias)*$|\bsolicito (?:la |mi )?baja\b|\bquiero (?:la |mi )?baja\b|"
        r"\bpor favor baja$|^baja (?:por favor|inmediata|ya|del? (?:la |esta )?(?:lista|servicio))\b)",
        r"\bcomo|\bme di\b",
    ),
    (
        "es",
        r"(?<!no )(?:^|\b(?:por favor|favor|que|quiero|y|ya|pueden|podrian|puede|podria|les pido|"
        r"pido) )(?:me )?(?:dejen|deje|deja|dejad|dejar|parar|paren|pare|para|cesen|basta|"
        r"eviten)(?: ya)? de (?:<escribir>|enviarme|escribirnos|contactarme|llamarme|mandarme|molestarme|mandarnos|"
        r"tantos mensajes|mensajes)",
        r"<entonces>",
    ),
    (
        "es",
        r"(?<!no )(?:^|\b(?:por favor|favor|y|que|quiero que|pueden|podrian|ya) )(?:me )?(?:quitenme|quiteme|"
        r"quitame|quiten|saquenme|saqueme|sacame|saquen|borrenme|borreme|borrame|borren|borre|borrad|borra|"
        r"eliminenme|elimineme|eliminame|eliminen|elimine|elimina|quite|quita|remuevanme|retirenme|borrar|eliminar|"
        r"quitar)(?:$| (?:me )?(?:de|por favor|ya|mi|mis|este|del|inmediatamente)\b)",
        r"cuota|cargo|pedido|reserva|cita",
    ),
    (
        "es",
        r"\b(?:dejenme|dejeme|dejame|dejadme|dejennos) (?:en paz|tranquil[oa]|de molestar)|\b(?:retiro|revoco|"
        r"anulo) (?:mi|el) (?:consentimiento|permiso|autorizacion)|\b(?:cancel(?:en|e|a|ar)|anul(?:en|e|a|"
        r"ar)) (?:mi |la |esta )?(?:suscripcion|subscripcion)\b|\bdesuscrib(?:an|e|a|ir)me\b|^no molest(?:en|ar|e|"
        r"es)\b|\bno autorizo\b",
        "",
    ),
    (
        "es",
        r"\b(?:kit|quit)[ea]me\b.{0,12}\blista\b|\bno (?:me )?(?:envi|mand|escrib|llam|contact)\w+ mas\b|"
        r"\b(?:agradeceria|gustaria|preferiria) que no me\b|\b(?:voy a|les voy a) denunciar",
        r"<entonces>",
    ),
    (
        "pl",
        r"\b(?:usun|usuncie|skasuj|wykasuj|wywal)\w* (?:moj|moje|ten|mnie|mi)\b|\bzada(?:m|my) usuniecia\b|"
        r"\b(?:zglosze|zglaszam|ide|pojde) (?:to |was |sprawe )?(?:do|na) (?:uodo|uokik|policj\w+)|"
        r"\b(?:skoncz|skonczcie|dosc|koniec) (?:juz )?(?:z|tego|tym) (?:\w+ )?(?:spam\w*|sms\w*|wiadomosci\w*|"
        r"pisani\w+)|"
        r"\bjak (?:mam |moge )?(?:sie )?(?:z tego )?(?:wypisac|zrezygnowac)\b",
        r"",
    ),
    (
        "pl",
        r"(?<!nie )\b(?:przestac|przestan|przestancie|przestanie|przestanie pan|zaprzestac|skoncz|"
        r"skonczcie)(?: \w+){0,3}? (?:\w*pisac|pisania|\w*sylac|dzwonic|nekac|kontaktowac|spamowac|smsowac|meczyc|"
        r"niepokoic|zawracac|nagabywac)\b|\bprosze (?:juz )?przestac$|\bprosze o (?:zaprzestanie|niepisanie|"
        r"niewysylanie|niekontaktowanie|brak kontaktu|nie pisanie|nie wysylanie)",
        r"nie moge przestac|nie umiem przestac|<wtedy>",
    ),
    (
        "pl",
        r"(?:^|\b(?:prosze|i|juz|wiec|mnie|mi|aby|zeby|zebyscie) )(?:juz |wiecej |prosze |do mnie |mi |mnie |"
        r"ze mna |sie )*nie (?:juz )?(?:pisz|piszcie|pisac|piszcie juz|pisali|dzwon|dzwoncie|dzwonic|dzwonili|"
        r"wysylaj|wysylajcie|wysylac|wysylali|przysylaj|przysylajcie|przysylac|kontaktuj|kontaktujcie|kontaktowac|"
        r"nekaj|nekajcie|nekac|meczcie|smsujcie|spamuj|spamujcie|niepokoic|niepokoj|niepokojcie|zawracaj|"
        r"zawracajcie)\b",
        r"dlaczego|czemu|\b(?:napisz|zadzwon|smsa?|wiadomosc) (?:sms|raczej|zamiast|lepiej|prosze)|\b(?:lepiej|"
        r"raczej|tylko) (?:napisz|sms|pisz)|<wtedy>",
    ),
    (
        "pl",
        r"(?<!nie )\b(?:wypisz|wypiszcie|wypisac|skresl|skreslcie|skreslic|usun|usuncie|usunac|wykresl|wykreslcie|"
        r"wykreslic|wykasuj|wykasujcie|skasuj|skasujcie|wyrejestruj|wyrejestrujcie|wyrzuc|"
        r"wyrzuccie) (?:prosze )?(?:mnie|nas|ten numer|moj (?:\w+ )?(?:numer|kontakt|telefon)|moje (?:\w+ )?dane|"
        r"numer|sie|z (?:listy|bazy))|\b(?:usuniecie|wypisanie|wykreslenie|skreslenie|wyrejestrowanie) (?:mnie|"
        r"mojego|moich|numeru|nas|z|danych|tego)|\b(?:mnie|nas|moj numer) (?:wypisac|skreslic|usunac|wykreslic)\b|"
        r"\bchce sie wypisac|\bwypisuje sie",
        r"recept|szpital",
    ),
    (
        "pl",
        r"\b(?:zostaw|zostawcie|zostawic) (?:juz )?(?:mnie|nas) (?:juz )?(?:w spokoju)?|"
        r"\bdaj(?:cie)? mi (?:juz )?(?:swiety )?spokoj|^(?:odczepcie|odczep|odwalcie|odwal) sie|^spadaj(?:cie)?\b",
        r"wiadomosc|zostawcie mnie na",
    ),
    (
        "pl",
        r"\bnie (?:chce|zycze sobie|zyczymy sobie|chcemy)(?: juz| wiecej| od was| waszych| tych| zadnych| dostawac|"
        r" otrzymywac| miec| z wami)* (?:wiadomosci|smsow|sms-ow|smsy|sms|esemesow|kontaktu|telefonow|takich|reklam|"
        r"byc nekan\w|zebyscie|abyscie|spamu)|\brezygnuje z (?:subskrypcji|wiadomosci|smsow|sms|kontaktu|"
        r"otrzymywania|dalszych|waszych|tych)|\b(?:wycofuje|cofam|odwoluje) (?:\w+ )?zgode|"
        r"\bnie wyrazam (?:\w+ )?zgody|\b(?:koniec|dosc)(?: juz)? (?:z )?(?:tych |tymi |waszych )?(?:smsow|smsami|"
        r"wiadomosci|sms|esemesow|spamu)|\bwiecej nie (?:pisz|dzwon)\w*",
        r"<wtedy>",
    ),
)
SENTENCES = tuple(
    (language, _compile(sentence), _compile(unless) if unless else None) for language, sentence, unless in _REVOCATIONS
)
