"""eigenlab: a laboratory for deep-learning fundamentals.

Train it, look at its spectrum, check the claim.

Importing ``eigenlab`` costs nothing; import the package you need:

>>> from eigenlab.recurrent import RNNLayer
>>> sum(p.numel() for p in RNNLayer(2, 3).parameters())
18
"""

__version__ = "0.1.0"
