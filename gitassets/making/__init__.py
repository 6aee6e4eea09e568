"""Make assets: plan, prepare, ask for consent, buy, deliver, reuse, renew, record."""
