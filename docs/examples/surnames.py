"""Guess the language of origin of a surname.

The classifier learns from the small embedded sample; no spelling is in both parts of the split.
It guesses the language of a *name*, and is not for inferring anything about a *person*.
"""

from eigenlab.data import load_names
from eigenlab.names import NameClassifier, leak_free_split
from eigenlab.plots import heatmap

names, languages = zip(*load_names("names-mini"), strict=True)
train, test = leak_free_split(names, seed=0)
model = NameClassifier(rnn_size=32, n_members=1, n_epochs=12, random_state=0)
model.fit([names[i] for i in train], [languages[i] for i in train])
accuracy = model.score([names[i] for i in test], [languages[i] for i in test])
print(f"{accuracy:.0%} of {len(test)} unseen names, {len(model.classes_)} languages")

asked = ["Rossi", "Tanaka", "Papadopoulos", "Kowalski"]
print(dict(zip(asked, model.predict(asked).tolist(), strict=True)))
heatmap(
    model.predict_proba(asked),
    x=list(model.classes_),
    y=asked,
    x_title="language",
    y_title="name",
    value_title="probability",
    numbers=False,
).show()
