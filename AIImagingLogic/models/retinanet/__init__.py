"""RetinaNet detection networks with the weights' names of MONAI's, built here; torchvision is not needed."""
