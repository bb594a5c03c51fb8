"""Translate with beam search.

A small recurrent encoder-decoder with attention learns short sentences of the phrasebook, which a
grammar generates. `candidates` lists what the beam search finds, with scores, the best first; the
map shows which Spanish words the decoder attends to when it writes each English one.
"""

from eigenlab.plots import heatmap
from eigenlab.translation import Translator, phrasebook

pairs = [(pair.source, pair.target) for pair in phrasebook(1_500, seed=0, max_tokens=5)]
translator = Translator(64, n_epochs=18, learning_rate=0.01, batch_size=32, random_state=0)
translator.set_params(dropout=0.1, validation_fraction=0.03).fit(pairs)

source, reference = translator.held_out_[4]  # not seen in training
print(source, "=", reference)
(found,) = translator.candidates([source], beam_size=5, n_best=3)
for candidate in found:
    words = translator.target_vocabulary_.decode(candidate.tokens)
    print(f"{candidate.score:8.3f}  {words}")

best = found[0]
encoder, decoder = translator.source_vocabulary_, translator.target_vocabulary_
heatmap(
    best.attention.tolist(),
    y=[decoder.tokens[index] for index in best.tokens],
    x=[encoder.tokens[index] for index in encoder.encode(source)],
    x_title="Spanish",
    y_title="English",
    value_title="weight",
).show()
