"""Prediction: export to ONNX (with torch) and inference by ONNX Runtime (without)."""
