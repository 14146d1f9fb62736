"""Results as text: tables for the terminal, JSON and YAML for machines, one HTML page for people.

Everything here is a pure function of a result of the model. Nothing is imported eagerly: rich and jinja2
cost start-up time that ``yuheng --help`` does not owe, so each format is imported where it is wanted.
"""
