"""Question 3a': how far 200 labels go on features that were learned without labels."""

TITLE = "What 200 labels are worth"
QUESTIONS = ("3a'",)
SUMMARY = (
    "Autoencoders are trained on images without labels, then frozen; a linear classifier reads the "
    "digits from their latent features, given few labels. Vanilla, denoising (Gaussian noise), "
    "masked (half of the pixels zeroed) and warped (rotated, scaled, sheared and shifted images, "
    "to be returned as they were) autoencoders of linear layers, and masked and warped ones that "
    "begin with convolutions, are compared with raw pixels, PCA and the untrained encoders, under "
    "the same probe and with the same labelled images. Settings were chosen on validation images "
    "of MNIST."
)
# On two cores. Where MNIST is found, course takes 6 minutes more; most of full is MNIST.
MINUTES = {"smoke": 0.25, "course": 1.0, "full": 45.0}
