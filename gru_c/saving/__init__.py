"""Model files: safetensors files (`files`) and their contents (`contents`)."""
