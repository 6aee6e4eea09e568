"""Every use of DVC."""
