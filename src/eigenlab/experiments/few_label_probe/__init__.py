"""Question 3a': accuracy of a classifier with 200 labels on features learned without labels."""

TITLE = "Classification with 200 labels"
QUESTIONS = ("3a'",)
SUMMARY = (
    "Autoencoders are trained on images without labels, then frozen; a linear classifier is "
    "trained on their latent features with few labels. Vanilla, denoising (Gaussian noise), "
    "masked (half of the pixels zeroed) and warped (the original is reconstructed from a rotated, "
    "scaled, sheared and shifted image) autoencoders of linear layers, and masked and warped ones "
    "that begin with convolutions, are compared with raw pixels, PCA and the untrained encoders, "
    "under the same probe and with the same labelled images. Settings were chosen on validation "
    "images of MNIST."
)
# On two cores. Where MNIST is found, course takes 6 minutes more; most of full is MNIST.
MINUTES = {"smoke": 0.25, "course": 1.0, "full": 45.0}
