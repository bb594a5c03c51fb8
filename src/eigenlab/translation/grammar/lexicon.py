"""Nouns, adjectives and names of the phrasebook. English is American, Spanish that of Spain."""

from __future__ import annotations

import functools
from dataclasses import dataclass


@dataclass(frozen=True)
class Noun:
    """A noun in both languages.

    Args:
        singular, plural: Spanish forms; the plural is None for what is not counted.
        gender: ``"m"`` or ``"f"``.
        english: (singular, plural); the plural is None for what is not counted.
        kinds: what it is, which decides where it fits.
        takes_el: whether it is feminine with ``el`` and ``un``, as el agua.
    """

    singular: str
    plural: str | None
    gender: str
    english: tuple[str, str | None]
    kinds: frozenset[str]
    takes_el: bool = False

    @property
    def counted(self) -> bool:
        """Whether it has a plural."""
        return self.plural is not None


_NOUNS = """
perro perros m dog dogs animal
gato gatos m cat cats animal
caballo caballos m horse horses animal
vaca vacas f cow cows animal
pájaro pájaros m bird birds animal
ratón ratones m mouse mice animal
oveja ovejas f sheep sheep animal
conejo conejos m rabbit rabbits animal
águila águilas f eagle eagles animal
niño niños m boy children person
niña niñas f girl girls person
hombre hombres m man men person
mujer mujeres f woman women person
profesor profesores m teacher teachers person
profesora profesoras f teacher teachers person
médico médicos m doctor doctors person
médica médicas f doctor doctors person
abogada abogadas f lawyer lawyers person
camarero camareros m waiter waiters person
amigo amigos m friend friends person
amiga amigas f friend friends person
vecino vecinos m neighbor neighbors person
vecina vecinas f neighbor neighbors person
hermano hermanos m brother brothers relative
hermana hermanas f sister sisters relative
hijo hijos m son children relative
hija hijas f daughter daughters relative
abuelo abuelos m grandfather grandparents relative
abuela abuelas f grandmother grandmothers relative
padre padres m father parents relative
madre madres f mother mothers relative
primo primos m cousin cousins relative
pan - m bread - food
carne - f meat - food,cooked
queso - m cheese - food
arroz - m rice - food,cooked
pescado - m fish - food,cooked
sopa - f soup - food,cooked,warm
fruta - f fruit - food
manzana manzanas f apple apples food,piece
naranja naranjas f orange oranges food,piece
huevo huevos m egg eggs food,piece,cooked
pastel pasteles m cake cakes food,piece
agua - f water - drink
leche - f milk - drink
café - m coffee - drink
té - m tea - drink
vino - m wine - drink
cerveza - f beer - drink
libro libros m book books text,written
carta cartas f letter letters text,written
periódico periódicos m newspaper newspapers text
revista revistas f magazine magazines text
poema poemas m poem poems text,written
novela novelas f novel novels text,written
mesa mesas f table tables thing,painted,washed
silla sillas f chair chairs thing,painted,fragile
llave llaves f key keys thing,small
reloj relojes m watch watches thing,small,fragile
teléfono teléfonos m phone phones thing,small,used,fragile
ordenador ordenadores m computer computers thing,used,fragile
lámpara lámparas f lamp lamps thing,used,fragile
vaso vasos m glass glasses thing,washed,fragile
regalo regalos m gift gifts thing,sent
caja cajas f box boxes thing,opened,sent
puerta puertas f door doors opened,painted
ventana ventanas f window windows opened,washed,fragile
camisa camisas f shirt shirts clothes
sombrero sombreros m hat hats clothes
vestido vestidos m dress dresses clothes
zapato zapatos m shoe shoes clothes
abrigo abrigos m coat coats clothes
coche coches m car cars vehicle,used,washed
bicicleta bicicletas f bicycle bicycles vehicle,used,washed
barco barcos m boat boats vehicle,painted
tren trenes m train trains awaited
autobús autobuses m bus buses awaited
casa casas f house houses building,room,painted,sold
escuela escuelas f school schools building
hotel hoteles m hotel hotels building,business
iglesia iglesias f church churches building,sight
museo museos m museum museums building,sight,business
tienda tiendas f store stores building,business
parque parques m park parks outdoors,sight
ciudad ciudades f city cities outdoors,sight
jardín jardines m garden gardens outdoors
restaurante restaurantes m restaurant restaurants building,business
habitación habitaciones f room rooms room,painted
cocina cocinas f kitchen kitchens room,painted
estación estaciones f station stations building
puente puentes m bridge bridges outdoors
"""


