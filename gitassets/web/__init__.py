"""The review page: HTTP in, one action called, HTML or JSON out."""
