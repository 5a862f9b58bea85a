"""What invented customers write. In: a random generator, an industry, a mood. Out: a text that names no unit yet.

A phrase is a template: `[a|b]` is a choice (it nests), `{item}` a slot that holds such a choice. The one rule: the
mood of a phrase survives whatever is done to it. Each variant of a plain complaint is negative in plain VADER, of
praise positive, of small talk neither; none of them speaks of injury, illness, discrimination or the law, because a
single post about those is a matter of its own. What is HARD is a complaint without a word that VADER knows.
"""

import re
from random import Random

# fmt: off
_ANYWHERE = {
    "minutes": "[20|25|30|35|40|45|50|55|65|70|80]",
    "clock": "[9|9:30|10|11:15|12|1 pm|2:30|quarter past 3|4|5:45|6 pm|half 7]",
    "amount": "[9|12|18|24|35|42|60|85|140|210] [euros|bucks|quid|dollars]",
    "awful": "[terrible|awful|horrible|dreadful|pathetic|appalling|horrendous]",
    "angry": "[angry|furious|annoyed|upset|frustrated|disappointed|irritated]",
    "break_off": "[lunch break|evening|morning|day off|Tuesday|afternoon|weekend]",
}
_NOUNS = {
    "restaurant": {"staff": "[waiter|waitress|server|manager|guy at the bar|hostess]", "desk": "[counter|bar|till]",
                   "item": "[burger|pasta|ramen|brunch plate|bean soup|fish taco plate|lasagne|salad|"
                           "flat white|set lunch]"},
    "retail": {"staff": "[cashier|assistant|manager|woman at the till|guy in electronics]",
               "desk": "[till|checkout|returns desk|service desk]",
               "item": "[kettle|rain jacket|blender|desk lamp|headset|pair of trainers|garden chair|printer|duvet]"},
    "bank": {"staff": "[teller|advisor|branch manager|clerk|man at window 2]", "desk": "[counter|window|front desk]",
             "item": "[new card|mortgage form|savings account|business loan|transfer|signature|standing order]"},
    "dealership": {"staff": "[salesman|service advisor|mechanic|manager|receptionist]",
                   "desk": "[service desk|front desk|reception]",
                   "item": "[brake service|wheel change|hatchback|set of tyres|yearly inspection|"
                           "gearbox job|windscreen|test drive]"},
    "hotel": {"staff": "[receptionist|night porter|concierge|housekeeper|duty manager]",
              "desk": "[reception|front desk|check-in desk]",
              "item": "[double room|suite|breakfast buffet|spa slot|late checkout|twin room|station pickup]"},
}

ASPECTS = {
    "restaurant": ("wait_time", "food_quality", "staff", "cleanliness", "billing"),
    "retail": ("wait_time", "product_quality", "staff", "availability", "billing"),
    "bank": ("wait_time", "digital", "staff", "billing"),
    "dealership": ("wait_time", "repair_quality", "staff", "billing"),
    "hotel": ("wait_time", "room", "staff", "cleanliness", "billing"),
}
"""What customers of an industry complain about."""