def _noun(line: str) -> Noun:
    singular, plural, gender, *english, kinds = line.split()
    return Noun(
        singular,
        None if plural == "-" else plural,
        gender,
        (english[0], None if english[1] == "-" else english[1]),
        frozenset(kinds.split(",")),
        takes_el=singular in ("agua", "águila"),
    )


NOUNS = tuple(_noun(line) for line in _NOUNS.split("\n") if line)


@functools.cache
def nouns(*kinds: str) -> tuple[Noun, ...]:
    """The nouns of any of the kinds."""
    return tuple(noun for noun in NOUNS if noun.kinds & set(kinds))


#: First names, by gender.
NAMES = (
    ("Ana", "f"),
    ("Pablo", "m"),
    ("Marta", "f"),
    ("Carlos", "m"),
    ("Elena", "f"),
    ("Luis", "m"),
    ("Lucía", "f"),
    ("Tomás", "m"),
    ("Carmen", "f"),
    ("Jorge", "m"),
)


@dataclass(frozen=True)
class Adjective:
    """An adjective in both languages.

    Args:
        forms: Spanish (masculine, feminine, masculine plural, feminine plural).
        english: its translation.
        kinds: kinds of nouns it describes.
        verb: the copula with which it is predicated, ``"ser"`` or ``"estar"``.
        before: whether it stands before its noun, which it also does in English.
        short: form before a singular noun: of masculine gender only, unless it is ``"gran"``.
        comparative: English comparative; None when it is not compared.
        attributive: whether it stands beside a noun at all.
    """

    forms: tuple[str, str, str, str]
    english: str
    kinds: frozenset[str]
    verb: str = "ser"
    before: bool = False
    short: str | None = None
    comparative: str | None = None
    attributive: bool = True


_PEOPLE = "person,relative"
_OBJECTS = "thing,clothes,vehicle"
_PLACES = "building,room,outdoors"
_ADJECTIVES = f"""
negro black animal,{_OBJECTS}
blanco white animal,{_OBJECTS},building
rojo red {_OBJECTS},opened
azul blue {_OBJECTS},opened
verde green {_OBJECTS},opened
amarillo yellow {_OBJECTS}
grande big animal,{_OBJECTS},{_PLACES},opened bigger
pequeño small animal,{_OBJECTS},{_PLACES},opened smaller
viejo old animal,{_PEOPLE},{_OBJECTS},text,{_PLACES} older
nuevo new {_OBJECTS},text,building,awaited
caro expensive {_OBJECTS},text,drink more_expensive
barato cheap {_OBJECTS},text,drink cheaper
alto tall {_PEOPLE} taller
joven young person younger
inteligente intelligent {_PEOPLE},animal more_intelligent
amable kind {_PEOPLE} kinder
famoso famous person,sight more_famous
fuerte strong {_PEOPLE},animal stronger
bonito pretty animal,{_OBJECTS},{_PLACES} prettier
interesante interesting text,sight more_interesting
largo long text longer
corto short text shorter
difícil difficult text more_difficult
lento slow animal,vehicle,awaited slower
rápido fast animal,vehicle,awaited faster
español Spanish person,text
inglés English person,text
francés French person,text
italiano Italian person,text
alemán German person,text
"""
_STATES = """
limpio clean thing,clothes,vehicle,room
sucio dirty thing,clothes,vehicle,room
frío cold drink,warm
caliente hot drink,warm
abierto open opened,business
cerrado closed opened,business
roto broken fragile
vacío empty room,business
"""
_FEELINGS = f"""
cansado tired {_PEOPLE},animal
contento happy {_PEOPLE},animal
enfermo sick {_PEOPLE},animal
ocupado busy {_PEOPLE}
triste sad {_PEOPLE},animal
enfadado angry {_PEOPLE}
preocupado worried {_PEOPLE}
"""
_IRREGULAR_FORMS = {
    "joven": ("joven", "joven", "jóvenes", "jóvenes"),
    "español": ("español", "española", "españoles", "españolas"),
    "inglés": ("inglés", "inglesa", "ingleses", "inglesas"),
    "francés": ("francés", "francesa", "franceses", "francesas"),
    "alemán": ("alemán", "alemana", "alemanes", "alemanas"),
}


