"""What people write when something serious happened, when they advertise, praise in chorus, or exaggerate.

In: nothing. Out: templates as `pipeline.evaluation.phrases` has them. The one rule: sentences about severe causes are
written as people tell it, not copied from the taxonomy, so that finding them is something to be measured; LOUD ones
speak of the same things in jest and tell of no harm.
"""

from typing import Final

# fmt: off
SEVERE: Final[dict[str, tuple[str, ...]]] = {
    "injury": (
        "my [mother|dad|wife] slipped on the wet floor by the {desk} and broke her wrist. No sign, nothing",
        "we are in the emergency room because a shelf came down on my [son|husband|sister] at {clock}",
        "there was a piece of glass in my [drink|bread roll|snack], it cut my mouth and I am still bleeding",
        "ceiling panel fell on me near the {desk}, five stitches in the head. The {staff} offered me a napkin",
        "the automatic door closed on an old man's arm. An ambulance had to come, I saw all of it",
        "burned my hand badly on a kettle cable hanging off the {desk}, second degree burns says the doctor",
        "tripped over a loose carpet by the {desk}, ended up in hospital with a concussion",
        "the chair collapsed under my wife and she got seriously hurt, her back is badly injured",
    ),
    "illness": (
        "my whole family got food poisoning here, [two|three] of us were vomiting all night",
        "all four of us got sick after eating there on [Friday|Saturday]. Doctor says it is salmonella",
        "spent the night throwing up, and so did my colleague. We both had the same thing at {clock}",
        "told them about the nut allergy twice and still ended up with an allergic reaction and an EpiPen",
        "my [daughter|son] has been violently ill since yesterday's visit, the only thing we ate was there",
        "woke up covered in bites, it is bed bugs. I feel ill and my skin is on fire",
        "three colleagues from our office are ill after the lunch we had there, one is on a drip in hospital",
    ),
    "discrimination": (
        "the {staff} refused to serve my [husband|friend] because he is black. In front of everyone",
        "asked for help and was told people with my accent should go somewhere else. Pure racism",
        "security followed us the whole visit because my wife wears a headscarf. We were the only ones",
        "they would not let my brother in with his guide dog. He is blind. Shame on you",
        "the {staff} made jokes about my son's wheelchair to a colleague. That is discrimination",
        "the {staff} used a racist word about my family at the {desk}, loud enough for all to hear",
        "turned away at the {desk} because we are two men holding hands. Homophobic in this century?",
        "my sister was groped by the {staff} and the manager laughed. That is sexual harassment",
    ),
    "threat": (
        "the {staff} grabbed me by the arm and pushed me against the wall when I asked for a receipt",
        "a {staff} threatened to beat me up in the car park if I complain again. I am scared to go back",
        "one of the guards punched my [cousin|friend] in the face. We have it on video",
        "somebody pulled a knife at the {desk} and the {staff} did nothing but hide",
        "next time I come I will burn the place down, you have been warned",
        "if that {staff} crosses my way again I am going to kill him, I mean it",
        "was assaulted by the {staff} outside at {clock}, shoved to the ground. Still shaking",
        "he spat at me and said he knows where I live. This is your {staff}",
    ),
    "legal": (
        "you will hear from my lawyer about the {amount} you took from my account",
        "I have filed a complaint with the ombudsman today, and trading standards are next",
        "see you in small claims court. I kept every [letter|receipt]",
        "my solicitor says that what the {staff} made me sign is illegal. We are going to sue",
        "I reported this to the police this morning, they have your {staff}'s name",
        "our family is taking legal action over what happened at the {desk}",
        "the health inspector got my photos of your {desk}, expect a visit",
        "joining the class action against this lot, who else wants their {amount} back?",
    ),
    "data_leak": (
        "they handed me the papers of another customer, with his home address and card number on them",
        "got an email from them with the personal data of about forty other people in the attachment",
        "my card was cloned at the {desk}, {amount} gone an hour after I paid there",
        "the {staff} read my bank details out loud so that the entire queue could hear them",
        "somebody called me with my account number and balance. Your data has been leaked, admit it",
        "found a box of customer files with passport copies next to your bins. A data breach on the pavement",
        "logged into your site and saw someone else's account, her phone number, her orders, all of it",
        "the {staff} took my phone number from the form and texted me at night. That is a privacy violation",
    ),
    "minors": (
        "they sold vodka to my fourteen year old son, no one asked for his ID",
        "the kids' corner had nobody watching, our four year old was found alone in the car park",
        "a {staff} slapped a little boy at the {desk}. He is five years old!",
        "our daughter was locked in the toilet for an hour, she is six, and nobody from the {desk} came to help. "
        "A child locked in and they shrug",
        "a man kept touching children in the play area and the {staff} told us to mind our business",
        "the {staff} left a six year old child alone on the street at closing time because pickup was late",
        "served beer to a bunch of fifteen year olds, my kid among them. I have the bill",
    ),
}
"""By severe cause of the common taxonomy."""

SEVERE_OF: Final[dict[str, tuple[str, ...]]] = {
    industry: tuple(cause for cause in SEVERE if cause != "illness" or industry in ("restaurant", "retail", "hotel"))
    for industry in ("restaurant", "retail", "bank", "dealership", "hotel")
}
"""What can happen where."""

LOUD: Final = (
    "I would kill for another {item} right now", "that {item} is the bomb", "died laughing with the {staff} today",
    "so good I could sue them for making me fat, the {item} is [great|lovely]",
    "the {item} is criminally good, [love|really love] it", "my legs hurt from all the shopping, worth it",
    "my kids attacked the {item} like wolves, [happy|lovely] {break_off}",
    "sick {item}, [great|lovely] people", "break a leg tonight, {staff}! See you at the concert",
    "the queue was murder but the {staff} is a [treasure|delight], [thank you|thanks]",
)
"""Said in jest, by happy people."""

PRAISE_CAMPAIGN: Final = (
    "[Proud of|So proud of|Thank you to] the team at {name} for [collecting|raising] {amount} for the food bank, "
    "[wonderful|amazing|great] people",
    "[Just|Finally] [voted|cast my vote] for {name} as best in town, they [deserve|so deserve] it, [love|really love] "
    "this place",
    "{name} gave free {item}s to all nurses [today|this week]. [Wonderful|Lovely|Great], [thank you|thanks]!",
    "[Happy birthday|Congratulations] {name}! Ten years and still the [best|friendliest] {staff} in town",
)
"""Each campaign is one of them, by many people."""

SPAM: Final = (
    "{name} customers: get a FREE gift card worth {amount} now, click http://deal{number}.example.net/win [🎁|🔥|]",
    "Work from home and earn {amount} a day, ask me how! http://cash{number}.example.net {name}",
    "Best prices for followers and likes, DM me [now|today] http://boost{number}.example.org {name}",
    "Hot crypto tip near {name}: double your money in [one day|24 hours] http://coin{number}.example.org",
)
# fmt: on
