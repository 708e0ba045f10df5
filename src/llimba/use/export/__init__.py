"""A finished model carried elsewhere: GGUF for llama.cpp, a Modelfile for Ollama, the hub."""