COMPLAINTS = {
    "wait_time": (
        "[waited|been waiting|stood] {minutes} minutes at the {desk}, [just|absolutely|such] {awful} service",
        "{minutes} min in line and [one person|nobody] at the {desk}. [Ridiculous|Pathetic|Awful], I'm so {angry}",
        "my slot was at {clock}, it's way past that and [I am|we are] still standing here. {awful} [timing|planning]",
        "how can a queue be this [bad|awful|horrible]? {minutes} minutes and counting, [worst|most annoying] "
        "visit ever",
        "gave up after {minutes} minutes at the {desk}. What a {awful} waste of my {break_off}",
        "the {staff} said five minutes, that was {minutes} minutes ago. {angry} and [late|tired] now",
        "the queue [is out the door|hasn't moved since {clock}] and everyone in it is {angry}. "
        "[Bad|Poor|Terrible] planning",
        "slow, slow, slow. {minutes} minutes for a {item}, [sad|pathetic|awful] really",
        "{minutes} minutes. For a {item}. [I hate this|I am {angry}|That is {awful}]",
    ),
    "food_quality": (
        "the {item} came out cold and tasted [bad|{awful}]",
        "{amount} for a {item} that was [disgusting|horrible|awful]",
        "worst {item} I've had [in years|this year|in this town], [soggy|burnt|bland|stale] and {awful}",
        "sent the {item} back twice, still raw in the middle. [Disgusting|Horrible|Awful]",
        "everything at our table was [cold|burnt|oversalted], kids {angry}, {item} {awful}",
        "whatever they did to the {item}, it tastes [bad|nasty|awful]. {angry}",
        "the {item} smelled [bad|nasty|awful] and the {staff} just shrugged. {awful}",
    ),
    "product_quality": (
        "the {item} was broken [after one day|when I opened the box|in the bag], {awful} quality",
        "bought a {item} for {amount}, [useless|broken] by {clock}. {angry}",
        "second {item} with the same [fault|defect|problem]. [Cheap rubbish|Poor|Bad quality], {awful} stuff",
        "the {item} [fell apart|stopped working] on day one and I feel [cheated|ripped off and {angry}|{angry}]",
        "[wrong|damaged] {item} in the box, [seal broken|parts missing], {awful}. Who checks these?",
        "worst {item} I ever paid {amount} for, [faulty|useless|damaged] out of the box",
    ),
    "repair_quality": (
        "picked the car up after the {item}, same [problem|fault] as before. {awful} [work|job]",
        "third time back for one {item} and it is worse than ever. {angry}",
        "they lost my keys during the {item}. LOST. I'm {angry}",
        "car came back from the {item} [scratched|damaged] and the {staff} [denied it|blamed me]. {awful}",
        "the {item} they did [failed|broke] on the way home. [Useless|Awful|Terrible] workshop",
        "warning light on again an hour after the {item}, {awful} work and I'm {angry}",
    ),
    "staff": (
        "the {staff} was [rude|so rude|arrogant] and [rolled their eyes|walked off|hung up]. {awful}",
        "asked one question at the {desk}, got a [nasty|rude|hostile] answer. {angry}",
        "first time I've been [ignored|insulted] like that by a {staff}. {awful} attitude",
        "[rude|arrogant|careless] {staff}, [bad|terrible|awful] attitude, I walked out",
        "the {staff} shouted at my mum over a {item}. [Shameful|Disgusting|Horrible]",
        "two of them chatting at the {desk} and we were just ignored. [Rude|Pathetic|Awful], I am {angry}",
        "why is the {staff} so rude? [Bad day or not|Busy or not], that was [insulting|horrible|awful]",
    ),
    "cleanliness": (
        "[sticky|filthy|dirty] [tables|floor|chairs], overflowing bins, [disgusting|horrible|awful]",
        "the toilets are [filthy|disgusting] and there is [dirty|nasty] water on the floor. {awful}",
        "found a hair [on my plate|on the towel|in the glass], [disgusting|gross and disgusting]. {angry}",
        "place was last swept at {clock} I guess, [dirty|filthy] and it [stinks|smells bad]",
        "dirty [glasses|cutlery|sheets|cups] twice in a row, that is {awful}",
        "it [stinks|stinks of old mop] in there, floor [filthy|dirty]. {awful}, we left",
    ),
    "billing": (
        "charged twice for one {item}, {amount} gone, [that is wrong|feels like a scam]. {angry}",
        "the bill is wrong AGAIN, {amount} too much and the {staff} got [rude|nasty] about it",
        "they charged {amount} for a {item} that somebody else had. [Dishonest|Shameful|Terrible]. {angry}",
        "[hidden fee|surprise fee] of {amount}, [unfair|dishonest|misleading and unfair], {awful} business",
        "wrong price at the {desk}, {amount} over, then they [refused|denied] everything. {awful}",
        "I was overcharged {amount} and feel [cheated|robbed]. {awful}, {angry}",
        "{amount} vanished on a {item} still to come. [Scam|Rip off], {angry}",
    ),
    "availability": (
        "drove over for the {item} you advertise and the shelf was empty. [Misleading|Annoying], {awful}",
        "{item} out of stock for the third time, {angry} and {minutes} minutes lost",
        "website says five {item} in stock, store says zero. {awful}, {angry}",
        "empty shelves everywhere, [sad|pathetic|awful]. Came for a {item}, left {angry}",
        "reserved a {item}, they sold it to somebody else. {awful}, I feel [cheated|{angry}]",
        "half the shelves bare and the {staff} blamed me for asking. {awful}",
    ),
    "digital": (
        "app is down since {clock}, can't do my {item}, [useless|terrible|awful]. {angry}",
        "the machine in the lobby ate my card and the error [message|screen] is useless. {angry}",
        "login fails, fails and fails. [Terrible|Awful|Horrible] app, {angry}",
        "the {item} failed three times, [error after error|same error each time]. {awful}",
        "both cash machines broken at {clock}. {awful}, I'm {angry}",
        "online banking lost my {item}, {awful}, and the {desk} has no clue",
    ),
    "room": (
        "the {item} we booked was [dirty|noisy|freezing] and smelled [bad|awful]. {angry}",
        "heating broken in our room, {staff} shrugged. {awful} night",
        "[walls like paper|lift grinding all night], two hours of sleep, {awful} room, {angry}",
        "given the wrong room, then a worse one. {awful}, worst stay [this year|of my life]",
        "shower broken, window broken, tv broken. {amount} for that? {awful}",
        "room was [a mess|filthy] at {clock}, bed unmade, {awful}. {angry}",
    ),
}
"""Plain complaints by aspect (a cause). Each industry's are those in ASPECTS."""

