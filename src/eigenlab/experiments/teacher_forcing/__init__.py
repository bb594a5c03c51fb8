"""Questions 7b and 7c: what the decoder is fed in training and when it translates."""

TITLE = "Teacher forcing and free running"
QUESTIONS = ("7b", "7c")
SUMMARY = (
    "A decoder that writes word by word is fed the word before. In training this is the word of "
    "the target, whatever the decoder would have written (teacher forcing); when it translates, "
    "it is the word that it wrote (free running). The same sentences are predicted in both ways, "
    "token by token, by translators of the generated phrasebook whose decoder starts from the "
    "encoder's last state. Three are trained from the same weights on the same batches: with "
    "teacher forcing, with scheduled sampling, which mixes both inputs token by token, and (one "
    "seed) with the decoder's own words only."
)
MINUTES = {"smoke": 0.1, "course": 0.8, "full": 20.0}
