"""Networks that are trained on the user's own machine: the only user of PyTorch (extra `train`).

PyTorch is loaded inside functions, so that importing these modules costs nothing and needs nothing.
What comes out of a training is an ONNX file; it runs without PyTorch, in `vision.aggregator`.
"""
