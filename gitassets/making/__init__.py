"""From a wish to takes: plan, prepare, consent, buy, deliver, reuse, renew, record."""
