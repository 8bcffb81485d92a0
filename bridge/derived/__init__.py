"""What follows from the catalogue: topics, schemas, samples, reference pages. Computed, not written."""
