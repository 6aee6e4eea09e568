"""Pure tasks whose inputs and outputs are named by hash, and who does them: this process, or machines elsewhere."""
