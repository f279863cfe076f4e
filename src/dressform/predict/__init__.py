"""Pictures to classes: export to ONNX (with torch) and prediction with ONNX Runtime (without)."""
