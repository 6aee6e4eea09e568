"""Three-way merge of manifests and what they hold."""
