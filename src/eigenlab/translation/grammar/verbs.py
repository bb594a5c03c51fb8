"""Verbs of the phrasebook and their conjugation.

Persons are numbered 0 to 5: yo, tú, él, nosotros, vosotros, ellos.
"""

from __future__ import annotations

from dataclasses import dataclass

Forms = tuple[str, str, str, str, str, str]

_PRESENT = {
    "ar": "o as a amos áis an",
    "er": "o es e emos éis en",
    "ir": "o es e imos ís en",
}
_PRETERITE = {
    "ar": "é aste ó amos asteis aron",
    "er": "í iste ió imos isteis ieron",
    "ir": "í iste ió imos isteis ieron",
}
#: Stems of the present in the persons 0, 1, 2 and 5.
_STEM_CHANGES = {
    "cerrar": "cierr",
    "encontrar": "encuentr",
    "perder": "pierd",
    "dormir": "duerm",
    "querer": "quier",
    "poder": "pued",
    "pensar": "piens",
    "jugar": "jueg",
}
_IRREGULAR = {
    ("ver", "present"): "veo ves ve vemos veis ven",
    ("ver", "preterite"): "vi viste vio vimos visteis vieron",
    ("leer", "preterite"): "leí leíste leyó leímos leísteis leyeron",
    ("dormir", "preterite"): "dormí dormiste durmió dormimos dormisteis durmieron",
    ("conocer", "present"): "conozco conoces conoce conocemos conocéis conocen",
    ("tener", "present"): "tengo tienes tiene tenemos tenéis tienen",
    ("dar", "present"): "doy das da damos dais dan",
    ("dar", "preterite"): "di diste dio dimos disteis dieron",
    ("enviar", "present"): "envío envías envía enviamos enviáis envían",
    ("ser", "present"): "soy eres es somos sois son",
    ("estar", "present"): "estoy estás está estamos estáis están",
    ("ir", "present"): "voy vas va vamos vais van",
    ("saber", "present"): "sé sabes sabe sabemos sabéis saben",
    ("decir", "present"): "digo dices dice decimos decís dicen",
}
#: The first person of the preterite that is spelled with another consonant.
_FIRST_PRETERITE = {"buscar": "busqué", "llegar": "llegué", "jugar": "jugué"}
_GERUNDS = {"leer": "leyendo", "dormir": "durmiendo"}


def present(infinitive: str) -> Forms:
    """The six forms of the present indicative.

    >>> present("comer")
    ('como', 'comes', 'come', 'comemos', 'coméis', 'comen')
    """
    return _conjugate(infinitive, "present")


def preterite(infinitive: str) -> Forms:
    """The six forms of the preterite.

    >>> preterite("buscar")[:3]
    ('busqué', 'buscaste', 'buscó')
    """
    return _conjugate(infinitive, "preterite")


def gerund(infinitive: str) -> str:
    """The gerund.

    >>> gerund("vivir"), gerund("leer")
    ('viviendo', 'leyendo')
    """
    ending = "ando" if infinitive.endswith("ar") else "iendo"
    return _GERUNDS.get(infinitive, infinitive[:-2] + ending)


def _conjugate(infinitive: str, tense: str) -> Forms:
    if (infinitive, tense) in _IRREGULAR:
        found = _IRREGULAR[infinitive, tense].split()
    else:
        stem, kind = infinitive[:-2], infinitive[-2:]
        endings = (_PRESENT if tense == "present" else _PRETERITE)[kind].split()
        found = [stem + ending for ending in endings]
        if tense == "present" and infinitive in _STEM_CHANGES:
            for person in (0, 1, 2, 5):
                found[person] = _STEM_CHANGES[infinitive] + endings[person]
        if tense == "preterite":
            found[0] = _FIRST_PRETERITE.get(infinitive, found[0])
    one, two, three, four, five, six = found
    return (one, two, three, four, five, six)


@dataclass(frozen=True)
class Verb:
    """A verb in both languages.

    Args:
        infinitive: Spanish infinitive.
        english: (base, third person, past, -ing form).
        particle: English words after the verb, such as ``"for"`` of look for.
        objects: kinds of its direct objects; empty for an intransitive verb.
        subjects: kinds of its subjects.
        tenses: tenses in which both languages say the same.
        bare: whether its object may be a plural without a determiner.
    """

    infinitive: str
    english: tuple[str, str, str, str]
    particle: str = ""
    objects: frozenset[str] = frozenset()
    subjects: frozenset[str] = frozenset({"person", "relative"})
    tenses: tuple[str, ...] = ("present", "preterite", "progressive", "future")
    bare: bool = False


