// Being built: replaced before the first landing.
