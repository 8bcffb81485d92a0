"""The command line: the only place that reads settings and puts the parts together."""
