"""Pictures with writing whose place is known, and the training of burned_in_text on them."""