HARD = (
    "still at the {desk}, {minutes} minutes now", "{minutes} minutes for a {item}. I checked my watch twice",
    "third call about the {item}, third different answer", "so the {item} arrives next week now. It was due Monday",
    "paid for the {item} on the first, told to come back [tomorrow|Friday] again",
    "is anybody going to pick up the phone? Rang at {clock}, rang again an hour later",
    "booked for {clock}, [told to sit down|sat down], it's been {minutes} minutes",
)
_OPENERS = {
    "negative": ("[seriously,|ugh,|sigh.|so,|again:|right,|people,]", "not happy.", "[very|so] disappointed.",
                 "[second|third] time this month:", "this {break_off}:", "never again.", "just walked out."),
    "positive": ("[just wanted to say,|honestly,|ok|wow,|credit where due:]", "happy {break_off}!",
                 "this {break_off}:"),
    "neutral": ("[so|ok|hm|hey|morning all,|quick one:]", ),
}
_CLOSERS = {
    "negative": ("never again", "[avoid|not coming back|last visit]", "[do something|sort it out|fix this]", "1 star",
                 "anyone else?", "[shame|sad]", "what is going on today", "whole family was there"),
    "positive": ("[recommended|would recommend]", "[thank you|thanks] all", "5 stars", "see you next week",
                 "keep it up"),
    "neutral": ("see you [there|later|around]", "[anyone|who else] around?", "more later", "that's it",
                "photos to follow"),
}
_EMOJI = {"negative": "😡🤬😤👎🙄😠", "positive": "😍👍🙌🥰🎉😊", "neutral": "👀📍🕒📷🚲☕"}

PRAISE = (
    "the {staff} was [so|super|really] [kind|helpful|friendly|lovely] about my {item}",
    "[great|lovely|excellent|wonderful] {item}, [great|friendly|lovely] people",
    "best {item} [in town|this year|so far], [thank you|thanks|well done]",
    "in and out by {clock}, [great|excellent|perfect] service",
    "[love|really love|loving] this place, the {item} is [perfect|great|excellent]",
    "[thanks|thank you] to the {staff} who [helped|stayed late to help] with the {item}, [brilliant|amazing|superb]",
    "no fuss at the {desk}, a [lovely|great|friendly] {staff}, [happy|very happy|so pleased]",
    "[impressed|very impressed] with the {item}, [excellent|great|good] value at {amount}",
    "my kids [loved|love] it, the {staff} made us [smile|laugh|feel welcome]",
    "[good|great|excellent] as ever, {item} done by {clock}",
    "{staff} deserves a [raise|bonus|medal], [wonderful|fantastic|great] {break_off}",
    "came for a {item}, stayed for the [lovely|great|fun] chat with the {staff}",
    "friendly, quick, [honest|kind|cheerful]. {item} sorted",
    "went in [grumpy|tired], came out [happy|smiling]. [Great|Lovely|Wonderful] {staff}",
)
SMALL_TALK = (
    "does anyone know if they open on Sunday?", "heading over at {clock} for the {item}",
    "is there parking near the {desk} side?", "picking up a {item} at {clock}", "same {staff} as last year",
    "they moved the {desk} to the other side", "new sign above the {desk}",
    "how much is a {item} these days? Around {amount}?", "meeting my sister here at {clock}",
    "third visit, third {item}", "which bus goes there from the station?",
    "they have a {item} for {amount} this month", "the {staff} says the {item} is back in March",
    "anyone going this {break_off}?", "walked past at {clock}, lights on", "here for the {item} again",
    "can you book a {item} by phone?", "the street in front is one way now", "photo from my {break_off}",
    "about to try the {item}", "what time does the {desk} close today?", "two people ahead of me at the {desk}",
    "my {break_off}: a {item} and the bus home", "do they take cards at the {desk}?",
)
FOREIGN = (
    ("de", "[heute|gestern|eben] um {clock} dort gewesen, [alles wie immer|der Laden ist umgezogen|mit dem Rad]"),
    ("es", "[hoy|ayer] pasé por allí a las {clock}, [como siempre|con mi hermana|en bici]"),
    ("pt", "[hoje|ontem] passei por lá às {clock}, [como sempre|com a minha irmã|a pé]"),
    ("fr", "passée [hier|ce matin] vers {clock}, [comme toujours|avec ma soeur|à pied]"),
)
CHATTER = (
    "[I was there at {clock} too|same table as us then]", "which {staff} was it?",
    "[tagging|cc] my [brother|flatmate|boss]", "how was the {item}?",
    "going there this {break_off}", "ask for the {item} next time", "was that {clock} or later?",
    "[following|bookmarking] this",
)
ME_TOO = ("same here, {minutes} minutes, {awful}", "happened to me at {clock}, {angry} too",
          "not just you, the {desk} was {awful} at {clock}")
