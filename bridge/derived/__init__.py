"""Everything that is computed from the catalogue: topics, schemas, examples, documents, reference pages.

It must not know HTTP, Kafka clients or the command line. It reads files only below the project's folder.
"""
