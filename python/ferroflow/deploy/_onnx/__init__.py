"""A frozen model's graph in ONNX's operators."""
