"""Predict: which category a case belongs to, by the model that training exported.

`classifier` runs the ONNX graph; training's checks, the promotion gate, the API and the daily batch all run this one.
"""
