"""Review by people: which cases are worth a person's time, and what their answers say."""
