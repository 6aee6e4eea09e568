"""What makes assets: one file a service behind one Protocol, named in one registry."""
