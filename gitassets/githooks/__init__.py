"""What git calls: check commits, messages and pushes, and merge manifests."""
