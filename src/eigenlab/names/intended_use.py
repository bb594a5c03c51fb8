"""The sentence that travels with every model, report and command about surnames."""

INTENDED_USE = (
    "Intended use: guessing the language of origin of a name. Not for inferring the nationality, "
    "ethnicity, religion or any other fact about a person."
)