def agreeing_forms(masculine: str) -> tuple[str, str, str, str]:
    """The four forms of an adjective, from the masculine singular.

    >>> agreeing_forms("rojo")
    ('rojo', 'roja', 'rojos', 'rojas')
    >>> agreeing_forms("azul")
    ('azul', 'azul', 'azules', 'azules')
    """
    if masculine in _IRREGULAR_FORMS:
        return _IRREGULAR_FORMS[masculine]
    if masculine.endswith("o"):
        stem = masculine[:-1]
        return (f"{stem}o", f"{stem}a", f"{stem}os", f"{stem}as")
    plural = masculine + ("s" if masculine[-1] in "aeiou" else "es")
    return (masculine, masculine, plural, plural)


def _adjectives(lines: str, verb: str, attributive: bool = True) -> tuple[Adjective, ...]:
    found = []
    for line in filter(None, lines.split("\n")):
        spanish, english, kinds, *more = line.split()
        comparative = more[0].replace("_", " ") if more else None
        found.append(
            Adjective(
                agreeing_forms(spanish),
                english,
                frozenset(kinds.split(",")),
                verb=verb,
                comparative=comparative,
                attributive=attributive,
            )
        )
    return tuple(found)


_GOOD = frozenset({"person", "animal", "text", "business"})
_BEFORE = (
    Adjective(agreeing_forms("bueno"), "good", _GOOD, before=True, short="buen"),
    Adjective(agreeing_forms("malo"), "bad", _GOOD, before=True, short="mal"),
    Adjective(
        ("grande", "grande", "grandes", "grandes"),
        "great",
        frozenset({"person", "text", "sight"}),
        before=True,
        short="gran",
    ),
)
ADJECTIVES = (
    *_adjectives(_ADJECTIVES, "ser"),
    *_adjectives(_STATES, "estar"),
    *_adjectives(_FEELINGS, "estar", attributive=False),
    *_BEFORE,
)

#: (masculine, feminine, English, English for a woman), each a profession.
PROFESSIONS = (
    ("profesor", "profesora", "teacher", "teacher"),
    ("médico", "médica", "doctor", "doctor"),
    ("estudiante", "estudiante", "student", "student"),
    ("enfermero", "enfermera", "nurse", "nurse"),
    ("abogado", "abogada", "lawyer", "lawyer"),
    ("actor", "actriz", "actor", "actress"),
    ("ingeniero", "ingeniera", "engineer", "engineer"),
    ("artista", "artista", "artist", "artist"),
    ("camarero", "camarera", "waiter", "waitress"),
    ("cocinero", "cocinera", "cook", "cook"),
)

#: What one has in Spanish and is in English: (noun, gender, English).
CONDITIONS = (
    ("hambre", "f", "hungry"),
    ("sed", "f", "thirsty"),
    ("sueño", "m", "sleepy"),
    ("frío", "m", "cold"),
    ("calor", "m", "hot"),
    ("miedo", "m", "afraid"),
)
