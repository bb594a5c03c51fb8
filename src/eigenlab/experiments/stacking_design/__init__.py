"""Question 7a: why an encoder stacked under the decoder step by step is bad for translation."""

TITLE = "The encoder stacked under the decoder"
QUESTIONS = ("7a",)
SUMMARY = (
    "One student feeds the encoder's h_t to the decoder's step t, as if the encoder were a layer "
    "below the decoder. Step t then depends on the first t source words only, which is shown on "
    "the Jacobian of untrained networks. Counting shows how often words and sentences of the test "
    "can be right at all if they are written from that. Then both designs are trained with equal "
    "numbers of parameters on short sentences of the phrasebook, and compared on words whose "
    "Spanish counterpart has been read when they are written, and on words where it has not."
)
MINUTES = {"smoke": 0.1, "course": 0.6, "full": 7.0}
