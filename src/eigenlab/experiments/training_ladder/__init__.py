"""Question 4: how a training of 341 seconds became one of two, one idea at a time."""

TITLE = "The ladder to 94 % on CIFAR-10"
QUESTIONS = ("4",)
SUMMARY = (
    "In 2018 the fastest training of a network to 94 % on CIFAR-10 took 341 seconds on one GPU; "
    "D. Page's series How to train your ResNet brought it to 26, and his successors to two. Each "
    "rung of the ladder changes one thing: a smaller network, smoothed labels, whitened patches, "
    "averaged weights, orthogonalised momentum. The ideas that are theorems are checked to "
    "rounding, and rungs are trained on the same images with the same seeds. The course preset is "
    "reduced: four rungs, narrow networks and few passes over generated images of shapes in place "
    "of CIFAR-10, so that it shows who learns fastest and not who learns most. The presets cpu "
    "(two cores) and full (a GPU) climb the whole ladder on CIFAR-10, cpu with narrow networks and "
    "two passes over a fifth of the images; full has not been timed."
)
MINUTES = {"smoke": 0.1, "course": 0.8, "cpu": 13.0, "full": 600.0}
