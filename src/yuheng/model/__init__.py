"""The nouns: immutable, without input or output. Every other room speaks in them."""
