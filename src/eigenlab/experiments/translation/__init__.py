"""Question 7: translation with a recurrent encoder and a recurrent decoder."""

TITLE = "Translation with an encoder-decoder"
QUESTIONS = ("7",)
SUMMARY = (
    "A recurrent network reads a Spanish sentence, and its last state is the first state of a "
    "second one, which writes the English sentence word by word. Both are GRUs, trained on "
    "generated sentence pairs whose alignment is known, once without and once with attention to "
    "all states of the encoder. Exact match and BLEU are measured on sentences that share neither "
    "side with the training pairs, by length and by word order. Then the trained models are "
    "looked into: attention, neighbours of word embeddings, paths of the hidden state, eigenvalues "
    "of the recurrent weights before and after training, and where in the source the gradient of "
    "the last word goes."
)
MINUTES = {"smoke": 0.1, "course": 0.7, "full": 60.0}
