"""Azure ML: models, environments, artifacts, blobs, operations and web services."""