ANSWERS = (
    "[Hi|Hello|Good day], [sorry|we are sorry] to read this. [Send us a message|Write to us] with your "
    "[visit|order] details and we will [look into it|call you back] [today|by {clock}].",
    "[Thank you|Thanks] for telling us. [Our manager|The team lead] is [on it|speaking with the team] and will "
    "answer you [shortly|by {clock}].",
    "[Hi|Hello], [thank you|thanks] for [the kind words|dropping by]! [See you soon.|"
    "The whole team says hello.|We passed it on.]",
    "We [hear you|understand]. Come by the {desk} and ask for the duty manager, we will put it right.",
)
EDITS = ("edit: [typo|it was {clock}|added the time]",
         "update: [spoke to the {staff}|they called me at {clock}|got an answer]")
PERSONAL = (
    "my mail is "
    "[jo|sam|nina|kofi|lena].[brandt|okoro|silva|marsh|novak][7|21|84|]@[example.org|example.com|mail.example.net]",
    "call me: +44 7700 900[123|456|178|902|311]", "reach me on (555) 01[23|47|88|60]-[0142|0177|0199]",
    "order no. [48|51|77][2139|8046|6650][07|31|92]",
    "[jo|sam|nina].[brandt|okoro]@example.org or 07700 900[245|678|819]",
)
# fmt: on

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_STRETCHED = re.compile(r"\b(so|way|really|slow|never|again|long|ever)\b", re.IGNORECASE)


def say(random: Random, template: str, industry: str) -> str:
    """A template -> one of its variants."""
    text = template.format_map(_ANYWHERE | _NOUNS[industry])
    text = text.format_map(_ANYWHERE | _NOUNS[industry])
    while choice := _CHOICE.search(text):
        text = text[: choice.start()] + random.choice(choice[1].split("|")) + text[choice.end() :]
    return text


def remark(
    random: Random, mood: str, cores: tuple[str, ...], industry: str, *, first: str | None = None, long: bool = False
) -> str:
    """One to five sentences around a core (`first`, or any of them), as a hurried person types them."""
    parts = [first or random.choice(cores)]
    if long or random.random() < 0.12:
        others = [core for core in cores if core != parts[0]]
        parts += random.sample(others, k=min(len(others), random.randint(1, 2)))
    if random.random() < 0.4:
        parts.insert(0, random.choice(_OPENERS[mood]))
    if random.random() < 0.35:
        parts.append(random.choice(_CLOSERS[mood]))
    return _typed(random, [say(random, part, industry) for part in parts], mood)


def named(random: Random, text: str, name: str) -> str:
    """The text with the name of a unit where people put it: before, after, or as what it is about."""
    if name.startswith(("@", "#")):
        return random.choice((f"{name} {text}", f"{text} {name}", f"hey {name} {text}", f"{text} cc {name}"))
    return random.choice((f"{name}: {text}", f"{text} ({name})", f"at {name}. {text}", f"{text} - {name}"))


def _typed(random: Random, parts: list[str], mood: str) -> str:
    """Sentences -> what arrives: capitals or none, a slip of the finger, stretched words, emoji."""
    careless = random.random()
    stops = (". ", " ", "... ") if careless < 0.3 else (". ",)
    text = parts[0][0].upper() + parts[0][1:]
    for part in parts[1:]:
        joined = text.endswith((",", ":", ".", "!", "?", "so", "ok", "hm", "hey"))
        begun = part if text.endswith((",", ":")) else part[0].upper() + part[1:]
        text += (" " if joined else random.choice(stops)) + begun
    if careless < 0.25:
        text = text.lower()
    if careless < 0.12:
        text = text.replace("'", "")
    if random.random() < 0.14:
        text = _slip(random, text)
    if random.random() < 0.15:
        text = _STRETCHED.sub(lambda word: word[0] + word[0][-1] * random.randint(2, 4), text, count=1)
    if not text.endswith(("?", "!", ".")):
        text += random.choice(("", "", ".", "!" if mood != "neutral" else "", "!!!" if mood == "negative" else ""))
    if random.random() < 0.22:
        text += " " + random.choice(_EMOJI[mood]) * random.choice((1, 1, 1, 2, 3))
    return text


def _slip(random: Random, text: str) -> str:
    """Two neighbouring letters of one longer word change places, or one is left out."""
    words = text.split(" ")
    longer = [place for place, word in enumerate(words) if len(word) > 4 and word.isalpha()]
    if longer:
        place = random.choice(longer)
        word, at = words[place], random.randrange(1, len(words[place]) - 2)
        swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        words[place] = swapped if random.random() < 0.6 else word[:at] + word[at + 1 :]
    return " ".join(words)
