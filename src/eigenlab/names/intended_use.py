"""The intended use, part of every model file, model card and command about surnames."""

INTENDED_USE = (
    "Intended use: guessing the language of origin of a name. Not for inferring the nationality, "
    "ethnicity, religion or any other fact about a person."
)
