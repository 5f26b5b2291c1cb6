"""A stand-in for Ollama: real MiniLM embeddings and extractive answers behind Ollama's HTTP API."""

API_VERSION = "0.12.6"
"""The Ollama release whose API this server answers with."""

DIFFERENCES = (
    "embeddings are the real all-MiniLM-L6-v2 on the CPU; answers quote the context's best sentences instead of being "
    "written by a language model; serves these two models only, always loaded, and pulls none"
)
