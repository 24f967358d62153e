"""Model cards, weights and ONNX Runtime sessions."""