def _verb(
    infinitive: str,
    english: str,
    objects: str = "",
    *,
    subjects: str = "person,relative",
    tenses: str = "present,preterite,progressive,future",
    bare: bool = False,
) -> Verb:
    forms, _, particle = english.partition("+")
    base, third, past, ing = (form.replace("_", " ") for form in forms.split())
    return Verb(
        infinitive,
        (base, third, past, ing),
        particle.strip(),
        frozenset(filter(None, objects.split(","))),
        frozenset(subjects.split(",")),
        tuple(tenses.split(",")),
        bare,
    )


_ANYONE = "person,relative,animal"
_WARES = "thing,clothes,vehicle,text"
_MOMENTARY = "present,preterite,future"
#: Verbs with a direct object.
TRANSITIVE = (
    _verb(
        "ver",
        "see sees saw seeing",
        f"person,relative,animal,{_WARES},building,outdoors",
        subjects=_ANYONE,
        tenses=_MOMENTARY,
    ),
    _verb("comprar", "buy buys bought buying", f"{_WARES},food,drink,animal", bare=True),
    _verb("vender", "sell sells sold selling", f"{_WARES},food,drink,animal,sold", bare=True),
    _verb("comer", "eat eats ate eating", "food", subjects=_ANYONE, bare=True),
    _verb("beber", "drink drinks drank drinking", "drink", bare=True),
    _verb("leer", "read reads read reading", "text", bare=True),
    _verb("escribir", "write writes wrote writing", "written", bare=True),
    _verb(
        "buscar",
        "look looks looked looking + for",
        "person,relative,animal,thing,text,clothes,building",
        subjects=_ANYONE,
    ),
    _verb(
        "encontrar",
        "find finds found finding",
        "animal,thing,text,clothes",
        subjects=_ANYONE,
        tenses=_MOMENTARY,
    ),
    _verb("perder", "lose loses lost losing", "small,clothes,text", tenses=_MOMENTARY),
    _verb("abrir", "open opens opened opening", "opened"),
    _verb("cerrar", "close closes closed closing", "opened"),
    _verb("limpiar", "clean cleans cleaned cleaning", "room,thing,opened"),
    _verb("lavar", "wash washes washed washing", "clothes,washed"),
    _verb("cocinar", "cook cooks cooked cooking", "cooked", bare=True),
    _verb("pintar", "paint paints painted painting", "painted"),
    _verb("usar", "use uses used using", "used"),
    _verb("romper", "break breaks broke breaking", "fragile", tenses="preterite,future"),
    _verb("necesitar", "need needs needed needing", _WARES, tenses="present", bare=True),
    _verb("visitar", "visit visits visited visiting", "person,relative,sight"),
    _verb("conocer", "know knows knew knowing", "person,relative", tenses="present"),
    _verb("ayudar", "help helps helped helping + ", "person,relative"),
    _verb("llamar", "call calls called calling", "person,relative"),
    _verb("esperar", "wait waits waited waiting + for", "person,relative,awaited"),
    _verb("escuchar", "listen listens listened listening + to", "person,relative"),
    _verb("mirar", "look looks looked looking + at", "animal,thing,clothes,vehicle,building"),
)
_EVERY = "present,preterite,progressive,future"
#: Verbs without an object.
INTRANSITIVE = (
    _verb("vivir", "live lives lived living", tenses="present"),
    _verb("trabajar", "work works worked working"),
    _verb("dormir", "sleep sleeps slept sleeping", subjects=_ANYONE),
    _verb("cantar", "sing sings sang singing"),
    _verb("bailar", "dance dances danced dancing"),
    _verb("correr", "run runs ran running", subjects=_ANYONE),
    _verb("nadar", "swim swims swam swimming", subjects=_ANYONE),
    _verb("llorar", "cry cries cried crying"),
    _verb("caminar", "walk walks walked walking"),
    _verb("estudiar", "study studies studied studying"),
    _verb("jugar", "play plays played playing", subjects=_ANYONE),
    _verb("cenar", "have has had having + dinner"),
    _verb("desayunar", "have has had having + breakfast"),
)
#: Verbs with a person who receives something: only with an object pronoun.
DITRANSITIVE = (
    _verb("dar", "give gives gave giving", "thing,text,clothes,piece"),
    _verb("enviar", "send sends sent sending", "sent,text"),
    _verb("comprar", "buy buys bought buying", "thing,text,clothes,piece"),
)
#: What one wants, can, has or needs to do: (infinitive, linking word, English, linking word).
MODALS = (
    ("querer", "", ("want", "wants"), "to"),
    ("poder", "", None, ""),
    ("tener", "que", ("have", "has"), "to"),
    ("necesitar", "", ("need", "needs"), "to"),
)
#: What one thinks or says: (infinitive, English, English of the third person).
REPORTING = (
    ("creer", "think", "thinks"),
    ("saber", "know", "knows"),
    ("decir", "say", "says"),
)
